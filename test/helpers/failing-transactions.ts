import { Asset, Operation } from "@stellar/stellar-sdk";

import { submitAndWait } from "../../src/client/submit.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { programTransaction } from "../../src/domain/program/program-transaction.ts";
import { majorityOf } from "../../src/domain/program/smart-account.ts";
import type { xdr } from "@stellar/stellar-sdk";
import type { ExecutionScene } from "./execution-scene.ts";
import { feeBump } from "./fee-bump.ts";

const MORE_THAN_ANYBODY_HAS = "100000000000";

/** Signs with a majority of a program's workers, whatever it does, and lands it; resolves with its envelope. */
export async function landOwn(
  scene: ExecutionScene,
  program: string,
  parts: { readonly payer: Wallet; readonly recordCid: string; readonly operation: xdr.Operation },
): Promise<Uint8Array> {
  const { payer, recordCid, operation } = parts;
  const network = scene.devnet.networkPassphrase;
  const { sequence } = await scene.account(program);
  const maxTime = BigInt(Math.floor(scene.clock.now() / 1_000) + 60);
  const transaction = programTransaction({ network, program, sequence, recordCid, maxTime })
    .addOperation(operation)
    .build();
  const signers = scene.workers.slice(0, majorityOf(scene.workers.length));
  transaction.sign(...signers.map(({ ledgerKey }) => ledgerKey));
  const envelope = feeBump(transaction, payer.signers[0], network);
  await submitAndWait(scene.client, envelope, Number(maxTime)).catch(() => undefined);
  return new Uint8Array(Buffer.from(envelope.toXdr(), "base64"));
}

/** Lands so many transactions of a program that fail; resolves with their envelopes. */
export async function failOwn(
  scene: ExecutionScene,
  program: string,
  parts: { readonly payer: Wallet; readonly recordCid: string; readonly count: number },
): Promise<readonly Uint8Array[]> {
  const operation = Operation.payment({
    destination: parts.payer.account,
    asset: Asset.native(),
    amount: MORE_THAN_ANYBODY_HAS,
  });
  const envelopes: Uint8Array[] = [];
  for (let n = 0; n < parts.count; n++) envelopes.push(await landOwn(scene, program, { ...parts, operation }));
  return envelopes;
}
