import type { FeeBumpTransaction, Transaction } from "@stellar/stellar-sdk";

import { feeLadder } from "../domain/program/fee-ladder.ts";
import { selectSignatures } from "../domain/program/select-signatures.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { LedgerAccount } from "../ports/ledger.ts";
import type { SignedAnswer } from "../wire/execution-answer.ts";
import { bumpFee, signersOf } from "./sign.ts";
import type { Wallet } from "./wallet.ts";

/** What a Stellar envelope holds. */
const MAX_SIGNATURES = 20;

/**
 * Puts a transition together: the workers' signatures and the user's, exactly those that the ledger will use, inside fee
 * bumps that the user pays, each with a higher offer than the one before (invariant P4).
 *
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`, `TOO_MANY_SIGNATURES`, `FEE_TOO_LOW`
 */
export function assembleTransition(parts: {
  readonly transaction: Transaction;
  readonly network: string;
  readonly program: SmartAccount;
  readonly user: LedgerAccount;
  readonly wallet: Wallet;
  readonly answers: readonly SignedAnswer[];
  readonly maxFeeStroops: bigint;
}): readonly FeeBumpTransaction[] {
  const { transaction, network, program, user, wallet, answers, maxFeeStroops } = parts;
  const own = new Map(wallet.signers.map((signer) => [signer.publicKey(), signer]));
  const theirs = new Map(
    answers.flatMap(({ worker, transactionSignature }) =>
      transactionSignature === undefined ? [] : [[worker, transactionSignature] as const],
    ),
  );
  const paysGas = transaction.operations.some(({ type }) => type === "payment");
  const chosen = chooseSigners({ program, user, wallet, paysGas, workers: [...theirs.keys()] });
  for (const key of chosen) {
    const signer = own.get(key);
    if (signer !== undefined) transaction.sign(signer);
    else transaction.addSignature(key, Buffer.from(theirs.get(key) ?? []).toString("base64"));
  }
  const offers = feeLadder(transaction.operations.length, maxFeeStroops);
  if (offers.length === 0) {
    throw new SprfError("FEE_TOO_LOW", `${maxFeeStroops} stroops are less than the ledger takes for a transition`);
  }
  return offers.map((offer) => bumpFee(transaction, { wallet, user, network, feePerOperationStroops: offer }));
}

/**
 * Who signs a transition, if these workers answer.
 *
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`, or `TOO_MANY_SIGNATURES` when an envelope could not hold those that the user's account
 * and the program's need together
 */
export function chooseSigners(parts: {
  readonly program: SmartAccount;
  readonly user: LedgerAccount;
  readonly wallet: Wallet;
  /** Whether the user pays for gas in it. */
  readonly paysGas: boolean;
  /** Ledger keys of the workers whose signatures are at hand, in the order of preference. */
  readonly workers: readonly string[];
}): readonly string[] {
  const { program, user, wallet, paysGas, workers } = parts;
  const { account } = program.snapshot;
  const own = wallet.signers.map((signer) => signer.publicKey());
  const chosen = selectSignatures(
    [...own, ...workers],
    [
      { account: account.id, signers: account.signers, threshold: account.thresholds.low },
      ...(paysGas ? [{ account: user.id, signers: signersOf(user), threshold: user.thresholds.medium }] : []),
      { account: account.id, signers: account.signers, threshold: account.thresholds.medium },
    ],
  );
  if (chosen.length <= MAX_SIGNATURES) return chosen;
  throw new SprfError(
    "TOO_MANY_SIGNATURES",
    `a transition of ${program.id} for ${user.id} needs ${chosen.length} signatures, more than ${MAX_SIGNATURES}`,
  );
}
