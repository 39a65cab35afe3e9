import { gasFeeStroops } from "../domain/program/gas.ts";
import { MAX_ATTEMPTS } from "../domain/program/next-attempt.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { buildTransition, transitionMaxTime } from "../domain/program/transition-transaction.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import type { Random } from "../ports/random.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import type { ExecutionRequest, SignedRequest } from "../wire/execution-request.ts";
import { anchor } from "./anchor.ts";
import { askWorkers, type Majority, type WorkerReply } from "./ask-workers.ts";
import { createPatientLedger } from "./patient-ledger.ts";
import { refuseUnaccepted } from "./refuse-unaccepted.ts";
import type { Wallet } from "./wallet.ts";

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

/** How far a request has come; steps come in this order, "answered" and "contended" in turns until one lands. */
export type ExecuteStep =
  /** Something cannot be reached, and is tried again until the request's time is over; comes in between at any time. */
  | { readonly step: "waiting"; readonly reason: string }
  /**
   * Before anything is paid: whoever keeps both can go on after a crash with `resume`, and never pays twice. `payment` is the envelope
   * in base64. Comes again when another transaction of the user's account took the payment's sequence.
   */
  | { readonly step: "paying"; readonly signed: SignedRequest; readonly payment: string }
  | { readonly step: "paid"; readonly requestHash: string; readonly paymentHash: string; readonly ledger: number }
  | { readonly step: "answered"; readonly majority: number; readonly workers: number; readonly newState: string }
  | { readonly step: "contended"; readonly attempt: number }
  | { readonly step: "anchored"; readonly transactionHash: string; readonly ledger: number };

/** How to wait for a request. */
export interface ExecuteOptions {
  /** Aborting rejects with `ABORTED`; what was paid for can be resumed. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long what cannot be reached is tried again, from when it is needed; never beyond the time in which the transition can land.
   *
   * @default that time
   */
  readonly patienceMs?: number | undefined;
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
  /**
   * What each worker said that had answered by then, in the order of the account's workers; of none where the ledger alone told what
   * became of the request.
   */
  readonly replies: readonly WorkerReply[];
  /** Where the new state is anchored; absent when nothing changed. */
  readonly transition?: { readonly transactionHash: string; readonly ledger: number; readonly closeTime: number };
}

/** A request whose payment is on the ledger. */
export interface PaidRequest {
  readonly request: ExecutionRequest;
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  readonly payment: LandedTransaction;
  readonly wallet: Wallet;
  readonly maxFeeStroops: bigint;
}

/**
 * Takes a paid request from the workers' answers to the ledger, again on the new state where somebody else was faster.
 *
 * @throws SprfError what `execute` throws once it has paid
 */
export async function landPaid(
  components: ExecuteComponents,
  paid: PaidRequest,
  options: ExecuteOptions,
): Promise<ExecutionResult> {
  const { clock } = components;
  const { signal, patienceMs } = options;
  const { request, requestHash, signed, wallet, maxFeeStroops } = paid;
  const maxTime = maxTimeOf(paid);
  const untilMs = Math.min(maxTime * MS_PER_SECOND, clock.now() + (patienceMs ?? Number.POSITIVE_INFINITY));
  const onOutage = tellOutages(options);
  const ledger = createPatientLedger(components.ledger, { clock, untilMs, onOutage });
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    const program = await loadSmartAccount(ledger, request.program, { signal });
    const transactionOf = (answer: ExecutionAnswer): ReturnType<typeof buildTransition> =>
      transitionOf(answer, program, paid, ledger.networkPassphrase);
    let majority: Majority;
    try {
      const question = { program, signed, requestHash, untilMs, transactionOf };
      majority = await askWorkers(components, question, { signal, onOutage });
    } catch (error) {
      if (attempt > 1 && isSpent(error)) throw overtaken(error);
      if (!isSplit(error) && !(await hasMoved(ledger, program, error, { signal }))) throw error;
      if (attempt >= MAX_ATTEMPTS) throw overtaken(error);
      options.onProgress?.({ step: "contended", attempt });
      await clock.sleep(CONTENDED_MS, { signal });
      continue;
    }

    const { answer } = majority;
    const result = {
      requestHash: toHex(requestHash),
      paymentHash: toHex(signed.paymentHash),
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
      { ledger, clock },
      {
        transaction: transactionOf(answer),
        program,
        wallet,
        signatures: signaturesOf(majority.signed),
        maxTime,
        maxFeeStroops,
      },
      { signal, patienceMs, onOutage },
    );
    if (landed !== undefined) {
      options.onProgress?.({ step: "anchored", transactionHash: landed.hash, ledger: landed.ledger });
      return {
        ...result,
        transition: { transactionHash: landed.hash, ledger: landed.ledger, closeTime: landed.closeTime },
      };
    }
    if (attempt >= MAX_ATTEMPTS) throw overtaken();
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

function overtaken(cause?: unknown): SprfError {
  const message = `others were faster ${MAX_ATTEMPTS} times; the payment buys no more tries`;
  return new SprfError("OVERTAKEN", message, { cause });
}

function signaturesOf(answers: Majority["signed"]): ReadonlyMap<string, Uint8Array> {
  return new Map(
    answers.flatMap(({ worker, transactionSignature }) =>
      transactionSignature === undefined ? [] : [[worker, transactionSignature] as const],
    ),
  );
}

/** Whether workers answered to an account that has other terms, or other workers, than the one that they were asked by. */
async function hasMoved(
  ledger: Ledger,
  { id, sequence }: SmartAccount,
  error: unknown,
  options: { signal?: AbortSignal | undefined },
): Promise<boolean> {
  if (!isSprfError(error, "NO_MAJORITY")) return false;
  const now = await ledger.account(id, [], options);
  return now !== undefined && now.account.sequence !== sequence;
}

/** Whether workers have run it as often as the payment buys: they may have seen more states of a busy program than the client. */
function isSpent(error: unknown): boolean {
  if (isSprfError(error, "PAYMENT_USED")) return true;
  if (!isSprfError(error, "NO_MAJORITY")) return false;
  const { codes } = error.context;
  return Array.isArray(codes) && codes.includes("PAYMENT_USED");
}

/** Whether workers disagreed because the account moved on between their runs; asking again settles that. */
function isSplit(error: unknown): boolean {
  if (!isSprfError(error, "NO_MAJORITY")) return false;
  const { sequences } = error.context;
  return Array.isArray(sequences) && new Set(sequences).size > 1;
}

/** Tells of each outage once, however often it is tried again. */
export function tellOutages({ onProgress }: ExecuteOptions): (error: SprfError) => void {
  const told = new Set<string>();
  return ({ message }) => {
    if (told.has(message)) return;
    told.add(message);
    onProgress?.({ step: "waiting", reason: message });
  };
}
