import { anchoredAnswer } from "../domain/program/anchored-answer.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { readChainRecord } from "../execution/read-record.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import type { Clock } from "../ports/clock.ts";
import { within } from "../utils/within.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { hashAnswer, type ExecutionAnswer } from "../wire/execution-answer.ts";
import type { SignedRequest } from "../wire/execution-request.ts";
import { askWorkers, type Majority } from "./ask-workers.ts";
import { tellOutages, type ExecuteComponents, type ExecuteOptions, type ExecutionResult } from "./land-paid.ts";
import { refuseUnaccepted } from "./refuse-unaccepted.ts";

/** How long a prepaid request is waited for; it may be resumed afterwards. */
const PATIENCE_MS = 600_000;
const POLL_MS = 200;

/**
 * Waits for a prepaid request whose payment has landed: asks all workers until a majority of them has signed the same, and makes sure
 * that the batch which they name has landed and says so too.
 *
 * @throws SprfError `TIMEOUT` when it takes too long: it may be resumed; `PROGRAM_REJECTED`, `OUT_OF_GAS`, `NO_MAJORITY`
 */
export async function awaitBatch(
  components: ExecuteComponents,
  { signed, requestHash }: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { clock } = components;
  return await within(async (signal) => await ask(components, { signed, requestHash }, { ...options, signal }), {
    clock,
    timeoutMs: PATIENCE_MS,
    signal: options.signal,
  });
}

async function ask(
  components: ExecuteComponents,
  { signed, requestHash }: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
  options: ExecuteOptions,
): Promise<ExecutionResult> {
  const { signal } = options;
  const program = await loadSmartAccount(components.ledger, signed.request.program, { signal });
  const untilMs = components.clock.now() + PATIENCE_MS;
  const onOutage = tellOutages(options);
  const majority = await askWorkers(components, { program, signed, requestHash, untilMs }, { signal, onOutage });
  const { answer } = majority;
  options.onProgress?.({
    step: "answered",
    majority: majority.signed.length,
    workers: program.workers.length,
    newState: answer.newState,
  });
  const landed = await findLanded(components, { answer, requestHash }, signal);
  options.onProgress?.({ step: "anchored", transactionHash: landed.hash, ledger: landed.ledger });
  refuseUnaccepted(majority);
  return resultOf({ signed, requestHash, majority, landed });
}

function resultOf(parts: {
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  readonly majority: Majority;
  readonly landed: LandedTransaction;
}): ExecutionResult {
  const { signed, requestHash, majority, landed } = parts;
  return {
    requestHash: toHex(requestHash),
    paymentHash: toHex(signed.paymentHash),
    answer: majority.answer,
    output: majority.output,
    replies: majority.replies,
    transition: { transactionHash: landed.hash, ledger: landed.ledger, closeTime: landed.closeTime },
  };
}

/** The transaction of the batch that an answer names: it follows from the record, so nobody has to be believed. */
async function findLanded(
  { content, ledger, clock }: { readonly content: ContentStore; readonly ledger: Ledger; readonly clock: Clock },
  { answer, requestHash }: { readonly answer: ExecutionAnswer; readonly requestHash: Uint8Array },
  signal: AbortSignal | undefined,
): Promise<LandedTransaction> {
  const { recordCid } = answer;
  if (recordCid === undefined) throw new SprfError("ANSWER_INVALID", "a prepaid request was answered without a record");
  const record = await readChainRecord(content, recordCid, { signal });
  if (record.kind !== "batch" || record.network !== ledger.networkPassphrase) {
    throw new SprfError("RECORD_INVALID", `${recordCid} is no batch of this network`);
  }
  const own = anchoredAnswer(record, recordCid, requestHash);
  if (own === undefined || !equalBytes(hashAnswer(own.answer), hashAnswer(answer))) {
    throw new SprfError("RECORD_INVALID", `${recordCid} does not say what was answered`);
  }
  const hash = toHex(own.transaction.hash());
  for (;;) {
    const landed = await tryFind(ledger, hash, signal);
    if (landed?.successful) return landed;
    // Workers answer once they have seen it; the client's own service may be a close behind.
    await clock.sleep(POLL_MS, { signal });
  }
}

async function tryFind(
  ledger: Ledger,
  hash: string,
  signal: AbortSignal | undefined,
): Promise<LandedTransaction | undefined> {
  try {
    return await ledger.transaction(hash, { signal });
  } catch (error) {
    if (isSprfError(error, "LEDGER_UNREACHABLE")) return undefined;
    throw error;
  }
}
