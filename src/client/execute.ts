import { gasFeeStroops } from "../domain/program/gas.ts";
import { MAX_ATTEMPTS } from "../domain/program/next-attempt.ts";
import { priceStroops } from "../domain/program/payment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { buildTransition, transitionMaxTime } from "../domain/program/transition-transaction.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import type { Random } from "../ports/random.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import {
  hashRequest,
  signRequest,
  verifyRequest,
  type ExecutionInput,
  type ExecutionRequest,
  type SignedRequest,
} from "../wire/execution-request.ts";
import { anchor } from "./anchor.ts";
import { awaitBatch } from "./await-batch.ts";
import { askWorkers, type Majority, type WorkerReply } from "./ask-workers.ts";
import { preparePayment } from "./pay.ts";
import { refuseUnaccepted } from "./refuse-unaccepted.ts";
import { submitAndWait } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

const DEFAULT_MAX_GAS = 1_000_000n;
const DEFAULT_VALID_SECONDS = 300;
const MS_PER_SECOND = 1_000;
const CONTENDED_MS = 250;

export interface ExecuteComponents {
  readonly ledger: Ledger;
  readonly workerApi: WorkerApi;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the records of batches are read, which prepaid requests are anchored in. */
  readonly content: ContentStore;
}

/** What is run, and who pays for it. */
export interface ExecuteParts {
  /** The smart account, `G...`. */
  readonly program: string;
  /** The bytes themselves, or the CID of a file that the workers can fetch. */
  readonly input: ExecutionInput;
  /** Pays the base fee, and the gas when the new state lands. */
  readonly wallet: Wallet;
  /** The most units of gas that the run may use; one that needs more is rejected. @default 1,000,000 */
  readonly maxGas?: bigint;
  /** How long workers answer the request, from now on. @default 300 */
  readonly validSeconds?: number;
  /** Refuse to run on any other state. */
  readonly ifState?: string;
  /**
   * `prepaid`: pay for maxGas too, and have the workers run and anchor the request in its turn among those of others; what was too
   * much is paid back. Nobody can void or withhold it. Absent: the direct form, in which this call anchors it.
   */
  readonly form?: "prepaid";
}

/** How far a request has come; steps come in this order, "answered" and "contended" in turns until one lands. */
export type ExecuteStep =
  /** Before anything is paid: whoever keeps this can go on after a crash with `resume`, without paying again. */
  | { readonly step: "paying"; readonly signed: SignedRequest }
  | { readonly step: "paid"; readonly requestHash: string; readonly paymentHash: string; readonly ledger: number }
  | { readonly step: "answered"; readonly majority: number; readonly workers: number; readonly newState: string }
  | { readonly step: "contended"; readonly attempt: number }
  | { readonly step: "anchored"; readonly transactionHash: string; readonly ledger: number };

/** How to wait for a request. */
export interface ExecuteOptions {
  /** Aborting rejects with `ABORTED`; what was paid for can be resumed. */
  readonly signal?: AbortSignal | undefined;
  /** Called at once with each step. */
  readonly onProgress?: (step: ExecuteStep) => void;
}

/** What a majority of the workers signed, and where it landed. */
export interface ExecutionResult {
  /** 64 hex digits; the memo of the payment. */
  readonly requestHash: string;
  /** Hash of the transaction that paid the base fee, in hex. */
  readonly paymentHash: string;
  /** The answer that the majority agrees on. */
  readonly answer: ExecutionAnswer;
  /** What the program wrote to its standard output. */
  readonly output: Uint8Array;
  /** What each worker said that had answered by then, in the order of the account's workers. */
  readonly replies: readonly WorkerReply[];
  /** Where the new state is anchored; absent when nothing changed. */
  readonly transition?: { readonly transactionHash: string; readonly ledger: number; readonly closeTime: number };
}

/**
 * Runs an input on a program: pays the base fee, asks all workers, compares their signed answers, and anchors what a majority
 * of them signed. Where somebody else was faster, the workers run the same request again on the new state.
 *
 * @throws SprfError `PROGRAM_REJECTED`, `OUT_OF_GAS`, `NO_MAJORITY`, `LEDGER_REJECTED`, and what paying throws
 */
export async function execute(
  components: ExecuteComponents,
  parts: ExecuteParts,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { ledger, clock, random } = components;
  const { signal } = options;
  const { wallet } = parts;
  const program = await loadSmartAccount(ledger, parts.program, { signal });
  const validUntil = Math.floor(clock.now() / MS_PER_SECOND) + (parts.validSeconds ?? DEFAULT_VALID_SECONDS);
  const request: ExecutionRequest = {
    version: 1,
    network: ledger.networkPassphrase,
    program: program.id,
    input: parts.input,
    user: wallet.account,
    nonce: new Uint8Array(random.bytes(32)),
    maxGas: parts.maxGas ?? DEFAULT_MAX_GAS,
    validUntil: BigInt(validUntil),
    ...(parts.ifState === undefined ? {} : { ifState: parts.ifState }),
    ...(parts.form === undefined ? {} : { form: parts.form }),
  };
  if (request.form === "prepaid" && request.ifState !== undefined) {
    throw new SprfError("INVALID_INPUT", "ifState: a prepaid request takes the state as it is when its turn comes");
  }
  const requestHash = hashRequest(request);
  const prepared = await preparePayment(
    components,
    { program, wallet, requestHash, amountStroops: priceStroops(request, program) },
    { signal },
  );
  const signed = signRequest(request, prepared.transaction.hash(), wallet.signers[0]);
  options.onProgress?.({ step: "paying", signed });
  const payment = await submitAndWait(components, prepared.transaction, prepared.maxTime, { signal });
  options.onProgress?.({
    step: "paid",
    requestHash: toHex(requestHash),
    paymentHash: payment.hash,
    ledger: payment.ledger,
  });
  return await land(components, { request, requestHash, signed, payment, wallet }, options);
}

