import { sequenceBefore, stateAfter, timeAfter } from "../domain/program/chain-record.ts";
import { environmentOf } from "../domain/program/run-environment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { OwnRuns, RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { repeatRuns } from "../execution/repeat-runs.ts";
import { runProgram, type RunComponents } from "../execution/run-program.ts";
import { walkRecords, type LandedRecord } from "../execution/walk-records.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { RunPlan } from "../ports/runs.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import { hashRequest, type SignedRequest } from "../wire/execution-request.ts";
import { createRerunLanded, type RerunLanded } from "./rerun-landed.ts";

/** How far back an answer's state is looked for. */
const MAX_STATE_DEPTH = 64;

/** A paid request that a worker answered, to be run again on the state that the answer names. */
export interface AnswerToRepeat {
  readonly account: SmartAccount;
  readonly signed: SignedRequest;
  readonly answer: ExecutionAnswer;
}

/** Runs again what others ran, at least twice, with the time and seed that it had. */
export interface Rerun extends RerunLanded {
  answer(
    parts: AnswerToRepeat,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly onKnownState: boolean; readonly own: OwnRuns }>;
}

export function createRerun(components: RunComponents & { readonly ledger: Ledger }): Rerun {
  const { ledger, content } = components;

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
    ...createRerunLanded(components),

    async answer({ account, signed, answer }, { signal }) {
      try {
        // The state that it is run on stands in the middle of a batch; what came of it is in the batch's record.
        if (signed.request.form !== undefined) {
          throw new SprfError("INVALID_INPUT", `request: expected a direct one, it is ${signed.request.form}`);
        }
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
        const paidIn = { closeTime: BigInt(paid.closeTime), ledgerHash: paid.hash };
        const plan: RunPlan = {
          program: account.id,
          reference: account.program,
          state,
          input: request.input,
          sequence: answer.sequence,
          ...environmentOf(paidIn, hashRequest(request), timeAfter(at.record)),
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

function codeOf(error: unknown): string {
  return isSprfError(error) ? error.code : "INTERNAL";
}
