import { StrKey } from "@stellar/stellar-sdk";

import { decodeEvidence, type Evidence } from "../domain/verdict/evidence.ts";
import { decideAppeal, decideChallenge, type ChallengeGrounds } from "../domain/verdict/decide-dispute.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { Agreement, Chain, EpochWindows, Outcome, RevealedReport, Verdict } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Logger } from "../ports/logger.ts";
import { answerProofOf } from "../wire/answer-proof.ts";
import type { ChallengeBook } from "./challenge-book.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { TesterExchange } from "./exchange.ts";
import { answerOf, findEvidence, probeOf, type WorkerIdentity } from "./find-evidence.ts";

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

interface Doubt {
  readonly seat: number;
  readonly workerIndex: number;
  readonly grounds: ChallengeGrounds;
}

/**
 * Stands by a revealed report until the epoch is final: answers whoever challenges it, with the worker's signed answer; looks at the
 * others' evidence and challenges an `ok` that has nothing to show; appeals an outcome that its own proof contradicts.
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
  const life = new AbortController();
  const { signal } = life;
  let doubts: Promise<readonly Doubt[]> | undefined;
  let known: readonly Doubt[] | undefined;
  let latest: { readonly block: number; readonly windows: EpochWindows } | undefined;
  let challenging: Promise<void> | undefined;
  const tried = new Set<number>();
  let disagreed = false;
  let challenged = parts.duty.challenged ?? [];
  let settledAnswers = false;

  async function ownSeat(): Promise<number> {
    return (await chain.seatsOf(address, epoch, { signal })).findIndex(({ tester }) => tester === chain.account);
  }

  async function ownEvidence(): Promise<Evidence | undefined> {
    const block = await duties.evidenceOf(parts.duty);
    return block === undefined ? undefined : decodeEvidence(block);
  }

  /** Whoever doubts an honest report loses the bond to its tester. */
  async function defend(): Promise<void> {
    if (settledAnswers) return;
    const seat = await ownSeat();
    const challenge = await chain.challengeOf(address, epoch, seat, { signal });
    if (challenge === undefined || challenge.answered) return;
    const evidence = await ownEvidence();
    const signed = evidence?.workers[challenge.workerIndex]?.answer;
    if (evidence?.request === undefined || signed === undefined) {
      settledAnswers = true;
      logger.error("a challenge cannot be answered: there is no signed answer to show", { ...challenge });
      return;
    }
    const { request } = evidence.request;
    const proof = answerProofOf({ request, signed, salt: parts.duty.salt });
    await chain.answerChallenge(address, epoch, seat, proof, { signal });
    settledAnswers = true;
    logger.info("a challenge was answered", { workerIndex: challenge.workerIndex });
  }

  async function workersOf(): Promise<readonly WorkerIdentity[]> {
    const twins = await Promise.all(agreement.workerTwinIds.map(async (id) => await chain.twin(id, { signal })));
    return twins.map(({ messageKey, ledgerKey }) => ({
      messageKey,
      ledgerKey: StrKey.encodeEd25519PublicKey(Buffer.from(ledgerKey)),
    }));
  }

  /** Looks at every other report once. */
  async function look(): Promise<readonly Doubt[]> {
    const boundFrom = await chain.boundFrom(address, { signal });
    if (boundFrom === undefined || epoch < boundFrom) return [];
    const [seats, reports, workers] = await Promise.all([
      chain.seatsOf(address, epoch, { signal }),
      chain.reportsOf(address, epoch, { signal }),
      workersOf(),
    ]);
    const found = await Promise.all(
      reports
        .filter(({ tester, verdicts }) => tester !== chain.account && verdicts.includes("ok"))
        .map(async (report) => await doubtOf(report, workers)),
    );
    return found.flatMap((each) => {
      const seat = seats.findIndex(({ tester }) => tester === each?.tester);
      return each === undefined || seat === -1 ? [] : [{ seat, workerIndex: each.workerIndex, grounds: each.grounds }];
    });
  }

  async function doubtOf(
    report: RevealedReport,
    workers: readonly WorkerIdentity[],
  ): Promise<
    { readonly tester: string; readonly workerIndex: number; readonly grounds: ChallengeGrounds } | undefined
  > {
    const { tester, verdicts } = report;
    const timeoutMs = init.evidenceTimeoutMs ?? EVIDENCE_TIMEOUT_MS;
    const wanted = { agreement: address, epoch, report };
    const evidence = await findEvidence(components, wanted, { timeoutMs, signal });
    const probe = evidence === undefined ? undefined : probeOf(evidence, wanted);
    for (const [workerIndex, verdict] of verdicts.entries()) {
      const worker = workers[workerIndex];
      if (verdict !== "ok" || worker === undefined) continue;
      const gone = await chain.resignedFrom(address, workerIndex, { signal });
      if (gone !== undefined && epoch >= gone) continue;
      if (evidence === undefined) return { tester, workerIndex, grounds: "evidence-missing" };
      if (probe === undefined || answerOf(evidence, workerIndex, worker, probe) === undefined) {
        return { tester, workerIndex, grounds: "no-answer" };
      }
    }
    return undefined;
  }

  async function challengeThose(doubted: readonly Doubt[]): Promise<void> {
    for (const { seat, workerIndex, grounds } of doubted) {
      if (tried.has(seat)) continue;
      tried.add(seat);
      if (challenged.some((each) => each.seat === seat)) continue;
      if ((await chain.challengeOf(address, epoch, seat, { signal })) !== undefined) continue;
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
      if (!isWorthIt) continue;
      // Counted first: a crash must not make it more than the day allows.
      await book.begun();
      await chain.challenge(address, epoch, seat, workerIndex, missPenaltyWei, { signal });
      challenged = [...challenged, { seat, grounds }];
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
    for (const { seat, grounds } of challenged) {
      const challenge = await chain.challengeOf(address, epoch, seat, { signal });
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
    doubts = look();
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
