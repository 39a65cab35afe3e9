import { expect } from "chai";
import fc from "fast-check";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { lowestPriceStroops, rememberPrices, type PastPrices } from "../../../src/domain/program/past-prices.ts";
import { PAYMENT_USABLE_SECONDS, PAYMENT_VALID_SECONDS, priceStroops } from "../../../src/domain/program/payment.ts";
import type { SmartAccount } from "../../../src/domain/program/smart-account.ts";
import { findPriceStroops } from "../../../src/execution/find-price.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { BatchRecord } from "../../../src/wire/batch-record.ts";
import { MAX_RECORD_BYTES, encodeRecord, type ChainRecord, type TransitionRecord } from "../../../src/wire/record.ts";
import { batchRecordArbitrary } from "../../helpers/batch-arbitraries.ts";
import { codeOf } from "../../helpers/code-of.ts";
import {
  createRecordArbitrary,
  governanceRecordArbitrary,
  transitionRecordArbitrary,
} from "../../helpers/execution-arbitraries.ts";

type Terms = BatchRecord["terms"];
type TermsRecord = Extract<ChainRecord, { kind: "terms" }>;

const one = <T>(arbitrary: fc.Arbitrary<T>): T => fc.sample(arbitrary, { numRuns: 1, seed: 1 })[0] as T;
const created = one(createRecordArbitrary);
const transition = one(transitionRecordArbitrary);
const batch = one(batchRecordArbitrary);
const changed = one(governanceRecordArbitrary.filter((record): record is TermsRecord => record.kind === "terms"));
const bumped = one(governanceRecordArbitrary.filter((record) => record.kind === "bump")) as ChainRecord;

/** What lands so many seconds after what came before. */
interface Landing {
  readonly after: bigint;
  readonly event:
    | { readonly kind: "terms"; readonly terms: Terms; readonly slack: bigint }
    | { readonly kind: "transition" | "batch"; readonly paidAgo: bigint }
    | { readonly kind: "bump" };
}

const START = 100_000n;
const amount = fc.bigInt({ min: 1n, max: 1_000n });
const termsArbitrary = fc.record({ baseFeeStroops: amount, gasPriceStroops: amount });
const landings = fc.array(
  fc.record({
    after: fc.bigInt({ min: 1n, max: 3_000n }),
    event: fc.oneof(
      fc.record({
        kind: fc.constant("terms" as const),
        terms: termsArbitrary,
        slack: fc.bigInt({ min: 0n, max: 3_600n }),
      }),
      fc.record({
        kind: fc.constantFrom("transition" as const, "batch" as const),
        paidAgo: fc.bigInt({ min: 0n, max: BigInt(PAYMENT_USABLE_SECONDS) }),
      }),
      fc.record({ kind: fc.constant("bump" as const) }),
    ),
  }),
  { maxLength: 25 },
) satisfies fc.Arbitrary<Landing[]>;

/** A history as it landed, and what an audit that read all of it knows. */
interface Landed {
  readonly tip: string;
  readonly terms: Terms;
  readonly now: bigint;
  /** Prices that others took the place of, and when that landed. */
  readonly replaced: readonly (Terms & { readonly at: bigint })[];
  readonly audited: readonly PastPrices[];
}

