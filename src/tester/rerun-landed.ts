import type { Transaction } from "@stellar/stellar-sdk";

import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { anchoredState } from "../domain/program/anchored-state.ts";
import { stateAfter, timeAfter } from "../domain/program/chain-record.ts";
import { memoHashOf } from "../domain/program/envelope.ts";
import { isRunRecord, type RunRecord } from "../domain/program/run-record.ts";
import { programReference, type SmartAccount } from "../domain/program/smart-account.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import { MAX_LANDED_DEPTH, chooseLanded } from "../domain/verdict/choose-landed.ts";
import type { RunResult } from "../domain/verdict/decide-verdict.ts";
import { isSprfError } from "../errors.ts";
import { holdContent, letGoOf } from "../execution/held-content.ts";
import { planReplays, type Replay } from "../execution/plan-replay.ts";
import { repeatRecord } from "../execution/repeat-record.ts";
import type { RunComponents } from "../execution/run-program.ts";
import { walkRecords, type LandedRecord } from "../execution/walk-records.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { Ledger } from "../ports/ledger.ts";
import { equalBytes } from "../utils/bytes.ts";
import { recordCidFromHash } from "../wire/canonical.ts";
import type { ChainRecord } from "../wire/record.ts";

/** In whose name a tester keeps what its runs need; it serves nobody, so nothing stays. */
const HOLDER = "tester-rerun/";

/** Which landed transition or batch a tester runs again, and among how many. */
export interface ChosenRecord {
  readonly tipCid: string;
  readonly count: number;
  readonly index: number;
  readonly recordCid: string;
  readonly record: RunRecord;
  readonly envelope: Uint8Array;
  /** The record before it. */
  readonly before: ChainRecord;
}

/** What came of running a landed transition or batch again. */
export type LandedCheck =
  /** There is nothing to run again. */
  | { readonly kind: "none"; readonly reason: string }
  /** Something of the tester's own: history that cannot be read, an engine that failed, own runs that differ. */
  | { readonly kind: "failed"; readonly code: string; readonly chosen?: ChosenRecord }
  | {
      readonly kind: "repeated";
      readonly chosen: ChosenRecord;
      /** Of a batch, which input the results are of, from 0: the first one that is not as it says, or the last one. */
      readonly input?: number;
      readonly own: readonly [RunResult, RunResult];
      /** Whether what landed is what the program gives. */
      readonly same: boolean;
      readonly engine: ProgramReference["kind"];
      readonly digest: string | undefined;
      /** Ledger keys whose signature stands under what landed, of those that were asked for. */
      readonly signers: readonly string[];
    };

export interface RerunLanded {
  landed(
    parts: {
      readonly account: SmartAccount;
      /** Of the epoch, and of the tester. */
      readonly seed: Uint8Array;
      readonly salt: Uint8Array;
      /** Ledger keys of the agreement's workers. */
      readonly workers: readonly string[];
    },
    options: { readonly signal: AbortSignal },
  ): Promise<LandedCheck>;
  /** One record by what a tester's evidence says of it; `failed` when the evidence is not about this program. */
  record(
    parts: {
      readonly account: SmartAccount;
      readonly recordCid: string;
      readonly envelope: Uint8Array;
      readonly workers: readonly string[];
    },
    options: { readonly signal: AbortSignal },
  ): Promise<LandedCheck>;
}

/** A record that can be run again: it ran something, and the record before it is known. */
interface Choice extends LandedRecord {
  readonly record: RunRecord;
  readonly before: ChainRecord;
}

