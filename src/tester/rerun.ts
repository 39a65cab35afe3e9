import { FeeBumpTransaction, TransactionBuilder, type Transaction } from "@stellar/stellar-sdk";

import { sequenceBefore, stateAfter, timeAfter } from "../domain/program/chain-record.ts";
import { memoHashOf } from "../domain/program/envelope.ts";
import { programReference, type SmartAccount } from "../domain/program/smart-account.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import { MAX_LANDED_DEPTH, chooseLanded } from "../domain/verdict/choose-landed.ts";
import { isSameResult, type OwnRuns, type RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { planReplay } from "../execution/plan-replay.ts";
import { runProgram, type RunComponents, type RunPlan } from "../execution/run-program.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { Ledger } from "../ports/ledger.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { hashWithDomain, recordCidFromHash } from "../wire/canonical.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import { hashRequest, type SignedRequest } from "../wire/execution-request.ts";
import type { ChainRecord, TransitionRecord } from "../wire/record.ts";
import { repeatRuns } from "../execution/repeat-runs.ts";
import { walkRecords, type LandedRecord } from "./walk-records.ts";

/** How far back an answer's state is looked for. */
const MAX_STATE_DEPTH = 64;

/** Which landed transition a tester runs again, and among how many. */
export interface ChosenTransition {
  readonly tipCid: string;
  readonly count: number;
  readonly index: number;
  readonly recordCid: string;
  readonly record: TransitionRecord;
  readonly envelope: Uint8Array;
  /** The record before it. */
  readonly before: ChainRecord;
}

/** What came of running a landed transition again. */
export type LandedCheck =
  /** There is nothing to run again. */
  | { readonly kind: "none"; readonly reason: string }
  /** Something of the tester's own: history that cannot be read, an engine that failed, own runs that differ. */
  | { readonly kind: "failed"; readonly code: string; readonly chosen?: ChosenTransition }
  | {
      readonly kind: "repeated";
      readonly chosen: ChosenTransition;
      readonly own: readonly [RunResult, RunResult];
      /** Whether what landed is what the program gives. */
      readonly same: boolean;
      readonly engine: ProgramReference["kind"];
      readonly digest: string | undefined;
      /** Ledger keys whose signature stands under what landed, of those that were asked for. */
      readonly signers: readonly string[];
    };

/** A paid request that a worker answered, to be run again on the state that the answer names. */
export interface AnswerToRepeat {
  readonly account: SmartAccount;
  readonly signed: SignedRequest;
  readonly answer: ExecutionAnswer;
}

/** Runs again what others ran, at least twice, with the time and seed that it had. */
export interface Rerun {
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
  answer(
    parts: AnswerToRepeat,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly onKnownState: boolean; readonly own: OwnRuns }>;
}

export function createRerun(components: RunComponents & { readonly ledger: Ledger }): Rerun {
  const { ledger, content } = components;

  async function repeat(
    account: SmartAccount,
    chosen: ChosenTransition,
    workers: readonly string[],
    signal: AbortSignal,
  ): Promise<LandedCheck> {
    const { record, before, envelope } = chosen;
    const reference = programReference(record.image.address, record.image.digest);
    if (reference === undefined) return { kind: "failed", code: "RECORD_INVALID", chosen };
    const transaction = landedTransition(envelope, chosen.recordCid, account.id, ledger.networkPassphrase);
    if (transaction === undefined) return { kind: "failed", code: "RECORD_INVALID", chosen };
    const landed: RunResult = { status: "accepted", ...pickResult(record) };
    const plan = planReplay(record, {
      program: account.id,
      reference,
      before: { state: stateAfter(before), time: timeAfter(before) },
    });
    const runs = await repeatRuns(async () => await runOnce(plan, signal), {
      engine: reference.kind,
      signed: [landed],
      lastCall: signal,
      signal,
    });
    if (runs.kind === "failed") return { kind: "failed", code: runs.code, chosen };
    if (runs.kind === "differ") return { kind: "failed", code: "NON_DETERMINISTIC", chosen };
    return {
      kind: "repeated",
      chosen,
      own: [runs.answer, runs.answer],
      same: isSameResult(landed, runs.answer),
      engine: reference.kind,
      digest: record.image.digest,
      signers: signersOf(transaction, workers).signers,
    };
  }

  async function runOnce(plan: RunPlan, signal: AbortSignal): Promise<RunResult> {
    const { status, outputCid, newState, gas } = await runProgram(components, plan, { signal });
    // A tester serves nobody, so nothing that came out has to stay.
    await content.unpin(outputCid, { signal });
    if (status === "accepted") await content.unpin(newState, { signal });
    return { status, outputCid, newState, gas };
  }

  async function walk(account: SmartAccount, most: number, signal: AbortSignal): Promise<readonly LandedRecord[]> {
    const records: LandedRecord[] = [];
    for await (const landed of walkRecords({ ledger, content }, account, { signal })) {
      records.push(landed);
      if (records.length === most) break;
    }
    return records;
  }

  return {
    async landed({ account, seed, salt, workers }, { signal }) {
      try {
        const records = await walk(account, MAX_LANDED_DEPTH + 1, signal);
        // Each transition needs the record before it, so the oldest one that was read is no choice.
        const count = records.findLastIndex(({ record }) => record.kind === "transition") + 1;
        const choices = Math.min(count, records.length - 1);
        const [tip] = records;
        if (choices < 1 || tip === undefined) return { kind: "none", reason: "NOTHING_LANDED" };
        const index = chooseLanded({ seed, salt }, choices);
        const [picked, before] = [records[index], records[index + 1]];
        if (picked?.record.kind !== "transition" || before === undefined)
          return { kind: "none", reason: "NOTHING_LANDED" };
        const { recordCid, record, envelope } = picked;
        const chosen = {
          tipCid: tip.recordCid,
          count: choices,
          index,
          recordCid,
          record,
          envelope,
          before: before.record,
        };
        return await repeat(account, chosen, workers, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        return { kind: "failed", code: codeOf(error) };
      }
    },

    async record({ account, recordCid, envelope, workers }, { signal }) {
      try {
        const records = await walk(account, MAX_LANDED_DEPTH * 2, signal);
        const index = records.findIndex((each) => each.recordCid === recordCid);
        const [picked, before] = [records[index], records[index + 1]];
        const [tip] = records;
        if (tip === undefined || before === undefined || picked?.record.kind !== "transition") {
          return { kind: "none", reason: "NOT_IN_HISTORY" };
        }
        // What the ledger leads to counts, not what the evidence says.
        if (!equalBytes(picked.envelope, envelope)) return { kind: "none", reason: "NOT_IN_HISTORY" };
        const { record } = picked;
        const chosen = {
          tipCid: tip.recordCid,
          count: records.length,
          index,
          recordCid,
          record,
          envelope,
          before: before.record,
        };
        return await repeat(account, chosen, workers, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        return { kind: "failed", code: codeOf(error) };
      }
    },

    async answer({ account, signed, answer }, { signal }) {
      try {
        const [payment, records] = await Promise.all([
          ledger.transaction(toHex(signed.paymentHash), { signal }),
          walk(account, MAX_STATE_DEPTH, signal),
        ]);
        if (payment === undefined) throw new SprfError("PAYMENT_NOT_FOUND", "the probe's payment is not to be found");
        const paid = await ledger.header(payment.ledger, { signal });
        if (paid === undefined) throw new SprfError("HISTORY_UNAVAILABLE", "the payment's ledger is not to be found");
        const index = records.findIndex(({ record }) => (sequenceBefore(record) ?? -1n) < answer.sequence);
        const at = records[index];
        if (records.slice(0, Math.max(index, 0)).some(({ record }) => record.kind === "program")) {
          throw new SprfError("HISTORY_UNAVAILABLE", "the answer is of a program that was changed since");
        }
        if (at === undefined) throw new SprfError("HISTORY_UNAVAILABLE", "the answer's state is too far back");
        const state = stateAfter(at.record);
        if (state !== answer.previousState)
          return { onKnownState: false, own: { kind: "failed", code: "UNKNOWN_STATE" } };
        const { request } = signed;
        const requestHash = hashRequest(request);
        const plan: RunPlan = {
          program: account.id,
          reference: account.program,
          state,
          input: request.input,
          sequence: answer.sequence,
          time: laterOf(BigInt(paid.closeTime), at.record),
          seed: hashWithDomain("sprf/seed/1", requestHash, paid.hash),
        };
        const own: OwnRuns = await repeatRuns(
          async () => answerOf(await runOnce(plan, signal), { answer, maxGas: request.maxGas, state }),
          { engine: account.program.kind, signed: [answer], lastCall: signal, signal },
        );
        return { onKnownState: true, own };
      } catch (error) {
        if (signal.aborted) throw error;
        return { onKnownState: true, own: { kind: "failed", code: codeOf(error) } };
      }
    },
  };
}

function laterOf(paidTime: bigint, before: ChainRecord): bigint {
  const previousTime = timeAfter(before);
  return paidTime > previousTime ? paidTime : previousTime;
}

/** What a worker would answer of such a run; the record is not compared here, the answer's own stands for it. */
function answerOf(
  result: RunResult,
  { answer, maxGas, state }: { readonly answer: ExecutionAnswer; readonly maxGas: bigint; readonly state: string },
): ExecutionAnswer {
  const { requestHash, sequence, recordCid } = answer;
  const outOfGas = result.status === "accepted" && result.gas > maxGas;
  const moved = result.status === "accepted" && !outOfGas;
  return {
    requestHash,
    sequence,
    previousState: state,
    status: outOfGas ? "out-of-gas" : result.status,
    outputCid: result.outputCid,
    newState: moved ? result.newState : state,
    gas: result.gas,
    ...(recordCid === undefined ? {} : { recordCid }),
  };
}

function pickResult({ outputCid, newState, gas }: TransitionRecord): Omit<RunResult, "status"> {
  return { outputCid, newState, gas };
}

/** The transaction of an envelope, when it is the program's own and has this record as its memo. */
function landedTransition(
  envelope: Uint8Array,
  recordCid: string,
  program: string,
  network: string,
): Transaction | undefined {
  try {
    const parsed = TransactionBuilder.fromXdr(Buffer.from(envelope).toString("base64"), network);
    const transaction = parsed instanceof FeeBumpTransaction ? parsed.innerTransaction : parsed;
    const memo = memoHashOf(transaction);
    if (transaction.source !== program || memo === undefined || recordCidFromHash(memo) !== recordCid) return undefined;
    return transaction;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return isSprfError(error) ? error.code : "INTERNAL";
}
