import type { Transaction } from "@stellar/stellar-sdk";

import { MAX_SKIPPED_ENVELOPES } from "../../wire/history-shape.ts";
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
 * and that landed. That those failed only the ledger can say, and of those before the last ones, which are named by a hash alone, all
 * of it (`src/audit/confirm-sequence.ts`).
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
  const count = BigInt(skipped.length + (skippedBefore?.count ?? 0));
  if (skippedBefore !== undefined && skipped.length < MAX_SKIPPED_ENVELOPES) {
    return [fault("SKIPPED_INVALID", `it names ${skipped.length} whole and others by their hash`)];
  }
  if (at.recoveredAt !== undefined)
    return verifyAround(state, { skipped, count }, { ...at, recoveredAt: at.recoveredAt });
  const from = at.sequence - count;
  // The first sequence of an account is that of the ledger in which it was made.
  const isFirst = state.sequence === undefined && from > 0n && from % (1n << SEQUENCE_SHIFT) === 0n;
  if (!isFirst && from !== state.sequence) {
    const after = state.sequence ?? (at.sequence >> SEQUENCE_SHIFT) << SEQUENCE_SHIFT;
    return [fault("SEQUENCE_GAP", `${at.sequence - after} transactions since the one before, ${count} named`)];
  }
  return verifyEach(state, skipped, at, at.sequence);
}

/** Those before a recovery count from the record before, those after it up to the record's own. `count` is of all that are named. */
function verifyAround(
  state: HistoryState,
  { skipped, count }: { readonly skipped: readonly Uint8Array[]; readonly count: bigint },
  at: { readonly program: string; readonly network: string; readonly sequence: bigint; readonly recoveredAt: bigint },
): readonly AuditFault[] {
  const later = at.sequence - at.recoveredAt;
  if (later < 0n || later > count || (state.sequence ?? 0n) >= at.recoveredAt) {
    return [fault("SEQUENCE_GAP", `it was recovered at ${at.recoveredAt}`)];
  }
  // What came after it is the owner's own.
  const earlier = skipped.slice(0, Math.max(0, skipped.length - Number(later)));
  return state.sequence === undefined ? [] : verifyEach(state, earlier, at, state.sequence + count - later);
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
