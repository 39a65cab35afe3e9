import { Keypair } from "@stellar/stellar-sdk";

import { commitmentOf } from "../domain/verdict/commitment.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Agreement, EpochWindows, TesterSeat, Verdict } from "../ports/chain.ts";
import type { Logger } from "../ports/logger.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import { examine, type ExamineComponents } from "./examine.ts";
import type { Purse } from "./purse.ts";

/** A commitment is sent so many blocks before the last one that takes it. */
const COMMIT_MARGIN_BLOCKS = 1;
/** And so many before that, waiting for workers ends. */
const LAST_CALL_BLOCKS = 2;

export interface Timeouts {
  /** How long one worker may take. */
  readonly workerMs: number;
  /** Less than that is never held against it. */
  readonly leastWorkerMs: number;
}

/** What became of an epoch. */
export interface EpochReport {
  readonly agreement: string;
  readonly epoch: number;
  readonly verdicts: readonly Verdict[];
  readonly evidenceCid: string;
}

export interface DutyComponents extends ExamineComponents {
  readonly duties: DutyStore;
  readonly purse: Purse;
}

export interface DutyInit {
  readonly timeouts: Timeouts;
  readonly onReport?: (report: EpochReport) => void;
}

/** Carries one duty from the draw to its end. */
export interface DutyRunner {
  readonly duty: Duty;
  /** True when nothing is left to do. */
  over(): boolean;
  /** Does what `block` allows, without waiting for an examination that goes on in the background. */
  advance(block: number): Promise<void>;
  /** Ends what goes on; the duty is taken up again where it was by another runner. */
  stop(): Promise<void>;
}

