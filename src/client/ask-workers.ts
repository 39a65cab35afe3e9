import type { Transaction } from "@stellar/stellar-sdk";

import { findMajority } from "../domain/program/majority.ts";
import type { SmartAccount, SmartAccountWorker } from "../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf, type ErrorCode } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { withDeadline } from "../utils/abort.ts";
import { equalBytes } from "../utils/bytes.ts";
import { verifyByAccount } from "../utils/ed25519.ts";
import { retry } from "../utils/retry.ts";
import { smallFileCidOf } from "../wire/canonical.ts";
import { verifyAnswer, type ExecutionAnswer, type SignedAnswer } from "../wire/execution-answer.ts";
import type { AnswerWithOutput } from "../wire/execution-json.ts";
import type { SignedRequest } from "../wire/execution-request.ts";

/** What came of asking one worker. */
export interface WorkerReply {
  readonly worker: SmartAccountWorker;
  readonly answer?: SignedAnswer;
  /** Why there is no usable answer. */
  readonly error?: SprfError;
}

export interface Majority {
  readonly answer: ExecutionAnswer;
  readonly signed: readonly SignedAnswer[];
  readonly output: Uint8Array;
  readonly detail: string;
  /** In the order of the account's workers, as far as they had answered or failed. */
  readonly replies: readonly WorkerReply[];
}

interface AskComponents {
  readonly workerApi: WorkerApi;
  readonly clock: Clock;
}

interface Question {
  readonly program: SmartAccount;
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  /** Milliseconds since the Unix epoch; a worker that fails for a reason that may pass is asked again until then. */
  readonly untilMs: number;
  /** The transaction that an answer's worker must have signed; absent for the prepaid form, whose answers are of what has landed. */
  readonly transactionOf?: ((answer: ExecutionAnswer) => Transaction) | undefined;
}

/** How to ask. */
interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears of each failure of a worker that is waited out. */
  readonly onOutage?: ((error: SprfError) => void) | undefined;
}

/**
 * What passes by itself: a worker whose ledger is a close behind does not see the payment yet; it is busy, restarts, or waits for its
 * ledger, a peer's content, its engine or a registry. One that says so for ever is not waited for once there is a majority.
 */
const MAY_PASS: readonly ErrorCode[] = [
  "PAYMENT_NOT_FOUND",
  "WORKER_BUSY",
  "WORKER_UNREACHABLE",
  "LEDGER_UNREACHABLE",
  "CONTENT_NOT_FOUND",
  "HISTORY_UNAVAILABLE",
  "PROGRAM_NOT_FOUND",
  "REGISTRY_STALLED",
  "ENGINE_UNAVAILABLE",
  "BATCH_PENDING",
];

/** A connection that gives no answer for so long may be dead; a run that takes longer is joined by the next try. */
const TRY_MS = 30_000;

/**
 * Sends a request to all workers at once and resolves as soon as a majority has signed the same.
 *
 * @throws SprfError `NO_MAJORITY` when none can come together any more; its message says what each worker answered. What all of them
 * refuse the request for keeps its own code
 */
export async function askWorkers(
  components: AskComponents,
  question: Question,
  { signal, onOutage }: AskOptions = {},
): Promise<Majority> {
  const { workers } = question.program;
  const enough = new AbortController();
  const combined = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const replies = new Map<string, WorkerReply>();
  /** Why workers that are asked again have not answered so far. */
  const troubles = new Map<string, WorkerReply>();
  const outputs = new Map<string, AnswerWithOutput>();
  const { promise, resolve, reject } = Promise.withResolvers<Majority>();

  function consider(): void {
    const answers = [...replies.values()].flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
    const result = findMajority(answers, workers.length, workers.length - replies.size);
    if (result.kind === "open") return;
    const ordered = workers.flatMap(({ ledgerKey }) => replies.get(ledgerKey) ?? troubles.get(ledgerKey) ?? []);
    const [first] = result.kind === "majority" ? result.answers : [];
    const body = first === undefined ? undefined : outputs.get(first.worker);
    if (result.kind === "none" || first === undefined || body === undefined) {
      return reject(noMajority(ordered, workers.length));
    }
    resolve({
      answer: first.answer,
      signed: result.answers,
      output: body.output,
      detail: body.detail,
      replies: ordered,
    });
  }

  for (const worker of workers) {
    const onTrouble = (error: SprfError): void => {
      troubles.set(worker.ledgerKey, { worker, error });
      onOutage?.(error);
    };
    askWorker(components, question, worker, { signal: combined, onOutage: onTrouble }).then(
      (answered) => {
        outputs.set(worker.ledgerKey, answered);
        replies.set(worker.ledgerKey, { worker, answer: answered.signed });
        consider();
      },
      (thrown: unknown) => {
        if (signal?.aborted) return reject(thrown);
        const error = isSprfError(thrown) ? thrown : new SprfError("INTERNAL", messageOf(thrown), { cause: thrown });
        replies.set(worker.ledgerKey, { worker, error });
        consider();
      },
    );
  }
  try {
    return await promise;
  } finally {
    enough.abort();
  }
}

