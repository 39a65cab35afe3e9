import { sequenceBefore, stateAfter, timeAfter } from "../../domain/program/chain-record.ts";
import { isSameResult } from "../../domain/verdict/decide-verdict.ts";
import { SprfError } from "../../errors.ts";
import { conclude } from "../../execution/conclude.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { readChainRecord } from "../../execution/read-record.ts";
import { findTip, type TipMemory } from "../../execution/tip.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { RunPlan, Runs } from "../../ports/runs.ts";
import { toHex } from "../../utils/bytes.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import type { ExecutionAnswer } from "../../wire/execution-answer.ts";
import { hashRequest, type SignedRequest } from "../../wire/execution-request.ts";

/** How many transitions back the state of an answer is looked for. */
const MAX_DEPTH = 64;

export interface RerunComponents {
  readonly runs: Runs;
  /** Where the runs leave what comes out of them. */
  readonly content: ContentStore;
  readonly ledger: Ledger;
  readonly tips?: TipMemory | undefined;
}

/**
 * Whether a run of the request on the state that the answer names gives what the answer says.
 *
 * Throws what engine, ledger and content throw, and SprfError `HISTORY_UNAVAILABLE` when that state is too far back.
 */
export async function rerunAnswer(
  components: RerunComponents,
  { signed, answer }: { readonly signed: SignedRequest; readonly answer: ExecutionAnswer },
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  const { ledger, content, runs } = components;
  const { request, paymentHash } = signed;
  const [now, payment] = await Promise.all([
    loadSmartAccount(ledger, request.program, { signal }),
    ledger.transaction(toHex(paymentHash), { signal }),
  ]);
  const paymentLedger = payment === undefined ? undefined : await ledger.header(payment.ledger, { signal });
  if (paymentLedger === undefined) {
    throw new SprfError("HISTORY_UNAVAILABLE", `payment ${toHex(paymentHash)} is not to be found`);
  }
  const tip = await findTip(ledger, now, { signal, memory: components.tips });
  const previousTime = await timeBefore(components, tip.recordCid, answer, signal);
  const paidTime = BigInt(paymentLedger.closeTime);
  const requestHash = hashRequest(request);
  const account = { ...now, sequence: answer.sequence, state: answer.previousState };
  const run: RunPlan = {
    program: account.id,
    reference: account.program,
    state: account.state,
    input: request.input,
    sequence: account.sequence,
    time: paidTime > previousTime ? paidTime : previousTime,
    seed: hashWithDomain("sprf/seed/1", requestHash, paymentLedger.hash),
  };
  const outcome = await runs.run(run, { signal });
  // What this worker has to serve is pinned by the run that it answered with.
  await content.unpin(outcome.outputCid, { signal });
  if (outcome.status === "accepted") await content.unpin(outcome.newState, { signal });
  const plan = { account, request, requestHash, paymentLedger, tip, run };
  return isSameResult(answer, conclude(plan, outcome, signed, ledger.networkPassphrase).answer);
}

/** Time of the transition that made the answer's state, 0 when the program was created with it. */
async function timeBefore(
  { content }: RerunComponents,
  tipCid: string,
  { sequence, previousState }: ExecutionAnswer,
  signal: AbortSignal,
): Promise<bigint> {
  let recordCid = tipCid;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const record = await readChainRecord(content, recordCid, { signal });
    if (record.kind === "create") return 0n;
    const isBefore = (sequenceBefore(record) ?? -1n) < sequence;
    if (isBefore && stateAfter(record) === previousState) return timeAfter(record);
    // What the account names now is not what the answer was made with.
    if (record.kind === "program") break;
    recordCid = record.previous.recordCid;
  }
  throw new SprfError("HISTORY_UNAVAILABLE", `the state ${previousState} is too far back`);
}
