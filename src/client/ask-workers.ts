import type { Transaction } from "@stellar/stellar-sdk";
import { Keypair } from "@stellar/stellar-sdk";

import { findMajority } from "../domain/program/majority.ts";
import type { SmartAccount, SmartAccountWorker } from "../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf, type ErrorCode } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { equalBytes } from "../utils/bytes.ts";
import { retry } from "../utils/retry.ts";
import { smallFileCidOf } from "../wire/canonical.ts";
import { verifyAnswer, type ExecutionAnswer, type SignedAnswer } from "../wire/execution-answer.ts";
import type { AnswerWithOutput } from "../wire/execution-json.ts";
import type { SignedRequest } from "../wire/execution-request.ts";

const MS_PER_SECOND = 1_000;

/** A worker whose ledger is a close behind does not see the payment yet. One that says so for ever is not waited for. */
const DIRECT_WAIT: readonly ErrorCode[] = ["PAYMENT_NOT_FOUND", "WORKER_BUSY", "LEDGER_UNREACHABLE"];
const PREPAID_WAIT: readonly ErrorCode[] = [...DIRECT_WAIT, "BATCH_PENDING", "WORKER_UNREACHABLE", "CONTENT_NOT_FOUND"];

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
  /** In the order of the account's workers, as far as they had answered. */
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
  /** The transaction that an answer's worker must have signed; absent for the prepaid form, whose answers are of what has landed. */
  readonly transactionOf?: ((answer: ExecutionAnswer) => Transaction) | undefined;
}

/**
 * Sends a request to all workers at once and resolves as soon as a majority has signed the same.
 *
 * @throws SprfError `NO_MAJORITY` when none can come together any more; its message says what each worker answered
 */
export async function askWorkers(
  components: AskComponents,
  question: Question,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Majority> {
  const { workers } = question.program;
  const enough = new AbortController();
  const combined = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const replies = new Map<string, WorkerReply>();
  const outputs = new Map<string, AnswerWithOutput>();
  const { promise, resolve, reject } = Promise.withResolvers<Majority>();

  function consider(): void {
    const answers = [...replies.values()].flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
    const result = findMajority(answers, workers.length, workers.length - replies.size);
    if (result.kind === "open") return;
    const ordered = workers.flatMap(({ ledgerKey }) => replies.get(ledgerKey) ?? []);
    const [first] = result.kind === "majority" ? result.answers : [];
    const body = first === undefined ? undefined : outputs.get(first.worker);
    if (result.kind === "none" || first === undefined || body === undefined) return reject(noMajority(ordered));
    resolve({
      answer: first.answer,
      signed: result.answers,
      output: body.output,
      detail: body.detail,
      replies: ordered,
    });
  }

  for (const worker of workers) {
    askWorker(components, question, worker, combined).then(
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
  signal: AbortSignal,
): Promise<AnswerWithOutput> {
  const untilMs = Number(question.signed.request.validUntil) * MS_PER_SECOND;
  const answered = await retry(async () => await workerApi.execute(worker.address, question.signed, { signal }), {
    clock,
    signal,
    retriable(error) {
      if (!isSprfError(error)) return false;
      // A prepaid request that was taken waits for its turn, however long it was valid.
      if (question.transactionOf === undefined) return PREPAID_WAIT.includes(error.code);
      return clock.now() < untilMs && DIRECT_WAIT.includes(error.code);
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
  if (!Keypair.fromPublicKey(worker.ledgerKey).verify(hash, transactionSignature)) {
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

function noMajority(replies: readonly WorkerReply[]): SprfError {
  const said = replies.map(({ worker, answer, error }) =>
    answer === undefined
      ? `${worker.address}: ${error?.code ?? "no answer"} (${error?.message ?? ""})`
      : `${worker.address}: ${answer.answer.status} on sequence ${answer.answer.sequence} to ${answer.answer.newState}`,
  );
  return new SprfError("NO_MAJORITY", `no majority signed the same: ${said.join("; ")}`, {
    context: { sequences: replies.flatMap(({ answer }) => (answer === undefined ? [] : [answer.answer.sequence])) },
  });
}
