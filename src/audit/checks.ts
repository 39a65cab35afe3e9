import PQueue from "p-queue";

import type { AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import type { HistoryLink, LinkVerdict } from "../domain/audit/verify-link.ts";
import type { RunRecord } from "../domain/program/run-record.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { HeldContent } from "../execution/held-content.ts";
import type { LimitTable } from "../execution/limits.ts";
import type { RunComponents } from "../execution/run-program.ts";
import { abortError } from "../utils/abort.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { LedgerWitness } from "./confirm-on-ledger.ts";
import type { HeldStates } from "./held-states.ts";
import { rerunRecord } from "./rerun-record.ts";
import { createStateKeeper } from "./state-keeper.ts";

/** Failures of an image, which would be the same for all its runs. */
const OF_ONE_IMAGE: readonly string[] = ["PROGRAM_NOT_FOUND", "REGISTRY_STALLED"];

/** Failures of one run alone; others end the audit, since every run after would fail alike. */
const OF_ONE_RUN: readonly string[] = [
  "CONTENT_NOT_FOUND",
  "CONTENT_CORRUPT",
  "CONTENT_TOO_LARGE",
  ...OF_ONE_IMAGE,
  "PROGRAM_INVALID",
  "ENGINE_FAILED",
  "NON_DETERMINISTIC",
  "STATE_REFUSED",
  "TIMEOUT",
];

/** A record of runs whose chain is right, to be run again. */
export interface RecordToCheck {
  readonly link: HistoryLink & { readonly record: RunRecord };
  readonly before: HistoryState;
  readonly verdict: LinkVerdict;
  readonly after: HistoryState;
}

/** What became of it. */
export type CheckOutcome =
  | { readonly kind: "right"; readonly paymentsSeen: number }
  | { readonly kind: "wrong"; readonly faults: readonly AuditFault[] }
  | { readonly kind: "unchecked"; readonly error: SprfError };

/** Runs transitions and batches again, so many at a time. */
export interface Checks {
  /** Resolves when there is room for the next one; rejects with what ended the audit. */
  add(item: RecordToCheck): Promise<void>;
  /** Resolves when all are done; rejects with what ended the audit. */
  idle(): Promise<void>;
}

export interface ChecksInit {
  readonly program: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Whether it no longer matters: something before it is wrong. */
  readonly isMoot: (item: RecordToCheck) => boolean;
  readonly onOutcome: (item: RecordToCheck, outcome: CheckOutcome) => void;
}

export function createChecks(
  components: Pick<RunComponents, "engines" | "scratchDirectory"> & {
    readonly checkpoint: Checkpoint;
    readonly witness: LedgerWitness;
    readonly heldStates: HeldStates;
    readonly limitTables?: readonly LimitTable[] | undefined;
  },
  { program, jobs, signal: outer, isMoot, onOutcome }: ChecksInit,
): Checks {
  const { checkpoint, witness, heldStates, engines, scratchDirectory, limitTables } = components;
  const queue = new PQueue({ concurrency: jobs });
  const keeper = createStateKeeper();
  const ending = new AbortController();
  const signal = AbortSignal.any([outer, ending.signal]);
  /** Programs that nobody gave, so that nobody is asked for them again. */
  const gone = new Map<string, SprfError>();
  let failure: Error | undefined;
  let predecessor: Promise<void> | undefined;

  function throwFailure(): void {
    if (outer.aborted) throw abortError(outer);
    if (failure !== undefined) throw failure;
  }

  async function check(
    item: RecordToCheck,
    held: HeldContent,
    predecessor: Promise<void> | undefined,
  ): Promise<CheckOutcome> {
    const { link, before, verdict } = item;
    const { record } = link;
    const lost = gone.get(record.image.address);
    if (lost !== undefined) return { kind: "unchecked", error: lost };
    try {
      await keeper.require(before.state, { content: held.content, predecessor }, { signal });
      const running = { held, engines, scratchDirectory, limitTables };
      const [run, payments] = await Promise.all([
        rerunRecord(running, { program, record, before }, { signal }),
        witness.payments(record, before, { signal }),
      ]);
      const faults = [
        ...run,
        ...payments.faults,
        ...(await witness.named(record.previous.envelope, before, { signal })),
        ...(verdict.unknownSignatures === 0 ? [] : await witness.signedByUser(link, { signal })),
      ];
      return faults.length > 0 ? { kind: "wrong", faults } : { kind: "right", paymentsSeen: payments.seen };
    } catch (error) {
      if (signal.aborted || !isSprfError(error) || !OF_ONE_RUN.includes(error.code)) throw error;
      if (OF_ONE_IMAGE.includes(error.code)) gone.set(record.image.address, error);
      return { kind: "unchecked", error };
    }
  }

  async function work(item: RecordToCheck, previous: Promise<void> | undefined): Promise<void> {
    if (signal.aborted || isMoot(item)) return;
    const { link, before, after } = item;
    const { recordCid } = link;
    const held = heldStates.of(recordCid);
    let isRight = false;
    try {
      const outcome = await check(item, held, previous);
      isRight = outcome.kind === "right";
      // Where nothing changed, the state is still held by the record before, and not for long.
      if (isRight && after.state === before.state) await held.content.pin(after.state, { signal });
      // First the frontier, so that it moves in the same write.
      onOutcome(item, outcome);
    } finally {
      await held.letGo(isRight ? after.state : undefined);
    }
    if (!isRight) return;
    const predecessor = before.lastRunCid;
    const release = async (): Promise<void> => await heldStates.onChecked(recordCid, predecessor);
    await checkpoint.markChecked({ recordCid, envelopeHash: after.envelopeHash, predecessor }, release);
  }

  return {
    async add(item) {
      throwFailure();
      const previous = predecessor;
      const run = queue
        .add(async () => await work(item, previous))
        .catch((error: unknown) => {
          failure ??= error instanceof Error ? error : new SprfError("INTERNAL", messageOf(error));
          ending.abort(error);
        });
      predecessor = run;
      await queue.onSizeLessThan(jobs);
      throwFailure();
    },
    async idle() {
      await queue.onIdle();
      throwFailure();
    },
  };
}
