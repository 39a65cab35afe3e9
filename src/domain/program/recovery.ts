import { Account, Memo, Operation, TransactionBuilder, type Transaction } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { LedgerSigner } from "../../ports/ledger.ts";
import { hashOfRecordCid } from "../../wire/canonical.ts";
import { programTransaction, type ProgramTransactionParts } from "./program-transaction.ts";
import { RECOVERED_WEIGHT } from "./smart-account.ts";

const DAY_SECONDS = 24 * 60 * 60;

/** For so long nothing of the account may have landed before its owner can recover it. */
export const RECOVERY_SILENCE_SECONDS = 30 * DAY_SECONDS;

/** Workers move the sequence of an account that was silent for so long: twice more before its recovery would open. */
export const BUMP_AFTER_SECONDS = 10 * DAY_SECONDS;

/** A recovery's own sequence is this far ahead, so that the transactions until then do not use it up. */
export const RECOVERY_SEQUENCE_GAP = 2n ** 31n;

/**
 * The transaction that hands the account to its owner, signed in advance: the owner's key gets a weight that no number of workers
 * has, and all thresholds with it, so that it does what it should on any workers that the account may have by then. The ledger takes
 * it when the account's sequence has not moved for 30 days.
 */
export function buildRecovery(parts: {
  readonly network: string;
  readonly program: string;
  readonly owner: string;
  /** The account's signers now. */
  readonly signers: readonly LedgerSigner[];
  /** Which the account's sequence must have reached. */
  readonly sequence: bigint;
  readonly recordCid: string;
}): Transaction {
  const { owner, signers } = parts;
  const before = parts.sequence + RECOVERY_SEQUENCE_GAP - 1n;
  const builder = new TransactionBuilder(new Account(parts.program, before.toString()), {
    fee: "0",
    networkPassphrase: parts.network,
    timebounds: { minTime: 0, maxTime: 0 },
    memo: Memo.hash(hashOfRecordCid(parts.recordCid)),
  })
    .setMinAccountSequence(parts.sequence.toString())
    .setMinAccountSequenceAge(BigInt(RECOVERY_SILENCE_SECONDS));
  const last = signers.at(-1);
  if (last !== undefined && signers.every(({ key }) => key !== owner)) {
    // Makes room: for one more signer there may be neither a place nor a reserve.
    builder.addOperation(Operation.setOptions({ signer: { ed25519PublicKey: last.key, weight: 0 } }));
  }
  return builder
    .addOperation(
      Operation.setOptions({
        signer: { ed25519PublicKey: owner, weight: RECOVERED_WEIGHT },
        lowThreshold: RECOVERED_WEIGHT,
        medThreshold: RECOVERED_WEIGHT,
        highThreshold: RECOVERED_WEIGHT,
      }),
    )
    .build();
}

/** Whether a transaction of a smart account is a recovery: nothing else waits for the age of the sequence. */
export function isRecovery(transaction: Transaction): boolean {
  return transaction.minAccountSequenceAge !== undefined && transaction.minAccountSequenceAge > 0n;
}

/** The transaction that does nothing but move the account's sequence, which keeps its recovery closed. */
export function buildBump(parts: ProgramTransactionParts): Transaction {
  return programTransaction(parts)
    .addOperation(Operation.bumpSequence({ bumpTo: "0" }))
    .build();
}

/**
 * Checks that the account has been silent long enough for a bump: else it would only be in the way of transitions.
 *
 * @throws SprfError `BUMP_REFUSED`
 */
export function checkSilence({
  nowSeconds,
  movedSeconds,
}: {
  readonly nowSeconds: number;
  readonly movedSeconds: number;
}): void {
  const silent = nowSeconds - movedSeconds;
  if (silent >= BUMP_AFTER_SECONDS) return;
  throw new SprfError("BUMP_REFUSED", `the account was silent for ${silent} s only, not for ${BUMP_AFTER_SECONDS} s`);
}
