import { decodeEvidence, type Evidence } from "../domain/verdict/evidence.ts";
import { decideAppeal, decideChallenge } from "../domain/verdict/decide-dispute.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { Agreement, Chain, EpochWindows, Outcome, Verdict } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Logger } from "../ports/logger.ts";
import { answerProofOf } from "../wire/answer-proof.ts";
import type { ChallengeBook } from "./challenge-book.ts";
import { doubtReports, type Doubt } from "./doubt-reports.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { TesterExchange } from "./exchange.ts";

const MOST_CHALLENGES_A_DAY = 4;
/** How long another tester's evidence is looked for before it counts as missing. */
const EVIDENCE_TIMEOUT_MS = 30_000;

export interface WatchEpochComponents {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly exchange?: TesterExchange;
  readonly duties: DutyStore;
  readonly book: ChallengeBook;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WatchEpochInit {
  /** @default 30 s */
  readonly evidenceTimeoutMs?: number;
  /** @default 4 */
  readonly challengesADay?: number;
}

/** What a tester does between its reveal and the end of an epoch. */
export interface EpochWatch {
  /** Does what `block` asks for. True once the epoch is final and nothing is left. */
  advance(block: number): Promise<boolean>;
  stop(): Promise<void>;
}

/**
 * Stands by a revealed report until the epoch is final: answers whoever challenges it, with the workers' signed answers; looks at the
 * others' evidence and challenges an `ok` that has nothing to show; appeals an outcome that its own proof contradicts.
 *
 * It challenges a report once, for a worker that nobody asked about, whatever else it was challenged for: that may be an accomplice's
 * question, whose answer is ready. Which worker that is depends on its salt, so nobody can have foreseen it.
 */
export function watchEpoch(
  components: WatchEpochComponents,
  init: WatchEpochInit,
  parts: {
    readonly agreement: Agreement;
    readonly duty: Duty;
    readonly save: (change: Partial<Duty>) => Promise<void>;
  },
): EpochWatch {
  const { chain, duties, book } = components;
  const { agreement, save } = parts;
  const { address } = agreement;
  const { epoch } = parts.duty;
  const logger = components.logger.child({ agreement: address, epoch });
  const timeoutMs = init.evidenceTimeoutMs ?? EVIDENCE_TIMEOUT_MS;
  const life = new AbortController();
  const { signal } = life;
  let doubts: Promise<readonly Doubt[]> | undefined;
  let known: readonly Doubt[] | undefined;
  let latest: { readonly block: number; readonly windows: EpochWindows } | undefined;
  let challenging: Promise<void> | undefined;
  const left = new Set<number>();
  let disagreed = false;
  let challenged = parts.duty.challenged ?? [];
  const unanswerable = new Set<number>();

  let place: number | undefined;
  async function ownSeat(): Promise<number> {
    place ??= (await chain.seatsOf(address, epoch, { signal })).findIndex(({ tester }) => tester === chain.account);
    return place;
  }

  async function ownEvidence(): Promise<Evidence | undefined> {
    const block = await duties.evidenceOf(parts.duty);
    return block === undefined ? undefined : decodeEvidence(block);
  }

  /** Whoever doubts an honest report loses the bond to its tester. */
  async function defend(): Promise<void> {
    const seat = await ownSeat();
    const open = await chain.openChallenges(address, epoch, seat, { signal });
    const unanswered = open.filter((workerIndex) => !unanswerable.has(workerIndex));
    if (unanswered.length === 0) return;
    const evidence = await ownEvidence();
    const failures: unknown[] = [];
    for (const workerIndex of unanswered) {
      const signed = evidence?.workers[workerIndex]?.answer;
      if (evidence?.request === undefined || signed === undefined) {
        unanswerable.add(workerIndex);
        logger.error("a challenge cannot be answered: there is no signed answer to show", { workerIndex });
        continue;
      }
      const { request } = evidence.request;
      const proof = answerProofOf({ request, signed, salt: parts.duty.salt });
      try {
        await chain.answerChallenge(address, epoch, seat, workerIndex, proof, { signal });
        logger.info("a challenge was answered", { workerIndex });
      } catch (error) {
        // Each answer is worth a bond of its own.
        if (signal.aborted) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** The first worker for whom nobody challenged the report yet. */
  async function unasked({ seat, workers }: Doubt): Promise<number | undefined> {
    for (const workerIndex of workers) {
      if ((await chain.challengeOf(address, epoch, seat, workerIndex, { signal })) === undefined) return workerIndex;
    }
    return undefined;
  }

  async function challengeThose(doubted: readonly Doubt[]): Promise<void> {
    for (const doubt of doubted) {
      const { seat, grounds } = doubt;
      if (left.has(seat) || challenged.some((each) => each.seat === seat)) continue;
      const workerIndex = await unasked(doubt);
      if (workerIndex === undefined) {
        left.add(seat);
        continue;
      }
      const [missPenaltyWei, gasPriceWei, balanceWei] = await Promise.all([
        chain.missPenaltyWei({ signal }),
        chain.gasPriceWei({ signal }),
        chain.balanceWei(chain.account, { signal }),
      ]);
      const isWorthIt = decideChallenge({
        grounds,
        record: await book.record(grounds),
        missPenaltyWei,
        gasPriceWei,
        balanceWei,
        today: await book.today(),
        mostADay: init.challengesADay ?? MOST_CHALLENGES_A_DAY,
      });
      logger.warn("a report has nothing to show for an ok", { seat, workerIndex, grounds, challenged: isWorthIt });
      if (!isWorthIt) {
        left.add(seat);
        continue;
      }
      // Counted first: a crash must not make it more than the day allows. Should somebody ask about this worker an instant
      // before, another one's turn comes with the next block.
      await book.begun();
      await chain.challenge(address, epoch, seat, workerIndex, missPenaltyWei, { signal });
      challenged = [...challenged, { seat, workerIndex, grounds }];
      await save({ challenged: [...challenged] });
    }
  }

  async function appealWhatIsWrong(): Promise<void> {
    const { report } = parts.duty;
    const outcomes = await chain.tallyOf(address, epoch, { signal });
    const overruled = (report?.verdicts ?? []).flatMap((verdict, workerIndex) =>
      verdict === "wrong" && isOverruled(outcomes[workerIndex]) ? [workerIndex] : [],
    );
    if (overruled.length === 0) return;
    const evidence = await ownEvidence();
    const appealed = await chain.appealedWorkers(address, epoch, { signal });
    for (const workerIndex of overruled) {
      if (appealed.includes(workerIndex)) continue;
      const [bondWei, gasPriceWei, balanceWei] = await Promise.all([
        chain.bondWei(address, { signal }),
        chain.gasPriceWei({ signal }),
        chain.balanceWei(chain.account, { signal }),
      ]);
      const proven = evidence !== undefined && isProven(evidence, workerIndex);
      const feeWei = agreement.testerFeePerEpochWei;
      const isWorthIt = decideAppeal({ proven, bondWei, feeWei, gasPriceWei, balanceWei });
      logger.warn("a proven verdict was overruled", {
        workerIndex,
        outcome: outcomes[workerIndex],
        appealed: isWorthIt,
      });
      if (isWorthIt) await chain.appeal(address, epoch, workerIndex, bondWei, { signal });
    }
  }

  /** What became of own challenges, for the next decision. */
  async function learn(): Promise<void> {
    for (const { seat, workerIndex, grounds } of challenged) {
      const challenge = await chain.challengeOf(address, epoch, seat, workerIndex, { signal });
      if (challenge?.challenger === chain.account) await book.ended(grounds, !challenge.answered);
    }
    if (challenged.length > 0) await save({ challenged: [] });
    challenged = [];
  }

  async function advance(block: number): Promise<boolean> {
    const windows = await chain.windowsOf(address, epoch, { signal });
    latest = { block, windows };
    if (block >= windows.finalFrom) {
      await learn();
      return true;
    }
    // A challenge of an instant ago must not wait behind what follows.
    if (block >= windows.appealFrom) await defend();
    if (block >= windows.revealTo) startLooking();
    if (isAppealTime(windows, block)) {
      if (!disagreed) {
        disagreed = true;
        await attempt("an appeal", appealWhatIsWrong);
      }
      await challengeNow();
    }
    return false;
  }

  /** Once the others' reports were looked at, and as soon as challenges are taken. */
  async function challengeNow(): Promise<void> {
    const doubted = known;
    if (doubted === undefined || latest === undefined || !isAppealTime(latest.windows, latest.block)) return;
    challenging ??= attempt("a challenge", async () => await challengeThose(doubted)).finally(() => {
      challenging = undefined;
    });
    await challenging;
  }

  function startLooking(): void {
    if (doubts !== undefined) return;
    const salt = parts.duty.salt;
    doubts = doubtReports(components, { agreement, epoch, salt, timeoutMs, signal });
    doubts.then(
      (found) => {
        known = found;
        challengeNow().catch(() => undefined);
      },
      (error: unknown) => {
        if (!signal.aborted) logger.info("the others' reports cannot be looked at", { reason: messageOf(error) });
        doubts = undefined;
      },
    );
  }

  /** Another may have been faster; what fails here harms nobody. */
  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) throw error;
      const code = isSprfError(error) ? error.code : "INTERNAL";
      logger.info(`${what} was not taken`, { code, reason: messageOf(error) });
    }
  }

  return {
    advance,
    async stop() {
      life.abort();
      await doubts?.catch(() => undefined);
      await challenging?.catch(() => undefined);
    },
  };
}

/** What is sent at this latest block lands within the window. */
function isAppealTime({ appealFrom, appealTo }: EpochWindows, block: number): boolean {
  return block >= appealFrom - 1 && block < appealTo;
}

function isOverruled(outcome: Outcome | undefined): boolean {
  return outcome === "ok" || outcome === "unreachable";
}

const PROVEN: readonly string[] = ["other-answer", "signed-wrong-transition"];

/** Whether the evidence alone makes anybody who runs it again come to `wrong`. */
function isProven(evidence: Evidence, workerIndex: number): boolean {
  const worker = evidence.workers[workerIndex];
  const verdict: Verdict | undefined = worker?.verdict;
  return verdict === "wrong" && PROVEN.includes(worker?.reason ?? "");
}
