import { Account, Memo, TransactionBuilder } from "@stellar/stellar-sdk";

import { hashOfRecordCid } from "../../wire/canonical.ts";

/** What every transaction of a smart account depends on, whatever it does. */
export interface ProgramTransactionParts {
  readonly network: string;
  readonly program: string;
  /** The smart account's sequence; the transaction has the next one, so it lands on what the account is then alone. */
  readonly sequence: bigint;
  readonly recordCid: string;
  /** Seconds since the Unix epoch. @default none */
  readonly minTime?: bigint;
  /** Seconds since the Unix epoch. */
  readonly maxTime: bigint;
}

/** A transaction of the smart account with its record as memo; its own fee is 0, since the fee bump around it pays. */
export function programTransaction(parts: ProgramTransactionParts): TransactionBuilder {
  return new TransactionBuilder(new Account(parts.program, parts.sequence.toString()), {
    fee: "0",
    networkPassphrase: parts.network,
    timebounds: { minTime: (parts.minTime ?? 0n).toString(), maxTime: parts.maxTime.toString() },
    memo: Memo.hash(hashOfRecordCid(parts.recordCid)),
  });
}
