import { fault, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import type { HistoryLink } from "../domain/audit/verify-link.ts";
import { innerTransactionOf } from "../domain/program/envelope.ts";
import { hashSkipped } from "../domain/program/history-fields.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import type { AskedLedger } from "./patient-ledger.ts";
import type { UnconfirmedClaim } from "./report.ts";

/** Sequences of a ledger's new accounts start at its number times 2^32. */
const SEQUENCE_SHIFT = 32n;
/** How many ledgers are read for envelopes that a record names by a hash alone: what fails in a row does so within hours. */
const MAX_LEDGERS_READ = 5_000;

interface Options {
  readonly signal: AbortSignal;
}

/** Envelopes that a record names by one hash, and those around them, which it names whole. */
export interface HiddenEnvelopes {
  /** What landed for the record before. */
  readonly previous: Uint8Array;
  /** The first that it names whole. */
  readonly next: Uint8Array;
  /** The recovery among them, if there was one. */
  readonly recovered?: Uint8Array | undefined;
  readonly count: number;
  readonly hash: Uint8Array;
}

/** What came of looking for them: that it is wrong, or that it can be said no more. */
export interface Confirmation {
  readonly faults: readonly AuditFault[];
  /** Why it cannot be confirmed; absent when it is. */
  readonly unconfirmed?: string;
}

/** What the ledger still says of an account's sequence numbers, which records claim and nothing in them proves. */
export interface SequenceWitness {
  /** The sequence that the account had when it was made; undefined when the ledger has forgotten. */
  first(created: Uint8Array, options: Options): Promise<bigint | undefined>;
  /** Whether these are what landed and failed between those around them. */
  hidden(envelopes: HiddenEnvelopes, options: Options): Promise<Confirmation>;
}

export function createSequenceWitness(ledger: AskedLedger, program: string): SequenceWitness {
  const network = ledger.networkPassphrase;

  function hashOf(envelope: Uint8Array): string | undefined {
    const transaction = readEnvelope(envelope, network);
    return transaction === undefined ? undefined : toHex(transaction.hash());
  }

  async function ledgerOf(envelope: Uint8Array, options: Options): Promise<number | undefined> {
    const hash = hashOf(envelope);
    return hash === undefined ? undefined : (await ledger.transaction(hash, options))?.ledger;
  }

  /** The account's sequence after what landed in this ledger. */
  function sequenceAfter(envelope: Uint8Array, at: number): bigint {
    const transaction = readEnvelope(envelope, network);
    return transaction?.source === program ? BigInt(transaction.sequence) : firstIn(at);
  }

  return {
    async first(created, options) {
      const found = await ledgerOf(created, options);
      return found === undefined ? undefined : firstIn(found);
    },

    async hidden({ previous, next, recovered, count, hash }, options) {
      const [from, to] = await Promise.all([ledgerOf(previous, options), ledgerOf(next, options)]);
      if (from === undefined || to === undefined) return forgotten(count, "the ledger has forgotten them");
      if (to - from > MAX_LEDGERS_READ) return forgotten(count, `they are spread over ${to - from} ledgers`);
      const [after, before] = [sequenceAfter(previous, from), sequenceAfter(next, to)];
      const recovery = recovered === undefined ? undefined : hashOf(recovered);
      const landed = await ledger.transactionsOf(program, { from, to }, options);
      const found = landed.filter(({ envelopeXdr }) => {
        const transaction = innerTransactionOf(envelopeXdr, network);
        const sequence = BigInt(transaction.sequence);
        return sequence > after && sequence < before && toHex(transaction.hash()) !== recovery;
      });
      const success = found.find(({ successful }) => successful);
      if (success !== undefined) {
        return { faults: [fault("SKIPPED_INVALID", `${success.hash} succeeded in ledger ${success.ledger}`)] };
      }
      // The service may have begun to forget them while it was asked.
      const stillThere = await ledgerOf(previous, options);
      if (found.length !== count && stillThere === undefined) return forgotten(count, "the ledger has forgotten them");
      const own = hashSkipped(found.map(({ envelopeXdr }) => Buffer.from(envelopeXdr, "base64")));
      if (found.length === count && equalBytes(own, hash)) return { faults: [] };
      return {
        faults: [
          fault("SKIPPED_INVALID", `${count} named by another hash than that of the ${found.length} on the ledger`),
        ],
      };
    },
  };
}

/**
 * What a record claims of the account's sequence numbers, as far as the ledger still knows them.
 *
 * @returns the history after it, with what the ledger adds; a claim that can be confirmed no more stands, and is counted
 */
export async function confirmSequence(
  witness: SequenceWitness,
  { link, after }: { readonly link: HistoryLink; readonly after: HistoryState },
  options: Options,
): Promise<{
  readonly faults: readonly AuditFault[];
  readonly after: HistoryState;
  readonly unconfirmed?: UnconfirmedClaim;
}> {
  const { record, recordCid, envelope } = link;
  const unsure = (message: string): { readonly after: HistoryState; readonly unconfirmed: UnconfirmedClaim } => ({
    after: { ...after, unconfirmed: (after.unconfirmed ?? 0) + 1 },
    unconfirmed: { number: after.count, recordCid, message },
  });
  if (record.kind === "create") {
    const sequence = await witness.first(envelope, options);
    if (sequence !== undefined) return { faults: [], after: { ...after, sequence } };
    return { faults: [], ...unsure("the ledger has forgotten in which of its ledgers the account was made") };
  }
  const [next] = record.skipped;
  if (record.skippedBefore === undefined || next === undefined) return { faults: [], after };
  const recovered = record.kind === "workers" ? record.recovered?.envelope : undefined;
  const hidden = { previous: record.previous.envelope, next, recovered, ...record.skippedBefore };
  const { faults, unconfirmed } = await witness.hidden(hidden, options);
  return { faults, ...(unconfirmed === undefined ? { after } : unsure(unconfirmed)) };
}

/** The sequence of an account that was made in this ledger. */
function firstIn(ledger: number): bigint {
  return BigInt(ledger) << SEQUENCE_SHIFT;
}

function forgotten(count: number, why: string): Confirmation {
  return { faults: [], unconfirmed: `${count} transactions that failed are named by their hash alone: ${why}` };
}
