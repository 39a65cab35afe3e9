import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { equalBytes } from "../utils/bytes.ts";
import { retry } from "../utils/retry.ts";
import { within } from "../utils/within.ts";
import { isAnswerOf, verifyAnswer, type SignedAnswer } from "../wire/execution-answer.ts";
import type { SignedRequest } from "../wire/execution-request.ts";

/** How long a worker may take. */
export interface Patience {
  readonly timeoutMs: number;
  /** Aborts when the epoch leaves no more time to wait. */
  readonly lastCall: AbortSignal;
  /** A worker that `lastCall` cut off before it had so long is not blamed. */
  readonly leastMs: number;
}

/** The worker that is asked, as the chain and the smart account know it. */
export interface AskedWorker {
  readonly apiUrl: string;
  /** `G...` */
  readonly ledgerKey: string;
  /** 64 bytes. */
  readonly messageKey: Uint8Array;
}

/**
 * Asks one worker as a user does, until it gives a signed answer or the time is up.
 *
 * @throws SprfError what the worker refused with, `TIMEOUT`, `ANSWER_INVALID` for an answer that is not signed by both of its
 * keys or is to another request, `OWN_TIME_UP` when there was too little time to wait for it
 */
export async function askWorker(
  { workerApi, clock }: { readonly workerApi: WorkerApi; readonly clock: Clock },
  worker: AskedWorker,
  question: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
  { patience, signal }: { readonly patience: Patience; readonly signal: AbortSignal },
): Promise<SignedAnswer> {
  const { signed } = await waitPatiently(
    clock,
    async (inner) =>
      await retry(async () => await workerApi.execute(worker.apiUrl, question.signed, { signal: inner }), {
        clock,
        signal: inner,
        // A worker whose ledger is a close behind does not see the payment yet.
        retriable: (error) =>
          isSprfError(error) && ["PAYMENT_NOT_FOUND", "WORKER_BUSY", "LEDGER_UNREACHABLE"].includes(error.code),
      }),
    { patience, signal },
  );
  const refuse = (why: string): never => {
    throw new SprfError("ANSWER_INVALID", `${worker.apiUrl}: ${why}`, { context: { worker: worker.ledgerKey } });
  };
  if (signed.worker !== worker.ledgerKey) refuse("the answer is another worker's");
  verifyAnswer(signed);
  if (!isAnswerOf(signed, worker.messageKey)) refuse("the answer is not signed by the message key");
  if (!equalBytes(signed.answer.requestHash, question.requestHash)) refuse("the answer is to another request");
  return signed;
}

/** Waits for `work` as long as patience has it. @throws SprfError `TIMEOUT`, `OWN_TIME_UP`, and what `work` throws */
export async function waitPatiently<T>(
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
  { patience, signal }: { readonly patience: Patience; readonly signal: AbortSignal },
): Promise<T> {
  const startedAtMs = clock.now();
  const until = AbortSignal.any([signal, patience.lastCall]);
  try {
    return await within(work, { clock, timeoutMs: patience.timeoutMs, signal: until });
  } catch (error) {
    if (signal.aborted || !patience.lastCall.aborted) throw error;
    const waitedMs = clock.now() - startedAtMs;
    if (waitedMs < patience.leastMs) {
      throw new SprfError("OWN_TIME_UP", `only ${waitedMs} ms were left for a worker`, { cause: error });
    }
    throw new SprfError("TIMEOUT", `no answer before the epoch's last call: ${messageOf(error)}`, { cause: error });
  }
}