describe("execution/find-price", () => {
  const logger = createMemoryLogger([]);
  let content: CollectingContentStore;
  beforeEach(async () => {
    content = createMemoryContentStore({ clock: systemClock, logger });
    await content.start();
  });
  afterEach(async () => await content.stop());

  async function land(first: Terms, events: readonly Landing[]): Promise<Landed> {
    let [terms, now, time] = [first, START, 0n];
    let tip = await content.putRecord(encodeRecord({ ...created, terms }));
    const replaced: (Terms & { at: bigint })[] = [];
    let audited: readonly PastPrices[] = [];
    for (const { after, event } of events) {
      now += after;
      const previous = { ...transition.previous, recordCid: tip };
      if (event.kind === "terms") {
        const validUntil = now + event.slack;
        const { signedChange } = changed;
        const change = { kind: "terms" as const, terms: event.terms };
        const request = { ...signedChange.request, validUntil, change };
        tip = await content.putRecord(
          encodeRecord({ ...changed, time, previous, signedChange: { ...signedChange, request } }),
        );
        replaced.push({ ...terms, at: now });
        audited = rememberPrices(audited, { ...terms, until: validUntil }, time);
        terms = event.terms;
      } else if (event.kind === "bump") {
        tip = await content.putRecord(encodeRecord({ ...bumped, time, previous } as ChainRecord));
      } else {
        const paidAt = now - event.paidAgo;
        time = paidAt > time ? paidAt : time;
        tip = await content.putRecord(encodeRecord(event.kind === "batch" ? batchOf() : transitionOf()));
      }
      function batchOf(): BatchRecord {
        const inputs = batch.inputs
          .slice(0, 1)
          .map((input) => ({ ...input, environment: { ...input.environment, time } }));
        return { ...batch, previous, terms, inputs };
      }
      function transitionOf(): TransitionRecord {
        return { ...transition, previous, environment: { ...transition.environment, time } };
      }
    }
    return { tip, terms, now, replaced, audited };
  }

  /** What a worker asks that looks at the program now. */
  async function priceOf(
    { tip, terms }: Pick<Landed, "tip" | "terms">,
    parts: Pick<Parameters<typeof findPriceStroops>[2], "request" | "paidAt">,
    source = content,
  ): Promise<bigint> {
    const account = { id: "program", sequence: 1n, stateLedger: 1, ledger: 1, ...terms } as SmartAccount;
    const known = { recordCid: tip, envelope: new Uint8Array(), sequence: 1n, ledger: 1 };
    // The tip is known, so the ledger is not asked.
    const tips = { get: async () => await Promise.resolve(known), put: async () => await Promise.resolve() };
    const components = { ledger: {} as Ledger, content: source, tips };
    return await findPriceStroops(components, account, { ...parts, paidStroops: 0n });
  }

  it("should ask what no price since the payment was below, and no less than an audit of the whole history", async () => {
    const form = fc.constantFrom(undefined, "prepaid" as const);
    const maxGas = fc.bigInt({ min: 0n, max: 100_000n });
    const ago = fc.bigInt({ min: 0n, max: BigInt(PAYMENT_VALID_SECONDS) });
    await fc.assert(
      fc.asyncProperty(termsArbitrary, landings, fc.tuple(form, maxGas, ago), async (first, events, asked) => {
        const landed = await land(first, events);
        const request = { ...(asked[0] === undefined ? {} : { form: asked[0] }), maxGas: asked[1] };
        const paidAt = landed.now - asked[2];
        const price = await priceOf(landed, { request, paidAt });
        const held = [landed.terms, ...landed.replaced.filter(({ at }) => at >= paidAt)];
        expect(held.every((each) => priceStroops(request, each) >= price)).to.equal(true);
        const audit = lowestPriceStroops(request, { terms: landed.terms, pastPrices: landed.audited }, paidAt);
        expect(price >= audit).to.equal(true);
        expect(await priceOf(landed, { request, paidAt })).to.equal(price);
      }),
      { numRuns: 60 },
    );
  }).timeout(30_000);

  it("should read back to what tells the replaced price, and no further", async () => {
    const [cheap, dear] = [
      { baseFeeStroops: 1n, gasPriceStroops: 1n },
      { baseFeeStroops: 9n, gasPriceStroops: 9n },
    ];
    const rise = { after: 10n, event: { kind: "terms" as const, terms: dear, slack: 100n } };
    const run = { after: 10n, event: { kind: "batch" as const, paidAgo: 0n } };
    const long = { after: 20_000n, event: { kind: "batch" as const, paidAgo: 0n } };
    const request = { maxGas: 0n };
    const before = await land(cheap, [long, run, rise, run]);
    expect(await priceOf(before, { request, paidAt: before.now - 15n })).to.equal(1n);
    // Its time over, the old price is no excuse.
    expect(await priceOf(before, { request, paidAt: before.now + 91n })).to.equal(9n);

    const missing = createMemoryContentStore({ clock: systemClock, logger });
    await missing.start();
    try {
      const last = await land(cheap, [rise, long, long]);
      await missing.putRecord(await blockOf(last.tip));
      expect(await codeOf(priceOf(last, { request, paidAt: last.now }, missing))).to.equal("CONTENT_NOT_FOUND");
      expect(await priceOf(last, { request, paidAt: last.now + 7_201n }, missing)).to.equal(9n);
    } finally {
      await missing.stop();
    }
  });

  async function blockOf(cid: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content.get(cid, { maxBytes: MAX_RECORD_BYTES })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
});
