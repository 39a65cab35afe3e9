import type { Transaction } from "@stellar/stellar-sdk";
import { Account, Asset, Memo, Operation, TransactionBuilder } from "@stellar/stellar-sdk";

import { hashOfRecordCid } from "../../wire/canonical.ts";
import { ENTRY } from "./smart-account.ts";
import { formatStroops } from "./stroops.ts";

/** A direct transition can land for this long after the ledger of its payment closed. */
export const TRANSITION_VALID_SECONDS = 120;

/** All that the transaction of a direct transition depends on; workers and client build it independently. */
export interface TransitionParts {
  readonly network: string;
  readonly program: string;
  readonly user: string;
  /** The smart account's sequence when the run started; the transaction has the next one, so it lands on that state alone. */
  readonly sequence: bigint;
  readonly newState: string;
  readonly recordCid: string;
  readonly gasFeeStroops: bigint;
  /** Seconds: of the request, and of the ledger that holds the payment. */
  readonly validUntil: bigint;
  readonly paymentCloseTime: bigint;
}

/** Seconds since the Unix epoch after which the transition can no longer land. */
export function transitionMaxTime(parts: Pick<TransitionParts, "validUntil" | "paymentCloseTime">): bigint {
  const latest = parts.paymentCloseTime + BigInt(TRANSITION_VALID_SECONDS);
  return parts.validUntil < latest ? parts.validUntil : latest;
}

/**
 * The specification's transaction: the user pays for gas, then the state moves. Its own fee is 0: the user's fee bump pays, so
 * the smart account never does. Without a gas fee there is no payment, since the ledger knows none of 0.
 */
export function buildTransition(parts: TransitionParts): Transaction {
  const builder = new TransactionBuilder(new Account(parts.program, parts.sequence.toString()), {
    fee: "0",
    networkPassphrase: parts.network,
    timebounds: { minTime: 0, maxTime: transitionMaxTime(parts).toString() },
    memo: Memo.hash(hashOfRecordCid(parts.recordCid)),
  });
  if (parts.gasFeeStroops > 0n) {
    builder.addOperation(
      Operation.payment({
        source: parts.user,
        destination: parts.program,
        asset: Asset.native(),
        amount: formatStroops(parts.gasFeeStroops),
      }),
    );
  }
  return builder
    .addOperation(Operation.manageData({ source: parts.program, name: ENTRY.state, value: parts.newState }))
    .build();
}
