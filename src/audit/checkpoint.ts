import { z } from "zod";

import type { HistoryState } from "../domain/audit/history-state.ts";
import { MAX_PAST_PRICES } from "../domain/program/past-prices.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store, StoreChange } from "../ports/store.ts";
import { createTable } from "../utils/table.ts";
import { creditsSchema } from "../wire/credits.ts";
import { bytesUpTo, cidSchema, ledgerAddressSchema, uint64Schema } from "../wire/primitives.ts";
import { imageSchema, termsSchema, workersSchema } from "../wire/program-parts.ts";
import { MAX_RECORD_BYTES } from "../wire/record.ts";
import { withoutUndefined } from "../wire/without-undefined.ts";

const MAX_CHANGES = 128;
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
/** What a kill may cost. */
const FLUSH_EVERY_MS = 1_000;
/** States may be large, so few of them wait to be released. */
const MAX_RELEASES = 8;
const PAGE = 256;
/** Records are found newest first and read oldest first, so they are numbered downwards from here. */
const NEWEST = 1_000_000_000_000;
const NUMBER_DIGITS = 12;

const cursorSchema = z.strictObject({
  recordCid: cidSchema,
  envelopeHash: z.string(),
  count: z.int().positive(),
  transitions: z.int().min(0),
  terms: z.strictObject({
    ...termsSchema.shape,
    image: imageSchema,
    owner: ledgerAddressSchema.optional(),
    workers: workersSchema,
  }),
  pastPrices: z.array(z.strictObject({ ...termsSchema.shape, until: uint64Schema })).max(MAX_PAST_PRICES),
  credits: creditsSchema.optional(),
  state: cidSchema,
  time: uint64Schema,
  lastLedger: z.int().min(0),
  sequence: uint64Schema.optional(),
  lastRunCid: cidSchema.optional(),
  unconfirmed: z.int().min(0).optional(),
});

const paymentSchema = z.strictObject({ recordCid: cidSchema, count: z.int().positive(), tip: cidSchema });
const linkSchema = z.strictObject({ recordCid: cidSchema });
const checkedSchema = z.strictObject({});

/** What audits of one program have found out so far, on disk: a killed one goes on there, and a later one checks what is new. */
export interface Checkpoint {
  /** Up to here all was found right, run again where anything ran. */
  cursor(): Promise<HistoryState | undefined>;
  /** A record's block that was fetched before. */
  block(recordCid: string): Promise<Uint8Array | undefined>;
  keepBlock(recordCid: string, block: Uint8Array): Promise<void>;
  /** The record that is `depth` records before the tip. */
  keepLink(depth: number, recordCid: string): Promise<void>;
  forgetLinks(): Promise<void>;
  /** Kept links, the oldest record first. */
  links(): AsyncGenerator<string, void, undefined>;
  /** Whether a transition was run again before, and what landed for it was the same. */
  isChecked(recordCid: string, envelopeHash: string): Promise<boolean>;
  /** @param release called when it is durable: gives up what was kept in case it has to be done again */
  markChecked(run: CheckedRun, release?: () => Promise<void>): Promise<void>;
  /** Whether the record was run again and the one after it was not yet, as far as that is durable: then its state is needed. */
  needsState(recordCid: string): Promise<boolean>;
  /** Notes that the record with this number uses the payment (hex); resolves with an earlier record of this history that did. */
  usePayment(paymentHash: string, use: PaymentUse): Promise<string | undefined>;
  /** Takes effect with the next `flush`. */
  moveCursor(state: HistoryState): void;
  /** Makes all of it durable. */
  flush(): Promise<void>;
}

/** A record of runs that was run again, what landed for it, and the record of runs before it, if any. */
export interface CheckedRun {
  readonly recordCid: string;
  readonly envelopeHash: string;
  readonly predecessor: string | undefined;
}

/** Where a payment was used: by which record, the how-manieth of the history that this tip leads to. */
export interface PaymentUse {
  readonly recordCid: string;
  readonly count: number;
  readonly tip: string;
  /** How many records of this history an earlier audit has gone through. */
  readonly known: number;
}

