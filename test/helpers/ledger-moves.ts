import { Account, Asset, Memo, Operation, TransactionBuilder, type Transaction, type xdr } from "@stellar/stellar-sdk";

import type { ExecuteComponents } from "../../src/client/execute.ts";
import { submitAndWait } from "../../src/client/submit.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { formatStroops } from "../../src/domain/program/stroops.ts";
import { SprfError } from "../../src/errors.ts";
import type { LandedTransaction } from "../../src/ports/ledger.ts";
import type { ExecutionScene } from "./execution-scene.ts";

const FEE_STROOPS = 1_000;
/** The fee that a transition's fee bump offers, 3,000, and the fee of the payment that drains; less than 3,023 for gas is left. */
const ENOUGH_FOR_THE_FEE_ALONE = 3_150n;

/** A transaction of an ordinary account, signed by all keys of its wallet. */
export async function build(
  scene: ExecutionScene,
  wallet: Wallet,
  operations: readonly xdr.Operation[],
  memo: Memo = Memo.none(),
): Promise<Transaction> {
  const source = await scene.client.ledger.account(wallet.account, []);
  if (source === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", wallet.account);
  const builder = new TransactionBuilder(new Account(wallet.account, source.account.sequence.toString()), {
    fee: String(FEE_STROOPS),
    networkPassphrase: scene.devnet.networkPassphrase,
    timebounds: { minTime: 0, maxTime: 0 },
    memo,
  });
  for (const operation of operations) builder.addOperation(operation);
  const transaction = builder.build();
  transaction.sign(...wallet.signers);
  return transaction;
}

/** Lands operations of an account; they must succeed. */
export async function land(
  scene: ExecutionScene,
  wallet: Wallet,
  operations: readonly xdr.Operation[],
  memo?: Memo,
): Promise<LandedTransaction> {
  const transaction = await build(scene, wallet, operations, memo);
  return await submitAndWait(scene.client, transaction, Math.floor(scene.clock.now() / 1_000) + 60);
}

/** A payment in XLM, in stroops. */
export function payment(destination: string, stroops: bigint, source?: string): xdr.Operation {
  const amount = formatStroops(stroops);
  return Operation.payment({ destination, asset: Asset.native(), amount, ...(source === undefined ? {} : { source }) });
}

/** Empties an account but for what its fees need. */
export async function drain(scene: ExecutionScene, wallet: Wallet, to: string, leaveStroops = 10_000n): Promise<void> {
  const found = await scene.client.ledger.account(wallet.account, []);
  const spare = (found?.account.spendableStroops ?? 0n) - leaveStroops;
  await land(scene, wallet, [payment(to, spare)]);
}

/**
 * The client's parts, but right before the first transition goes to the ledger its user has sent its money away: the transition
 * lands and fails.
 */
export function drainUser(scene: ExecutionScene, wallet: Wallet, to: string): ExecuteComponents {
  const { ledger } = scene.client;
  let drained = false;
  return {
    ...scene.client,
    ledger: {
      ...ledger,
      async submit(envelopeXdr, options) {
        const parsed = TransactionBuilder.fromXdr(envelopeXdr, ledger.networkPassphrase);
        if (!drained && "innerTransaction" in parsed) {
          drained = true;
          await drain(scene, wallet, to, ENOUGH_FOR_THE_FEE_ALONE);
        }
        return await ledger.submit(envelopeXdr, options);
      },
    },
  };
}