/**
 * Goes on with a request that was paid for, after a crash, an outage or an abort: what workers answered they answer again, what
 * landed is found, and nothing is paid twice.
 *
 * @throws SprfError `PAYMENT_NOT_FOUND` when its payment never landed, and what `execute` throws
 */
export async function resume(
  components: ExecuteComponents,
  { signed, wallet }: { readonly signed: SignedRequest; readonly wallet: Wallet },
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { request, paymentHash } = signed;
  const requestHash = verifyRequest(signed);
  const payment = await components.ledger.transaction(toHex(paymentHash), options);
  if (payment === undefined) {
    throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${toHex(paymentHash)}: make a new request`);
  }
  return await land(components, { request, requestHash, signed, payment, wallet }, options);
}

interface PaidRequest {
  readonly request: ExecutionRequest;
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  readonly payment: LandedTransaction;
  readonly wallet: Wallet;
}

async function land(
  components: ExecuteComponents,
  paid: PaidRequest,
  options: ExecuteOptions,
): Promise<ExecutionResult> {
  if (paid.request.form === "prepaid") return await awaitBatch(components, paid, options);
  const { clock, ledger } = components;
  const { signal } = options;
  const { request, requestHash, signed, payment, wallet } = paid;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    const program = await loadSmartAccount(ledger, request.program, { signal });
    const transactionOf = (answer: ExecutionAnswer): ReturnType<typeof buildTransition> =>
      transitionOf(answer, program, paid, ledger.networkPassphrase);
    let majority: Majority;
    try {
      majority = await askWorkers(components, { program, signed, requestHash, transactionOf }, { signal });
    } catch (error) {
      if (!isSplit(error) || attempt >= MAX_ATTEMPTS) throw error;
      options.onProgress?.({ step: "contended", attempt });
      await clock.sleep(CONTENDED_MS, { signal });
      continue;
    }

    const { answer } = majority;
    const result = {
      requestHash: toHex(requestHash),
      paymentHash: payment.hash,
      answer,
      output: majority.output,
      replies: majority.replies,
    };
    options.onProgress?.({
      step: "answered",
      majority: majority.signed.length,
      workers: program.workers.length,
      newState: answer.newState,
    });
    refuseUnaccepted(majority);
    if (answer.newState === answer.previousState) return result;
    const landed = await anchor(
      components,
      {
        transaction: transactionOf(answer),
        program,
        wallet,
        signatures: signaturesOf(majority.signed),
        maxTime: maxTimeOf(paid),
      },
      { signal },
    );
    if (landed !== undefined) {
      options.onProgress?.({ step: "anchored", transactionHash: landed.hash, ledger: landed.ledger });
      return {
        ...result,
        transition: { transactionHash: landed.hash, ledger: landed.ledger, closeTime: landed.closeTime },
      };
    }
    if (attempt >= MAX_ATTEMPTS) {
      throw new SprfError(
        "LEDGER_REJECTED",
        `others were faster ${MAX_ATTEMPTS} times; the payment buys no more tries`,
      );
    }
    options.onProgress?.({ step: "contended", attempt });
  }
}

function transitionOf(
  answer: ExecutionAnswer,
  program: SmartAccount,
  { request, payment, wallet }: PaidRequest,
  network: string,
): ReturnType<typeof buildTransition> {
  if (answer.recordCid === undefined) throw new SprfError("ANSWER_INVALID", "a transition without a record");
  return buildTransition({
    network,
    program: program.id,
    user: wallet.account,
    sequence: answer.sequence,
    newState: answer.newState,
    recordCid: answer.recordCid,
    gasFeeStroops: gasFeeStroops(answer.gas, program.gasPriceStroops),
    validUntil: request.validUntil,
    paymentCloseTime: BigInt(payment.closeTime),
  });
}

function maxTimeOf({ request, payment }: PaidRequest): number {
  return Number(transitionMaxTime({ validUntil: request.validUntil, paymentCloseTime: BigInt(payment.closeTime) }));
}

function signaturesOf(answers: Majority["signed"]): ReadonlyMap<string, Uint8Array> {
  return new Map(
    answers.flatMap(({ worker, transactionSignature }) =>
      transactionSignature === undefined ? [] : [[worker, transactionSignature] as const],
    ),
  );
}

/** Whether workers disagreed because the account moved on between their runs; asking again settles that. */
function isSplit(error: unknown): boolean {
  if (!isSprfError(error, "NO_MAJORITY")) return false;
  const { sequences } = error.context;
  return Array.isArray(sequences) && new Set(sequences).size > 1;
}
