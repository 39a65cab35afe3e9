import { TransactionBuilder, type FeeBumpTransaction, type Keypair, type Transaction } from "@stellar/stellar-sdk";

const FEE_PER_OPERATION_STROOPS = "1000";

/** Wraps a transaction into a fee bump that `payer`, an account of one key, pays and signs. */
export function feeBump(transaction: Transaction, payer: Keypair, network: string): FeeBumpTransaction {
  const bump = TransactionBuilder.buildFeeBumpTransaction(payer, FEE_PER_OPERATION_STROOPS, transaction, network);
  bump.sign(payer);
  return bump;
}
