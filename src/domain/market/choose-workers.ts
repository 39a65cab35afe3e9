import type { Random } from "../../ports/random.ts";
import { createFailureCounter, type ChoiceTally } from "./choice-tally.ts";
import {
  failedByOffer,
  failedByStanding,
  type Condition,
  type WorkerOffer,
  type WorkerStanding,
} from "./conditions.ts";
import { isBestFrom, rankByOperator, type FittingWorker, type RankedWorker } from "./rank-workers.ts";
import { checkPolicy, type WorkerPolicy } from "./worker-policy.ts";

/**
 * Workers whose past is compared at most, cheapest first, once the seats can be filled: a rate costs reads, and in a market where
 * all ask the same nothing else would end them. When the seats cannot be filled, all are looked at.
 */
const MAX_COMPARED = 1_000;
/** Enough that no two workers of a market share a lot, and a number holds it exactly. */
const LOT_BYTES = 6;
const BYTE = 256;

/** What a policy chooses, best first and kept workers before the rest; or nothing. Either way, why. */
export type WorkerChoice =
  | { readonly kind: "chosen"; readonly workers: readonly FittingWorker[]; readonly tally: ChoiceTally }
  | { readonly kind: "none"; readonly tally: ChoiceTally };

/** A worker and its past. */
export interface Candidate {
  readonly offer: WorkerOffer;
  readonly standing: WorkerStanding;
}

/** A worker that the policy wanted to keep and that fails a condition now. */
export interface LostWorker {
  readonly workerId: number;
  readonly failed: readonly Condition[];
}

/** A choice while its workers are being read: entries first, then the past of those that it asks for. */
export interface Selection {
  consider(offer: WorkerOffer): void;
  /** Once all were considered: the next workers, at most `count`, whose past may change the choice; none when it is settled. */
  next(count: number): readonly WorkerOffer[];
  /** The past of a worker that `next` gave. */
  examine(offer: WorkerOffer, standing: WorkerStanding): void;
  choice(): WorkerChoice;
  lost(): readonly LostWorker[];
}

/**
 * Chooses workers from all those of a market by a policy: one seat for each operator, nobody who fails a condition, and the best by
 * `policy.prefer`.
 *
 * @throws SprfError `INVALID_INPUT` for a policy that is none
 */
export function chooseWorkers(policy: WorkerPolicy, candidates: readonly Candidate[], random: Random): WorkerChoice {
  const selection = createSelection(policy, random);
  const standings = new Map(candidates.map(({ offer, standing }) => [offer.workerId, standing]));
  for (const { offer } of candidates) selection.consider(offer);
  for (;;) {
    const next = selection.next(candidates.length);
    if (next.length === 0) return selection.choice();
    for (const offer of next) {
      const standing = standings.get(offer.workerId);
      if (standing !== undefined) selection.examine(offer, standing);
    }
  }
}

/**
 * As {@link chooseWorkers}, for workers that are read in pages.
 *
 * @param maxCompared how many pasts are compared at most once the seats can be filled
 * @throws SprfError `INVALID_INPUT` for a policy that is none
 */
export function createSelection(given: WorkerPolicy, random: Random, maxCompared: number = MAX_COMPARED): Selection {
  const policy = checkPolicy(given);
  const failures = createFailureCounter(policy);
  const lost: LostWorker[] = [];
  /** Workers whose entry meets the conditions; in the order in which their past is looked at once `next` was called. */
  const offers: Array<{ readonly offer: WorkerOffer; readonly lot: number }> = [];
  const fitting: RankedWorker[] = [];
  const lots = new Map<number, number>();
  let considered = 0;
  let asked = 0;

  const isKept = ({ workerId }: WorkerOffer): boolean => policy.keepWorkers.has(workerId);
  function fail(failed: readonly Condition[], offer: WorkerOffer, standing?: WorkerStanding): void {
    failures.add(failed, offer, standing);
    if (isKept(offer)) lost.push({ workerId: offer.workerId, failed });
  }

  function isSettled(next: WorkerOffer): boolean {
    if (isKept(next)) return false;
    const seats = rankByOperator(policy, fitting).slice(0, policy.redundancy);
    if (seats.length < policy.redundancy) return false;
    const worst = seats.findLast((worker) => !isKept(worker));
    return worst === undefined || asked >= maxCompared || isBestFrom(policy.prefer, worst, next.pricePerBlockWei);
  }

  return {
    consider(offer) {
      considered++;
      const failed = failedByOffer(policy, offer);
      if (failed.length > 0) return fail(failed, offer);
      const { workerId, operator, applicationType, listed, maxLengthBlocks, pricePerBlockWei, stakeWei } = offer;
      const lot = drawLot(random);
      lots.set(workerId, lot);
      // Nothing else of the entry is held: a market may have many workers, with long lists of digests.
      offers.push({
        offer: { workerId, operator, applicationType, listed, maxLengthBlocks, pricePerBlockWei, stakeWei },
        lot,
      });
    },
    next(count) {
      if (asked === 0) {
        const rank = (offer: WorkerOffer): number => (isKept(offer) ? 0 : 1);
        offers.sort(
          (a, b) =>
            rank(a.offer) - rank(b.offer) ||
            (a.offer.pricePerBlockWei < b.offer.pricePerBlockWei
              ? -1
              : Number(a.offer.pricePerBlockWei > b.offer.pricePerBlockWei)) ||
            a.lot - b.lot,
        );
      }
      const first = offers[asked];
      if (first === undefined || isSettled(first.offer)) return [];
      const batch = offers.slice(asked, asked + count).map(({ offer }) => offer);
      asked += batch.length;
      return batch;
    },
    examine(offer, { reputation, uptime }) {
      const failed = failedByStanding(policy, { reputation, uptime });
      if (failed.length > 0) return fail(failed, offer, { reputation, uptime });
      fitting.push({ ...offer, reputation, uptime, lot: lots.get(offer.workerId) ?? 0 });
    },
    choice() {
      const ranked = rankByOperator(policy, fitting);
      const tally: ChoiceTally = {
        wanted: policy.redundancy,
        considered,
        failed: failures.counts(),
        sameOperator: fitting.length - ranked.length,
        fitting: ranked.length,
        notExamined: offers.length - asked,
      };
      if (ranked.length < policy.redundancy) return { kind: "none", tally };
      const workers = ranked.slice(0, policy.redundancy).map(({ lot: _lot, ...worker }) => worker);
      return { kind: "chosen", workers, tally };
    },
    lost: () => [...lost],
  };
}

function drawLot(random: Random): number {
  return random.bytes(LOT_BYTES).reduce((lot, byte) => lot * BYTE + byte, 0);
}
