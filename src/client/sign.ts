import { TransactionBuilder, type FeeBumpTransaction, type Transaction } from "@stellar/stellar-sdk";

import { selectSignatures, type SignatureCheck } from "../domain/program/select-signatures.ts";
import type { LedgerAccount } from "../ports/ledger.ts";
import type { Wallet } from "./wallet.ts";

/** Signs for the account with exactly as many of the wallet's keys as the ledger will count. */
export function signEnough(
  transaction: Transaction | FeeBumpTransaction,
  wallet: Wallet,
  account: LedgerAccount,
  level: "low" | "medium" | "high",
): void {
  const checks: SignatureCheck[] = [
    // The source of a transaction is always checked at its low threshold first.
    { account: account.id, signers: signersOf(account), threshold: account.thresholds.low },
    { account: account.id, signers: signersOf(account), threshold: account.thresholds[level] },
  ];
  const keys = new Map(wallet.signers.map((signer) => [signer.publicKey(), signer]));
  for (const key of selectSignatures([...keys.keys()], checks)) {
    const signer = keys.get(key);
    if (signer !== undefined) transaction.sign(signer);
  }
}

/** Wraps a transaction into a fee bump that the wallet's account pays, signed. */
export function bumpFee(
  transaction: Transaction,
  parts: {
    readonly wallet: Wallet;
    /** The wallet's account. */
    readonly payer: LedgerAccount;
    readonly network: string;
    readonly feePerOperationStroops: bigint;
  },
): FeeBumpTransaction {
  const { wallet, payer, network, feePerOperationStroops } = parts;
  const fee = feePerOperationStroops.toString();
  const bump = TransactionBuilder.buildFeeBumpTransaction(wallet.account, fee, transaction, network);
  signEnough(bump, wallet, payer, "low");
  return bump;
}

/** The signers of an account with its master key among them, as the ledger counts. */
export function signersOf({ id, signers, thresholds }: LedgerAccount): LedgerAccount["signers"] {
  return thresholds.master === 0 ? signers : [...signers, { key: id, weight: thresholds.master }];
}
