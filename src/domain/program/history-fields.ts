import { hashWithDomain } from "../../wire/canonical.ts";
import { MAX_SKIPPED_ENVELOPES } from "../../wire/history-shape.ts";
import type { TransitionRecord } from "../../wire/record.ts";

/** The end of a program's history, as far as the next record has to name it. */
export interface HistoryTip {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
  /** Envelopes of the account that landed and failed since, in order. */
  readonly skipped: readonly Uint8Array[];
}

/**
 * What a record says of what came before it. Of many transactions that failed in between it keeps the last ones whole: whoever
 * makes many fail must not make a record too large to read.
 */
export function historyFields(tip: HistoryTip): Pick<TransitionRecord, "previous" | "skipped" | "skippedBefore"> {
  const previous = { recordCid: tip.recordCid, envelope: new Uint8Array(tip.envelope) };
  const kept = tip.skipped.slice(-MAX_SKIPPED_ENVELOPES).map((envelope) => new Uint8Array(envelope));
  const before = tip.skipped.slice(0, tip.skipped.length - kept.length);
  if (before.length === 0) return { previous, skipped: kept };
  return { previous, skipped: kept, skippedBefore: { count: before.length, hash: hashSkipped(before) } };
}

/** The one hash that stands for envelopes in a record. */
export function hashSkipped(envelopes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const hashes = envelopes.map((envelope) => hashWithDomain("", envelope));
  return new Uint8Array(hashWithDomain("sprf/skipped/1", ...hashes));
}