/** The checkpoint of one program's audits. Changes are gathered, since each write waits for the disk. */
export function createCheckpoint(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  program: string,
): Checkpoint {
  // Cursors of before are in a table of their own: such an audit goes through the chain again, and runs nothing again.
  const cursors = createTable(store, "audit-position", cursorSchema);
  const blocks = createTable(store, "audit-record", z.strictObject({ block: bytesUpTo(MAX_RECORD_BYTES) }));
  const links = createTable(store, "audit-link", linkSchema);
  const checked = createTable(store, "audit-checked", checkedSchema);
  const leaving = createTable(store, "audit-run", checkedSchema);
  const passed = createTable(store, "audit-run-passed", checkedSchema);
  const payments = createTable(store, "audit-payment", paymentSchema);
  const keyOf = (name: string): string => `${program}/${name}`;
  let waiting: StoreChange[] = [];
  let waitingBytes = 0;
  let releases: (() => Promise<void>)[] = [];
  let flushedMs = clock.now();
  let cursor: HistoryState | undefined;
  /** Uses that are not on disk yet. */
  const fresh = new Map<string, z.output<typeof paymentSchema>>();

  async function add(change: StoreChange): Promise<void> {
    waiting.push(change);
    if (change.kind === "put") waitingBytes += change.value.length;
    const isFull = waiting.length >= MAX_CHANGES || waitingBytes >= MAX_BUFFERED_BYTES;
    const isDue = clock.now() - flushedMs >= FLUSH_EVERY_MS;
    if (isFull || isDue || releases.length >= MAX_RELEASES) await flush();
  }

  async function flush(): Promise<void> {
    const changes = waiting;
    if (cursor !== undefined) changes.push(cursors.put(program, cursorOf(cursor)));
    const uses = [...fresh];
    const due = releases;
    releases = [];
    flushedMs = clock.now();
    waiting = [];
    waitingBytes = 0;
    cursor = undefined;
    if (changes.length > 0) await store.apply(changes);
    for (const [key, use] of uses) if (fresh.get(key) === use) fresh.delete(key);
    for (const release of due) await release();
  }

  async function* pages(): AsyncGenerator<ReadonlyArray<{ key: string; value: { recordCid: string } }>> {
    let after = "";
    for (;;) {
      const page = await links.list({ prefix: keyOf(""), after, limit: PAGE });
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      after = last.key;
    }
  }

  return {
    cursor: async () => await cursors.get(program),
    block: async (recordCid) => (await blocks.get(recordCid))?.block,
    async keepBlock(recordCid, block) {
      await add(blocks.put(recordCid, { block: new Uint8Array(block) }));
    },
    async keepLink(depth, recordCid) {
      await add(links.put(keyOf(String(NEWEST - depth).padStart(NUMBER_DIGITS + 1, "0")), { recordCid }));
    },
    async forgetLinks() {
      for await (const page of pages()) await store.apply(page.map(({ key }) => links.delete(key)));
    },
    async *links() {
      await flush();
      for await (const page of pages()) {
        for (const { value } of page) yield value.recordCid;
      }
    },
    isChecked: async (recordCid, envelopeHash) =>
      (await checked.get(keyOf(`${recordCid}/${envelopeHash}`))) !== undefined,
    async markChecked({ recordCid, envelopeHash, predecessor }, release) {
      if (release !== undefined) releases.push(release);
      // All of it in one write: `add` may flush after each.
      waiting.push(leaving.put(keyOf(recordCid), {}));
      if (predecessor !== undefined) waiting.push(passed.put(keyOf(predecessor), {}));
      await add(checked.put(keyOf(`${recordCid}/${envelopeHash}`), {}));
    },
    needsState: async (recordCid) =>
      (await leaving.get(keyOf(recordCid))) !== undefined && (await passed.get(keyOf(recordCid))) === undefined,
    async usePayment(paymentHash, { recordCid, count, tip, known }) {
      const key = keyOf(paymentHash);
      const use = fresh.get(key) ?? (await payments.get(key));
      if (use !== undefined && use.recordCid !== recordCid) {
        // One that a history left behind which the ledger no longer leads to says nothing of this one.
        if (use.count < count && (use.count <= known || use.tip === tip)) return use.recordCid;
      }
      const next = { recordCid, count, tip };
      fresh.set(key, next);
      await add(payments.put(key, next));
      return undefined;
    },
    moveCursor(state) {
      cursor = state;
    },
    flush,
  };
}

function cursorOf({ terms, credits, pastPrices, ...state }: HistoryState): z.output<typeof cursorSchema> {
  return withoutUndefined({
    ...state,
    credits: credits === undefined ? undefined : [...credits],
    pastPrices: [...pastPrices],
    terms: { ...terms, workers: [...terms.workers] },
  });
}
