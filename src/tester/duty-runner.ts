import { Keypair } from "@stellar/stellar-sdk";

import { isSprfError, messageOf } from "../errors.ts";
import type { Verdict } from "../ports/chain.ts";
import type { Logger } from "../ports/logger.ts";
import type { Docket, DocketStep } from "./docket.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
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
  readonly round: Duty["round"];
  readonly verdicts: readonly Verdict[];
  readonly evidenceCid: string;
}

export interface DutyComponents {
  readonly duties: DutyStore;
  readonly purse: Purse;
  readonly logger: Logger;
}

export interface DutyInit {
  readonly timeouts: Timeouts;
  readonly onReport?: (report: EpochReport) => void;
}

/** Carries one duty from the draw to its reveal. */
export interface DutyRunner {
  readonly duty: Duty;
  /** True when nothing is left to do. */
  over(): boolean;
  /** Does what `block` allows, without waiting for an examination that goes on in the background. */
  advance(block: number): Promise<void>;
  /** Does again what the latest block allows: something was heard from others. */
  poke(): void;
  /** Changes what is written down of the duty. */
  save(change: Partial<Duty>): Promise<void>;
  /** Ends what goes on; the duty is taken up again where it was by another runner. */
  stop(): Promise<void>;
}

export function createDutyRunner(
  components: DutyComponents,
  init: DutyInit,
  parts: { readonly docket: Docket; readonly duty: Duty },
): DutyRunner {
  const { duties, purse } = components;
  const { docket } = parts;
  const { windows } = docket;
  const { agreement, epoch, round } = parts.duty;
  const logger = components.logger.child({ agreement, epoch, ...(round === "panel" ? { round } : {}) });
  const life = new AbortController();
  const lastCall = new AbortController();
  const deadline = new AbortController();
  const lastCommitBlock = windows.commitTo - 1 - COMMIT_MARGIN_BLOCKS;
  let duty = parts.duty;
  let latest = 0;
  let examining: Promise<void> | undefined;
  let reclaiming: Promise<void> | undefined;
  /** One step at a time; who asks meanwhile gets one more. */
  let stepping: Promise<void> | undefined;
  let again = false;

  /** Written down before it counts, so that a crash finds it. */
  async function save(change: Partial<Duty>): Promise<void> {
    const next = { ...duty, ...change };
    await duties.put(next);
    duty = next;
  }

  async function examineNow(): Promise<void> {
    const signal = AbortSignal.any([life.signal, deadline.signal]);
    const { workerMs, leastWorkerMs } = init.timeouts;
    try {
      const examination = await docket.examine({
        duty,
        keep: async (probe) => await save({ probe }),
        patience: { timeoutMs: workerMs, leastMs: leastWorkerMs, lastCall: lastCall.signal },
        signal,
      });
      if (examination === undefined) {
        logger.warn("nothing to vouch for yet; trying again with the next block");
        return;
      }
      const { verdicts, evidenceCid, block } = examination;
      const next: Duty = { ...duty, phase: "reported", report: { verdicts: [...verdicts], evidenceCid } };
      await duties.putReported(next, block);
      duty = next;
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

  const stepAt = (block: number): DocketStep => ({ duty, block, save, signal: life.signal });

  async function commit(block: number): Promise<void> {
    if (!(await docket.commit(stepAt(block)))) return;
    await save({ phase: "committed" });
    logger.info("verdicts committed");
  }

  async function reveal(block: number): Promise<void> {
    const seat = await docket.seat(life.signal);
    if (seat?.status === "drawn") return await miss();
    if (seat?.status !== "revealed" && !(await docket.reveal(stepAt(block)))) return;
    await save({ phase: "revealed" });
    if (duty.report === undefined) return;
    const { verdicts, evidenceCid } = duty.report;
    logger.info("verdicts revealed", { verdicts, evidenceCid });
    init.onReport?.({ agreement, epoch, round, verdicts, evidenceCid });
  }

  async function miss(): Promise<void> {
    // A crash may have come between the transaction and its note.
    if (duty.report !== undefined && (await docket.seat(life.signal))?.status === "revealed") {
      return await save({ phase: "revealed" });
    }
    logger.warn("the epoch was missed", { phase: duty.phase });
    await save({ phase: "missed" });
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
        if (!(await docket.isTimely(block, life.signal))) return;
        examining = examineNow().finally(() => {
          examining = undefined;
          if (duty.phase === "reported") poke();
        });
        return;
      case "reported":
      case "committed":
        if (block >= windows.revealTo) return await miss();
        if (block >= windows.revealFrom) return await reveal(block);
        // Past the margin it is still worth a try: what was seen must not be lost for a late node.
        if (duty.phase === "reported" && block < windows.commitTo) return await commit(block);
        return;
      case "revealed":
      case "abstained":
      case "missed":
        return;
    }
  }

  async function stepUntilQuiet(): Promise<void> {
    do {
      again = false;
      if (life.signal.aborted) return;
      try {
        await step(latest);
        if (duty.phase !== "probing" && !duty.reclaimed) {
          reclaiming ??= reclaim().finally(() => {
            reclaiming = undefined;
          });
        }
      } catch (error) {
        if (life.signal.aborted) return;
        logger.warn("a step of a duty failed and will be tried again", { phase: duty.phase, ...describe(error) });
      }
    } while (again);
  }

  async function advance(): Promise<void> {
    again = true;
    stepping ??= stepUntilQuiet().finally(() => {
      stepping = undefined;
    });
    await stepping;
  }

  function poke(): void {
    void advance();
  }

  const ended = (): boolean => ["revealed", "abstained", "missed"].includes(duty.phase);
  return {
    get duty() {
      return duty;
    },
    over: () => ended() && duty.reclaimed && examining === undefined,
    async advance(block) {
      latest = Math.max(latest, block);
      await advance();
    },
    poke,
    save,
    async stop() {
      life.abort();
      await examining;
      await stepping;
      await reclaiming;
      await docket.leave();
    },
  };
}

function describe(error: unknown): { code: string; reason: string } {
  return { code: isSprfError(error) ? error.code : "INTERNAL", reason: messageOf(error) };
}