export function createRerunLanded(components: RunComponents & { readonly ledger: Ledger }): RerunLanded {
  const { ledger, content } = components;
  let works = 0;
  let swept: Promise<void> | undefined;

  async function repeat(
    account: SmartAccount,
    chosen: ChosenRecord,
    workers: readonly string[],
    signal: AbortSignal,
  ): Promise<LandedCheck> {
    const { record, before, envelope } = chosen;
    const { image } = record;
    const reference = programReference(image.address, image.digest);
    const transaction = landedTransaction(envelope, chosen.recordCid, account.id, ledger.networkPassphrase);
    if (reference === undefined || transaction === undefined) return { kind: "failed", code: "RECORD_INVALID", chosen };
    const parts = { program: account.id, reference, before: { state: stateAfter(before), time: timeAfter(before) } };
    const replays = asAnchored(planReplays(record, parts), transaction);
    // A tester that was killed may have left something.
    await (swept ??= letGoOf(content, HOLDER));
    const held = holdContent(content, `${HOLDER}${++works}`);
    try {
      const repeated = await repeatRecord({ ...components, held }, replays, { twice: true, signal });
      if (repeated.kind === "failed") return { kind: "failed", code: repeated.code, chosen };
      if (repeated.kind === "differ") return { kind: "failed", code: "NON_DETERMINISTIC", chosen };
      const { status, outputCid, newState, gas } = repeated.own;
      const own = { status, outputCid, newState, gas };
      return {
        kind: "repeated",
        chosen,
        ...(record.kind === "batch" ? { input: repeated.index } : {}),
        own: [own, own],
        same: repeated.isSame,
        engine: reference.kind,
        digest: image.digest,
        signers: signersOf(transaction, workers).signers,
      };
    } finally {
      await held.letGo();
    }
  }

  /** The newest records, each with the one before it: the oldest that was read is no choice. */
  async function choices(
    account: SmartAccount,
    most: number,
    signal: AbortSignal,
  ): Promise<{ readonly tipCid: string; readonly found: readonly Choice[] }> {
    const found: Choice[] = [];
    let tipCid: string | undefined;
    let above: LandedRecord | undefined;
    let read = 0;
    for await (const landed of walkRecords({ ledger, content }, account, { signal })) {
      tipCid ??= landed.recordCid;
      if (above !== undefined && isRunRecord(above.record)) {
        found.push({ ...above, record: above.record, before: landed.record });
      }
      above = landed;
      read += 1;
      if (read === most) break;
    }
    return { tipCid: tipCid ?? "", found };
  }

  async function unlessFailed(work: () => Promise<LandedCheck>, signal: AbortSignal): Promise<LandedCheck> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      return { kind: "failed", code: isSprfError(error) ? error.code : "INTERNAL" };
    }
  }

  return {
    landed: async ({ account, seed, salt, workers }, { signal }) =>
      await unlessFailed(async () => {
        const { tipCid, found } = await choices(account, MAX_LANDED_DEPTH + 1, signal);
        const index = chooseLanded({ seed, salt }, found.length);
        const picked = found[index];
        if (picked === undefined) return { kind: "none", reason: "NOTHING_LANDED" };
        return await repeat(account, { ...picked, tipCid, count: found.length, index }, workers, signal);
      }, signal),

    record: async ({ account, recordCid, envelope, workers }, { signal }) =>
      await unlessFailed(async () => {
        const { tipCid, found } = await choices(account, MAX_LANDED_DEPTH * 2, signal);
        const index = found.findIndex((each) => each.recordCid === recordCid);
        const picked = found[index];
        // What the ledger leads to counts, not what the evidence says.
        if (picked === undefined || !equalBytes(picked.envelope, envelope)) {
          return { kind: "none", reason: "NOT_IN_HISTORY" };
        }
        return await repeat(account, { ...picked, tipCid, count: found.length, index }, workers, signal);
      }, signal),
  };
}

/** What was signed is what the transaction sets, whatever the record says of it: the state after its last run. */
function asAnchored(replays: readonly Replay[], transaction: Transaction): readonly Replay[] {
  const last = replays.at(-1);
  if (last === undefined) return replays;
  const newState = anchoredState(transaction) ?? last.landed.newState;
  return [...replays.slice(0, -1), { ...last, landed: { ...last.landed, newState } }];
}

/** The transaction of an envelope, when it is the program's own and has this record as its memo. */
function landedTransaction(
  envelope: Uint8Array,
  recordCid: string,
  program: string,
  network: string,
): Transaction | undefined {
  const transaction = readEnvelope(envelope, network);
  if (transaction?.source !== program) return undefined;
  const memo = memoHashOf(transaction);
  return memo !== undefined && recordCidFromHash(memo) === recordCid ? transaction : undefined;
}