async function askWorker(
  { workerApi, clock }: AskComponents,
  question: Question,
  worker: SmartAccountWorker,
  { signal, onOutage }: AskOptions,
): Promise<AnswerWithOutput> {
  const askOnce = async (): Promise<AnswerWithOutput> => {
    const patience = withDeadline(signal, TRY_MS);
    try {
      return await workerApi.execute(worker.address, question.signed, { signal: patience });
    } catch (error) {
      if (!patience.aborted || signal?.aborted) throw error;
      const message = `${worker.address} has not answered for ${TRY_MS} ms`;
      throw new SprfError("WORKER_UNREACHABLE", message, { cause: error });
    }
  };
  const answered = await retry(askOnce, {
    clock,
    signal,
    retriable(error) {
      if (!isSprfError(error) || !MAY_PASS.includes(error.code) || clock.now() >= question.untilMs) return false;
      onOutage?.(error);
      return true;
    },
  });
  checkAnswer(answered, question, worker);
  return answered;
}

function checkAnswer({ signed, output }: AnswerWithOutput, question: Question, worker: SmartAccountWorker): void {
  const refuse = (why: string): never => {
    throw new SprfError("ANSWER_INVALID", `${worker.address}: ${why}`, { context: { worker: worker.ledgerKey } });
  };
  const { answer, transactionSignature } = signed;
  if (signed.worker !== worker.ledgerKey) refuse("the answer is another worker's");
  verifyAnswer(signed);
  if (!equalBytes(answer.requestHash, question.requestHash)) refuse("the answer is to another request");
  if (answer.outputCid !== smallFileCidOf(output)) refuse("the output is not the one that was signed");
  if (question.transactionOf === undefined || answer.newState === answer.previousState) return;
  if (answer.status !== "accepted" || answer.recordCid === undefined || transactionSignature === undefined) {
    return refuse("the answer changes the state without a transition");
  }
  // The user signs a payment of this much gas.
  if (answer.gas > question.signed.request.maxGas) refuse("the run costs more gas than the request allows");
  const hash = hashOf(question.transactionOf, answer, refuse);
  if (!verifyByAccount(worker.ledgerKey, hash, transactionSignature)) {
    refuse("the transaction that it signed is not the one that follows from its answer");
  }
}

/** What a worker says need not even make a transaction. */
function hashOf(
  transactionOf: (answer: ExecutionAnswer) => Transaction,
  answer: ExecutionAnswer,
  refuse: (why: string) => never,
): Buffer {
  try {
    return Buffer.from(transactionOf(answer).hash());
  } catch (error) {
    return refuse(`no transaction follows from its answer: ${messageOf(error)}`);
  }
}

function noMajority(replies: readonly WorkerReply[], workers: number): SprfError {
  const [first] = replies;
  const recordCids = replies.flatMap(({ answer }) => answer?.answer.recordCid ?? []);
  const isFinal = first?.error?.fault === "user" || first?.error?.code === "HISTORY_BROKEN";
  if (isFinal && first?.error !== undefined && replies.every(({ error }) => error?.code === first.error?.code)) {
    // Once no majority can come together, those that have not replied by then are not waited for.
    const who =
      replies.length === workers ? "every worker" : `${replies.length} of ${workers} workers, too many to go on,`;
    return new SprfError(first.error.code, `${who} refused: ${first.error.message}`, { cause: first.error });
  }
  const said = replies.map(({ worker, answer, error }) =>
    answer === undefined
      ? `${worker.address}: ${error?.code ?? "no answer"} (${error?.message ?? ""})`
      : `${worker.address}: ${answer.answer.status} on sequence ${answer.answer.sequence} to ${answer.answer.newState}`,
  );
  return new SprfError("NO_MAJORITY", `no majority signed the same: ${said.join("; ")}`, {
    context: {
      sequences: replies.flatMap(({ answer }) => (answer === undefined ? [] : [answer.answer.sequence])),
      codes: replies.flatMap(({ error }) => (error === undefined ? [] : [error.code])),
      recordCids,
    },
  });
}