export function createDutyRunner(
  components: DutyComponents,
  init: DutyInit,
  parts: { readonly agreement: Agreement; readonly windows: EpochWindows; readonly duty: Duty },
): DutyRunner {
  const { chain, duties, purse } = components;
  const { agreement, windows } = parts;
  const logger: Logger = components.logger.child({ agreement: agreement.address, epoch: parts.duty.epoch });
  const life = new AbortController();
  const lastCall = new AbortController();
  const deadline = new AbortController();
  const lastCommitBlock = windows.commitTo - 1 - COMMIT_MARGIN_BLOCKS;
  let duty = parts.duty;
  let examining: Promise<void> | undefined;
  let reclaiming: Promise<void> | undefined;

  /** Written down before it counts, so that a crash finds it. */
  async function save(change: Partial<Duty>): Promise<void> {
    const next = { ...duty, ...change };
    await duties.put(next);
    duty = next;
  }

  /** Clients bind their program soon after the purchase; what can only be half examined now waits for half of the window. */
  async function isTimely(block: number): Promise<boolean> {
    if (block >= Math.floor((windows.commitFrom + lastCommitBlock) / 2)) return true;
    const { program } = await chain.agreementState(agreement.address, { signal: life.signal });
    return program !== undefined;
  }

  async function examineNow(): Promise<void> {
    const signal = AbortSignal.any([life.signal, deadline.signal]);
    const { workerMs, leastWorkerMs } = init.timeouts;
    try {
      const examination = await examine(
        { ...components, logger },
        {
          agreement,
          duty,
          keep: async (probe) => await save({ probe }),
          patience: { timeoutMs: workerMs, leastMs: leastWorkerMs, lastCall: lastCall.signal },
          signal,
        },
      );
      if (examination === undefined) {
        logger.warn("nothing to vouch for yet; trying again with the next block");
        return;
      }
      await save({ phase: "reported", report: { ...examination, verdicts: [...examination.verdicts] } });
      await commit();
    } catch (error) {
      if (life.signal.aborted) return;
      if (deadline.signal.aborted || isSprfError(error, "OWN_TIME_UP")) return await abstain("the epoch was too short");
      logger.warn("an examination failed and will be tried again", describe(error));
    }
  }

  async function abstain(why: string): Promise<void> {
    logger.warn("no report for this epoch", { reason: why });
    await save({ phase: "abstained" });
  }

  async function commit(): Promise<void> {
    const { report } = duty;
    if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
    const seat = await seatOf();
    if (seat?.status === "drawn") {
      const { salt, epoch } = duty;
      const commitment = commitmentOf({ agreement: agreement.address, epoch, tester: chain.account, salt, ...report });
      await chain.commit(agreement.address, duty.epoch, commitment, { signal: life.signal });
    }
    await save({ phase: "committed" });
    logger.info("verdicts committed");
  }

  async function reveal(): Promise<void> {
    const { report, salt } = duty;
    if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
    const seats = await seatsOf();
    const seat = seats.findIndex(isMine);
    if (seats[seat]?.status === "drawn") return await save({ phase: "missed" });
    if (seats[seat]?.status === "committed") {
      await chain.reveal(
        agreement.address,
        duty.epoch,
        { seat, tester: chain.account, ...report, salt },
        { signal: life.signal },
      );
    }
    await save({ phase: "revealed" });
    const { verdicts, evidenceCid } = report;
    logger.info("verdicts revealed", { verdicts, evidenceCid });
    init.onReport?.({ agreement: agreement.address, epoch: duty.epoch, verdicts, evidenceCid });
  }

  async function miss(): Promise<void> {
    // A crash may have come between the transaction and its note.
    if (duty.report !== undefined && (await seatOf())?.status === "revealed") return await save({ phase: "revealed" });
    logger.warn("the epoch was missed", { phase: duty.phase });
    await save({ phase: "missed" });
  }

  async function seatOf(): Promise<TesterSeat | undefined> {
    return (await seatsOf()).find(isMine);
  }

  async function seatsOf(): Promise<readonly TesterSeat[]> {
    return await chain.seatsOf(agreement.address, duty.epoch, { signal: life.signal });
  }

  function isMine({ tester }: TesterSeat): boolean {
    return tester === chain.account;
  }

  /** The probe's account is needed until the workers have answered, and only then given back. */
  async function reclaim(): Promise<void> {
    const { probe } = duty;
    if (probe === undefined) return await save({ reclaimed: true });
    try {
      await purse.reclaim(Keypair.fromRawEd25519Seed(Buffer.from(probe.seed)), { signal: life.signal });
    } catch (error) {
      if (life.signal.aborted) return;
      logger.warn("what a probe left over cannot be given back", describe(error));
      if (isSprfError(error) && error.fault === "network") return;
    }
    await save({ reclaimed: true });
  }

  async function step(block: number): Promise<void> {
    if (block >= lastCommitBlock - LAST_CALL_BLOCKS) lastCall.abort();
    if (block > lastCommitBlock) deadline.abort();
    if (examining !== undefined) return;
    switch (duty.phase) {
      case "probing":
        if (block > lastCommitBlock) return await miss();
        if (!(await isTimely(block))) return;
        examining = examineNow().finally(() => {
          examining = undefined;
        });
        return;
      case "reported":
      case "committed":
        if (block >= windows.revealTo) return await miss();
        if (block >= windows.revealFrom) return await reveal();
        // Past the margin it is still worth a try: what was seen must not be lost for a late node.
        if (duty.phase === "reported" && block < windows.commitTo) return await commit();
        return;
      case "revealed":
      case "abstained":
      case "missed":
        return;
    }
  }

  const ended = (): boolean => ["revealed", "abstained", "missed"].includes(duty.phase);
  return {
    get duty() {
      return duty;
    },
    over: () => ended() && duty.reclaimed && examining === undefined,
    async advance(block) {
      if (life.signal.aborted) return;
      try {
        await step(block);
        if (duty.phase !== "probing" && !duty.reclaimed) {
          reclaiming ??= reclaim().finally(() => {
            reclaiming = undefined;
          });
        }
      } catch (error) {
        if (life.signal.aborted) return;
        logger.warn("a step of a duty failed and will be tried again", { phase: duty.phase, ...describe(error) });
      }
    },
    async stop() {
      life.abort();
      await examining;
      await reclaiming;
    },
  };
}

function describe(error: unknown): { code: string; reason: string } {
  return { code: isSprfError(error) ? error.code : "INTERNAL", reason: messageOf(error) };
}
