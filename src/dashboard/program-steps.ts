import { TransactionBuilder, type Transaction } from "@stellar/stellar-sdk";

import { walkHistory, type HistoryEntry, type Link } from "../client/history.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { isRunRecord, paidRunsOf, type RunRecord } from "../domain/program/run-record.ts";
import { majorityOf, type SmartAccountWorker } from "../domain/program/smart-account.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionInput } from "../wire/execution-request.ts";
import type { ChainRecord } from "../wire/record.ts";
import { bytesView } from "./bytes-view.ts";
import { explorerUrl } from "./explorer.ts";
import type { InputView, RunView, SignerView, StepView, TransactionView } from "./program-types.ts";

/** Steps of a page, unless another number is asked for. */
export const PAGE_STEPS = 20;
/** Records that are read on to learn who the workers of a page's steps were. */
const MAX_AHEAD = 500;

type Workers = readonly SmartAccountWorker[];

/** From where a page is read. */
export interface PageStart extends Link {
  /** The workers after it; absent where they are not known. */
  readonly workers?: Workers | undefined;
}

/** A page, and what its steps stand on. */
export interface ReadPage {
  /** The newest first. */
  readonly steps: readonly StepView[];
  /** Of each step. */
  readonly links: readonly Link[];
  /** Absent when the history ends here. */
  readonly next?: PageStart | undefined;
}

/**
 * Reads steps from a transaction on, to which the ledger leads, each with who signed it.
 *
 * @throws SprfError `HISTORY_BROKEN`, and what the content store throws
 */
export async function readSteps(
  components: { readonly ledger: Pick<Ledger, "networkPassphrase">; readonly content: ContentStore },
  from: PageStart,
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<ReadPage> {
  const entries: HistoryEntry[] = [];
  const signing: (Workers | undefined)[] = [];
  let next: PageStart | undefined;
  let workers = from.workers;
  let ahead = 0;
  for await (const entry of walkHistory(components, from, { signal })) {
    const { recordCid, envelope, record } = entry;
    if (entries.length === most) {
      next ??= { recordCid, envelope, workers };
      if (!signing.includes(undefined) || (ahead += 1) > MAX_AHEAD) break;
    } else entries.push(entry);
    const made = workersMadeBy(record);
    if (made !== undefined) {
      // They are those of all steps since; who signed this one were the workers before it.
      for (const [index, known] of signing.entries()) signing[index] = known ?? made;
      workers = record.kind === "create" ? [] : undefined;
    }
    if (next === undefined) signing.push(workers);
  }
  const { networkPassphrase } = components.ledger;
  return {
    steps: entries.map((entry, index) => stepOf(entry, signing[index] ?? [], networkPassphrase)),
    links: entries.map(({ recordCid, envelope }) => ({ recordCid, envelope })),
    ...(next !== undefined && { next }),
  };
}

function workersMadeBy(record: ChainRecord): Workers | undefined {
  if (record.kind === "create") return record.workers;
  return record.kind === "workers" ? record.signedChange.request.change.workers : undefined;
}

function stepOf(entry: HistoryEntry, workers: Workers, network: string): StepView {
  const { record, envelope, recordCid, kind, sequence, state, time } = entry;
  const landed = readEnvelope(envelope, network);
  const { signers, others } = signaturesOf(landed, workers);
  const isRun = isRunRecord(record);
  return {
    recordCid,
    kind,
    ...(sequence !== undefined && { sequence: sequence.toString() }),
    timeSeconds: Number(time),
    state,
    ...(isRun && { previousState: record.previousState }),
    runs: isRun ? runsOf(record, network) : [],
    transaction: transactionView(hashOf(envelope, network), network),
    signers,
    majority: majorityOf(workers.length),
    otherSignatures: others,
    isRun,
  };
}

function signaturesOf(
  landed: Transaction | undefined,
  workers: Workers,
): { readonly signers: readonly SignerView[]; readonly others: number } {
  const keys = workers.map(({ ledgerKey }) => ledgerKey);
  const { signers, others } = landed === undefined ? { signers: [], others: 0 } : signersOf(landed, keys);
  return {
    signers: workers.map(({ ledgerKey, address }) => ({ ledgerKey, address, signed: signers.includes(ledgerKey) })),
    others,
  };
}

/** As the ledger names what landed: with the fee bump around it, where there is one. */
function hashOf(envelope: Uint8Array, network: string): string {
  return toHex(TransactionBuilder.fromXdr(Buffer.from(envelope).toString("base64"), network).hash());
}

function transactionView(hash: string, network: string): TransactionView {
  const url = explorerUrl(network, "tx", hash);
  return { hash, ...(url !== undefined && { url }) };
}

function runsOf(record: RunRecord, network: string): readonly RunView[] {
  const results =
    record.kind === "batch"
      ? record.inputs.map(({ chargedStroops, ...input }) => ({ ...input, feeStroops: chargedStroops }))
      : [{ ...record, status: "accepted" as const, feeStroops: record.gasFeeStroops }];
  return paidRunsOf(record).flatMap(({ signedRequest: { request, paymentHash } }, index): readonly RunView[] => {
    const result = results[index];
    if (result === undefined) return [];
    return [
      {
        user: request.user,
        input: inputView(request.input),
        outputCid: result.outputCid,
        status: result.status,
        gas: result.gas.toString(),
        feeStroops: result.feeStroops.toString(),
        payment: transactionView(toHex(paymentHash), network),
      },
    ];
  });
}

function inputView(input: ExecutionInput): InputView {
  return "bytes" in input ? { kind: "inline", ...bytesView(input.bytes) } : { kind: "cid", cid: input.cid };
}
