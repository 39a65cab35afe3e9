import type { Wallet } from "../../src/client/wallet.ts";
import { payBaseFee } from "../../src/client/pay.ts";
import { priceStroops } from "../../src/domain/program/payment.ts";
import type { SmartAccount } from "../../src/domain/program/smart-account.ts";
import { proposerAt } from "../../src/domain/program/proposer.ts";
import { readChainRecord } from "../../src/execution/read-record.ts";
import { findTip } from "../../src/execution/tip.ts";
import { fromHex, utf8 } from "../../src/utils/bytes.ts";
import type { BatchRecord } from "../../src/wire/batch-record.ts";
import { smallFileCidOf } from "../../src/wire/canonical.ts";
import {
  hashRequest,
  signRequest,
  type ExecutionRequest,
  type SignedRequest,
} from "../../src/wire/execution-request.ts";
import type { ChainRecord } from "../../src/wire/record.ts";
import type { ExecutionScene } from "./execution-scene.ts";
import type { SceneWorker } from "./scene-worker.ts";
import { until } from "./until.ts";

/** A prepaid request whose payment has landed. */
export interface Prepaid {
  readonly wallet: Wallet;
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  /** Number of the ledger that holds the payment. */
  readonly ledger: number;
  readonly paidStroops: bigint;
}

/** Pays for a prepaid request to the probe and signs it; `priced` is the account whose prices are paid, as it is now by default. */
export async function prepay(
  scene: ExecutionScene,
  wallet: Wallet,
  program: string,
  input: string,
  changes: Partial<ExecutionRequest> = {},
  priced?: SmartAccount,
): Promise<Prepaid> {
  const bytes = new Uint8Array(utf8(`${input}\n`));
  const form = "prepaid" as const;
  const request = scene.request({ program, user: wallet.account, input: { bytes }, form, maxGas: 20_000n, ...changes });
  const requestHash = hashRequest(request);
  const account = priced ?? (await scene.account(program));
  const amountStroops = priceStroops(request, account);
  const payment = await payBaseFee(scene.client, { program: account, wallet, requestHash, amountStroops });
  const signed = signRequest(request, fromHex(payment.hash), wallet.signers[0]);
  return { wallet, signed, requestHash, ledger: payment.ledger, paidStroops: amountStroops };
}

/** The CID of the probe's state after these texts were appended. */
export function stateOf(...texts: readonly string[]): string {
  return smallFileCidOf(utf8(texts.join("")));
}

/** Whose turn it is first on the program's present sequence. */
export async function firstProposer(scene: ExecutionScene, program: string): Promise<SceneWorker> {
  const { sequence } = await scene.account(program);
  const worker = scene.workers[proposerAt(sequence, 0, scene.workers.length)];
  if (worker === undefined) throw new Error("a scene without workers");
  return worker;
}

/** All records of a program from the newest to the first. */
export async function historyOf(scene: ExecutionScene, program: string): Promise<ChainRecord[]> {
  const records: ChainRecord[] = [];
  let next: string | undefined = (await findTip(scene.client.ledger, await scene.account(program))).recordCid;
  while (next !== undefined) {
    const record: ChainRecord = await readChainRecord(scene.client.content, next);
    records.push(record);
    next = record.kind === "create" ? undefined : record.previous.recordCid;
  }
  return records;
}

/** The batches of a program, the oldest first. */
export async function batchesOf(scene: ExecutionScene, program: string): Promise<BatchRecord[]> {
  const records = await historyOf(scene, program);
  return records.flatMap((record) => (record.kind === "batch" ? [record] : [])).reverse();
}

/** How many prepaid requests a worker keeps on disk. */
export async function keptBy({ changes }: SceneWorker): Promise<number> {
  return (await changes.store?.list("batch-inputs"))?.length ?? 0;
}

/** Waits until every worker keeps so many requests. */
export async function untilKept(workers: readonly SceneWorker[], count: number): Promise<void> {
  await until(async () => (await Promise.all(workers.map(keptBy))).every((kept) => kept === count), {
    what: `${count} requests are kept by ${workers.length} workers`,
    timeoutMs: 60_000,
  });
}

/** A gate in front of what workers propose to each other. */
export function proposalGate(workers: readonly SceneWorker[]): { open(): void } {
  const gate = Promise.withResolvers<void>();
  for (const { changes } of workers) {
    changes.peers = (honest) => ({
      async endorse(url, proposal, options) {
        await gate.promise;
        return await honest.endorse(url, proposal, options);
      },
    });
  }
  return { open: () => gate.resolve() };
}

/** Starts workers anew with the changes made to them; they keep what they know. */
export async function restart(workers: readonly SceneWorker[]): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      await worker.stop();
      await worker.start();
    }),
  );
}
