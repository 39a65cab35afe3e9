import type { FeeBumpTransaction, OperationRecord, Transaction } from "@stellar/stellar-sdk";

import { selectSignatures, type SignatureCheck } from "../domain/program/select-signatures.ts";
import { SprfError } from "../errors.ts";
import type { LedgerAccount } from "../ports/ledger.ts";
import { signEnough, signersOf } from "./sign.ts";
import { bumpFee } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

/**
 * Puts a program's transaction together: the workers' signatures and the payer's own, exactly those that the ledger will use, inside
 * a fee bump that the payer pays (invariant P4).
 *
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`
 */
export function assemble(parts: {
  readonly transaction: Transaction;
  readonly network: string;
  /** The smart account. */
  readonly program: LedgerAccount;
  /** Of the wallet; pays what operations of its own say, and the fee. */
  readonly payer: LedgerAccount;
  readonly wallet: Wallet;
  /** By the workers' ledger keys, on the transaction. */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
}): FeeBumpTransaction {
  const { transaction, program, payer, wallet, signatures } = parts;
  const own = new Map(wallet.signers.map((signer) => [signer.publicKey(), signer]));
  const chosen = selectSignatures(
    [...own.keys(), ...signatures.keys()],
    [
      // The source of a transaction is always checked at its low threshold first.
      checkOf(program, "low"),
      ...transaction.operations.map((operation) =>
        checkOf((operation.source ?? program.id) === payer.id ? payer : program, levelOf(operation)),
      ),
    ],
  );
  for (const key of chosen) {
    const signer = own.get(key);
    if (signer !== undefined) transaction.sign(signer);
    else transaction.addSignature(key, Buffer.from(signatures.get(key) ?? []).toString("base64"));
  }
  const [first] = wallet.signers;
  const bump = bumpFee(transaction, first, parts.network);
  if (wallet.signers.length > 1) {
    bump.signatures.splice(0);
    signEnough(bump, wallet, payer, "low");
  }
  if (bump.signatures.length === 0) throw new SprfError("NOT_ENOUGH_SIGNATURES", `nobody signs for ${wallet.account}`);
  return bump;
}

function checkOf(account: LedgerAccount, level: "low" | "medium" | "high"): SignatureCheck {
  return { account: account.id, signers: signersOf(account), threshold: account.thresholds[level] };
}

/** All `setOptions` of this system change who may sign, which the ledger asks the high threshold for. */
function levelOf({ type }: OperationRecord): "low" | "medium" | "high" {
  if (type === "setOptions") return "high";
  return type === "bumpSequence" ? "low" : "medium";
}
