import type { Transaction } from "@stellar/stellar-sdk";

import { majorityOf } from "../program/smart-account.ts";
import { signersOf } from "../program/verify-signature.ts";
import { fault, type AuditFault } from "./fault.ts";
import type { HistoryState } from "./history-state.ts";
import { readEnvelope } from "./read-envelope.ts";

/** Sequences of a ledger's new accounts start at its number times 2^32. */
const SEQUENCE_SHIFT = 32n;

/** What a record says of the transactions between the one before it and its own. */
export interface SkippedParts {
  readonly skipped: readonly Uint8Array[];
  readonly skippedBefore?: { readonly count: number } | undefined;
}

/**
 * Whether every sequence number between a record and the one before it is accounted for by a transaction that the workers signed
 * and that landed. That those failed only the ledger can say, and those before the last ones are named by a hash alone.
 */
export function verifySkipped(
  state: HistoryState,
  { skipped, skippedBefore }: SkippedParts,
  at: {
    readonly program: string;
    readonly network: string;
    /** The account's sequence that the record was made on. */
    readonly sequence: bigint;
    /** The account's sequence after a recovery in between, which is far ahead of the one before it. */
    readonly recoveredAt?: bigint | undefined;
  },
): readonly AuditFault[] {
  if (at.recoveredAt !== undefined) return verifyAround(state, skipped, { ...at, recoveredAt: at.recoveredAt });
  const count = BigInt(skipped.length + (skippedBefore?.count ?? 0));
  const from = at.sequence - count;
  // The first sequence of an account is that of the ledger in which it was made.
  const isFirst = state.sequence === undefined && from > 0n && from % (1n << SEQUENCE_SHIFT) === 0n;
  if (!isFirst && from !== state.sequence) {
    const after = state.sequence ?? (at.sequence >> SEQUENCE_SHIFT) << SEQUENCE_SHIFT;
    return [fault("SEQUENCE_GAP", `${at.sequence - after} transactions since the one before, ${count} named`)];
  }
  return verifyEach(state, skipped, at, at.sequence);
}

/** Those before a recovery count from the record before, those after it up to the record's own. */
function verifyAround(
  state: HistoryState,
  skipped: readonly Uint8Array[],
  at: { readonly program: string; readonly network: string; readonly sequence: bigint; readonly recoveredAt: bigint },
): readonly AuditFault[] {
  const later = at.sequence - at.recoveredAt;
  if (later < 0n || later > BigInt(skipped.length) || (state.sequence ?? 0n) >= at.recoveredAt) {
    return [fault("SEQUENCE_GAP", `it was recovered at ${at.recoveredAt}`)];
  }
  const earlier = skipped.slice(0, skipped.length - Number(later));
  // What came after it is the owner's own.
  return state.sequence === undefined ? [] : verifyEach(state, earlier, at, state.sequence + BigInt(earlier.length));
}

function verifyEach(
  state: HistoryState,
  skipped: readonly Uint8Array[],
  at: { readonly program: string; readonly network: string },
  last: bigint,
): readonly AuditFault[] {
  const keys = state.terms.workers.map(({ ledgerKey }) => ledgerKey);
  for (const [index, envelope] of skipped.entries()) {
    const sequence = last - BigInt(skipped.length - 1 - index);
    const wrong = whatIsWrong(readEnvelope(envelope, at.network), at.program, sequence, keys);
    if (wrong !== undefined) return [fault("SKIPPED_INVALID", `sequence ${sequence}: ${wrong}`)];
  }
  return [];
}

function whatIsWrong(
  transaction: Transaction | undefined,
  program: string,
  sequence: bigint,
  keys: readonly string[],
): string | undefined {
  if (transaction === undefined) return "it is no transaction";
  if (transaction.source !== program) return "it is of another account";
  if (BigInt(transaction.sequence) !== sequence) return `it has the sequence ${transaction.sequence}`;
  const { signers } = signersOf(transaction, keys);
  if (signers.length < majorityOf(keys.length)) return "fewer than a majority signed it";
  return undefined;
}
