import type { FeeBumpTransaction, Transaction } from "@stellar/stellar-sdk";

import { selectSignatures } from "../domain/program/select-signatures.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { LedgerAccount } from "../ports/ledger.ts";
import type { SignedAnswer } from "../wire/execution-answer.ts";
import { signEnough, signersOf } from "./sign.ts";
import { bumpFee } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

/**
 * Puts a transition together: the workers' signatures and the user's, exactly those that the ledger will use, inside a fee
 * bump that the user pays (invariant P4).
 *
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`
 */
export function assembleTransition(parts: {
  readonly transaction: Transaction;
  readonly network: string;
  readonly program: SmartAccount;
  readonly user: LedgerAccount;
  readonly wallet: Wallet;
  readonly answers: readonly SignedAnswer[];
}): FeeBumpTransaction {
  const { transaction, program, user, wallet, answers } = parts;
  const { account } = program.snapshot;
  const own = new Map(wallet.signers.map((signer) => [signer.publicKey(), signer]));
  const theirs = new Map(
    answers.flatMap(({ worker, transactionSignature }) =>
      transactionSignature === undefined ? [] : [[worker, transactionSignature] as const],
    ),
  );
  const paysGas = transaction.operations.some(({ type }) => type === "payment");
  const chosen = selectSignatures(
    [...own.keys(), ...theirs.keys()],
    [
      { account: account.id, signers: account.signers, threshold: account.thresholds.low },
      ...(paysGas ? [{ account: user.id, signers: signersOf(user), threshold: user.thresholds.medium }] : []),
      { account: account.id, signers: account.signers, threshold: account.thresholds.medium },
    ],
  );
  for (const key of chosen) {
    const signer = own.get(key);
    if (signer !== undefined) transaction.sign(signer);
    else transaction.addSignature(key, Buffer.from(theirs.get(key) ?? []).toString("base64"));
  }
  const [payer] = wallet.signers;
  const bump = bumpFee(transaction, payer, parts.network);
  if (wallet.signers.length > 1) {
    bump.signatures.splice(0);
    signEnough(bump, wallet, user, "low");
  }
  if (bump.signatures.length === 0) throw new SprfError("NOT_ENOUGH_SIGNATURES", `nobody signs for ${wallet.account}`);
  return bump;
}
