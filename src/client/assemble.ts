import type { FeeBumpTransaction, OperationRecord, Transaction } from "@stellar/stellar-sdk";

import { feeLadder } from "../domain/program/fee-ladder.ts";
import { selectSignatures, type SignatureCheck } from "../domain/program/select-signatures.ts";
import { SprfError } from "../errors.ts";
import type { LedgerAccount } from "../ports/ledger.ts";
import { bumpFee, signersOf } from "./sign.ts";
import type { Wallet } from "./wallet.ts";

/** What a Stellar envelope holds. */
const MAX_SIGNATURES = 20;

/** Whose signatures a program's transaction needs. */
interface SignedParts {
  readonly transaction: Transaction;
  /** The smart account. */
  readonly program: LedgerAccount;
  /** Of the wallet; pays what operations of its own say, and the fee. */
  readonly payer: LedgerAccount;
  readonly wallet: Wallet;
}

/**
 * Puts a program's transaction together: the workers' signatures and the payer's own, exactly those that the ledger will use, inside
 * fee bumps that the payer pays, each with a higher offer than the one before (invariant P4).
 *
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`, `TOO_MANY_SIGNATURES`, `FEE_TOO_LOW`
 */
export function assemble(
  parts: SignedParts & {
    readonly network: string;
    /** By the workers' ledger keys, on the transaction. */
    readonly signatures: ReadonlyMap<string, Uint8Array>;
    /** The most that the payer offers for a place in a ledger. */
    readonly maxFeeStroops: bigint;
  },
): readonly FeeBumpTransaction[] {
  const { transaction, network, payer, wallet, signatures, maxFeeStroops } = parts;
  const own = new Map(wallet.signers.map((signer) => [signer.publicKey(), signer]));
  for (const key of chooseSigners(parts, [...signatures.keys()])) {
    const signer = own.get(key);
    if (signer !== undefined) transaction.sign(signer);
    else transaction.addSignature(key, Buffer.from(signatures.get(key) ?? []).toString("base64"));
  }
  const offers = feeLadder(transaction.operations.length, maxFeeStroops);
  if (offers.length === 0) {
    throw new SprfError("FEE_TOO_LOW", `${maxFeeStroops} stroops are less than the ledger takes for this transaction`);
  }
  return offers.map((offer) => bumpFee(transaction, { wallet, payer, network, feePerOperationStroops: offer }));
}

/**
 * Who signs a program's transaction, if these workers do.
 *
 * @param workers ledger keys, in the order of preference
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`, or `TOO_MANY_SIGNATURES` when an envelope could not hold those that the payer's account
 * and the program's need together
 */
export function chooseSigners(
  { transaction, program, payer, wallet }: SignedParts,
  workers: readonly string[],
): readonly string[] {
  const own = wallet.signers.map((signer) => signer.publicKey());
  const chosen = selectSignatures(
    [...own, ...workers],
    [
      // The source of a transaction is always checked at its low threshold first.
      checkOf(program, "low"),
      ...transaction.operations.map((operation) =>
        checkOf((operation.source ?? program.id) === payer.id ? payer : program, levelOf(operation)),
      ),
    ],
  );
  if (chosen.length <= MAX_SIGNATURES) return chosen;
  throw new SprfError(
    "TOO_MANY_SIGNATURES",
    `${program.id} and ${payer.id} need ${chosen.length} signatures together, more than ${MAX_SIGNATURES}`,
  );
}

function checkOf(account: LedgerAccount, level: "low" | "medium" | "high"): SignatureCheck {
  return { account: account.id, signers: signersOf(account), threshold: account.thresholds[level] };
}

/** All `setOptions` of this system change who may sign, which the ledger asks the high threshold for. */
function levelOf({ type }: OperationRecord): "low" | "medium" | "high" {
  if (type === "setOptions") return "high";
  return type === "bumpSequence" ? "low" : "medium";
}
