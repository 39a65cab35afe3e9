import { batchAnswer } from "../../domain/program/anchored-answer.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import { baseOfRecord } from "../../execution/batch-base.ts";
import { readContent } from "../../execution/read-content.ts";
import { readChainRecord } from "../../execution/read-record.ts";
import { runBatch } from "../../execution/run-batch.ts";
import { equalBytes } from "../../utils/bytes.ts";
import type { BatchRecord } from "../../wire/batch-record.ts";
import { signAnswer } from "../../wire/execution-answer.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import type { ChainRecord } from "../../wire/record.ts";
import type { Attempt } from "../executions/attempts.ts";
import type { BatchComponents } from "./components.ts";
import type { WaitingInput } from "./pending-inputs.ts";

/** What this worker itself came to for the inputs of a batch that landed. */
interface OwnRun {
  readonly record: BatchRecord;
  readonly recordCid: string;
  readonly details: readonly string[];
}

/**
 * Answers the requests of a program that have landed, with what this worker itself came to: a batch that it missed it runs now. Kept
 * before anybody hears of it, so whoever asks again gets the same.
 *
 * @param onAnswer is told of each answer
 */
export async function settleLanded(
  components: BatchComponents,
  account: SmartAccount,
  {
    onAnswer,
    signal,
  }: { readonly onAnswer: (requestHash: string, attempt: Attempt) => void; readonly signal: AbortSignal },
): Promise<void> {
  const { pending, usedPayments, logger } = components;
  const landed = new Map<string, WaitingInput[]>();
  for (const input of pending.of(account.id)) {
    const paidAt = Number(input.payment.closeTime);
    const recordCid = await usedPayments.boughtBy(account, input.signedRequest.paymentHash, { paidAt });
    if (recordCid !== undefined) landed.set(recordCid, [...(landed.get(recordCid) ?? []), input]);
  }
  for (const [recordCid, inputs] of landed) {
    try {
      const record = await readChainRecord(components.content, recordCid, { signal });
      // What was given back was not run, so there is no answer to it.
      if (record.kind !== "return") {
        const own = await ownRunOf(components, { record, recordCid }, signal);
        for (const input of inputs) onAnswer(input.requestHash, await answer(components, own, input));
      }
      await pending.remove(inputs);
      inputs.forEach(({ requestHash }) => components.setAside.forget(requestHash));
    } catch (error) {
      if (signal.aborted) throw error;
      logger.warn("a landed batch cannot be answered yet", { recordCid, reason: messageOf(error) });
    }
  }
}

async function ownRunOf(
  { content, logger, ownBatches, runs }: BatchComponents,
  { record, recordCid }: { readonly record: ChainRecord; readonly recordCid: string },
  signal: AbortSignal,
): Promise<OwnRun> {
  if (record.kind !== "batch") throw new SprfError("RECORD_INVALID", `${recordCid} is no batch`);
  const { program, sequence, inputs, validUntil } = record;
  const details = await ownBatches.get({ program, sequence, recordCid });
  if (details !== undefined) return { record, recordCid, details };
  await content.pin(recordCid, { signal });
  const own = await runBatch(
    await baseOfRecord(content, record, { signal }),
    { inputs, validUntil, run: async (plan, options) => await runs.run(plan, options) },
    { signal },
  );
  if (own.recordCid !== recordCid) logger.error("a batch landed that does not follow from its inputs", { recordCid });
  await ownBatches.put({ program, sequence, recordCid: own.recordCid }, own.details);
  return own;
}

async function answer(
  { attempts, content, keys, logger }: BatchComponents,
  own: OwnRun,
  { requestHash }: WaitingInput,
): Promise<Attempt> {
  const hash = Buffer.from(requestHash, "hex");
  const [earlier] = await attempts.of(hash);
  if (earlier !== undefined) return earlier;
  const unsigned = batchAnswer(own.record, own.recordCid, hash);
  if (unsigned === undefined) throw new SprfError("RECORD_INVALID", `${own.recordCid} does not hold the request`);
  const index = own.record.inputs.findIndex(({ signedRequest }) =>
    equalBytes(hashRequest(signedRequest.request), hash),
  );
  const attempt: Attempt = {
    signed: signAnswer(unsigned, keys, undefined),
    output: new Uint8Array(await readContent(content, unsigned.outputCid, { maxBytes: own.record.limits.outputBytes })),
    detail: own.details[index] ?? "",
  };
  try {
    await attempts.add(attempt);
  } catch (error) {
    // A batch that is settled twice gives the same answers.
    if (!isSprfError(error, "STORE_CONFLICT")) throw error;
  }
  const { sequence, status, newState } = unsigned;
  logger.info("request answered", { request: requestHash, sequence: sequence.toString(), status, newState });
  return attempt;
}
