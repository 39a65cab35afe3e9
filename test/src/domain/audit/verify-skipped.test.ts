import { Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import type { HistoryState } from "../../../../src/domain/audit/history-state.ts";
import { verifySkipped, type SkippedParts } from "../../../../src/domain/audit/verify-skipped.ts";
import { historyFields } from "../../../../src/domain/program/history-fields.ts";
import { programTransaction } from "../../../../src/domain/program/program-transaction.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { MODULE, STATE, keyOf } from "../../../helpers/smart-accounts.ts";

const network = "test network";
const program = keyOf(99).publicKey();
const workers = [1, 2, 3].map(keyOf);
const recordCid = recordCidOf(new Uint8Array([1]));
const FIRST = 5n << 32n;
const RECOVERED = FIRST + (1n << 31n);

const state = (sequence: bigint | undefined): HistoryState => ({
  recordCid,
  envelopeHash: "00",
  count: 1,
  transitions: 0,
  terms: {
    image: { address: `wasm:${MODULE}` },
    baseFeeStroops: 1n,
    gasPriceStroops: 1n,
    workers: workers.map((key) => ({ address: "http://127.0.0.1:1", ledgerKey: key.publicKey() })),
  },
  pastPrices: [],
  state: STATE,
  time: 0n,
  lastLedger: 0,
  sequence,
});

const cache = new Map<string, Uint8Array>();
/** A transaction of the program with this sequence, signed by two of three workers; of the owner's own time, by nobody. */
function envelopeAt(sequence: bigint, isSigned = true): Uint8Array {
  const key = `${sequence} ${isSigned}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const transaction = programTransaction({ network, program, sequence: sequence - 1n, recordCid, maxTime: 1n })
    .addOperation(Operation.bumpSequence({ bumpTo: "0" }))
    .build();
  if (isSigned) transaction.sign(...workers.slice(0, 2));
  const envelope = new Uint8Array(Buffer.from(transaction.toXdr(), "base64"));
  cache.set(key, envelope);
  return envelope;
}

const envelopes = (after: bigint, count: number, isSigned = true): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => envelopeAt(after + BigInt(i) + 1n, isSigned));
const partsOf = (skipped: readonly Uint8Array[]): SkippedParts =>
  historyFields({ recordCid, envelope: new Uint8Array(), skipped });
const codesOf = (
  before: bigint | undefined,
  parts: SkippedParts,
  at: { readonly sequence: bigint; readonly recoveredAt?: bigint },
): readonly string[] => verifySkipped(state(before), parts, { program, network, ...at }).map(({ code }) => code);

const count = fc.integer({ min: 0, max: 40 });

describe("domain/audit/verify-skipped", () => {
  it("should account for however many failed, and for no more or less of them", () => {
    fc.assert(
      fc.property(count, fc.constantFrom(FIRST, FIRST + 7n), fc.boolean(), (failed, from, isKnown) => {
        const before = isKnown || from !== FIRST ? from : undefined;
        const parts = partsOf(envelopes(from, failed));
        const sequence = from + BigInt(failed);
        expect(codesOf(before, parts, { sequence })).to.deep.equal([]);
        expect(codesOf(before, parts, { sequence: sequence + 1n })).to.deep.equal(["SEQUENCE_GAP"]);
        if (failed > 0) expect(codesOf(before, parts, { sequence: sequence - 1n })).to.deep.equal(["SEQUENCE_GAP"]);
      }),
      { numRuns: 40 },
    );
  }).timeout(20_000);

  it("should account for what failed before and after a recovery, of which the owner's is nobody else's", () => {
    fc.assert(
      fc.property(count, count, (earlier, later) => {
        const skipped = [...envelopes(FIRST, earlier), ...envelopes(RECOVERED, later, false)];
        const at = { sequence: RECOVERED + BigInt(later), recoveredAt: RECOVERED };
        expect(codesOf(FIRST, partsOf(skipped), at)).to.deep.equal([]);
        const beyond = { ...at, sequence: RECOVERED + BigInt(skipped.length) + 1n };
        expect(codesOf(FIRST, partsOf(skipped), beyond)).to.deep.equal(["SEQUENCE_GAP"]);
      }),
      { numRuns: 40 },
    );
  }).timeout(20_000);

  it("should know the first sequence by the ledger that made the account, where that is known", () => {
    const parts = partsOf([]);
    const other = FIRST + (1n << 32n);
    expect(codesOf(undefined, parts, { sequence: other }), "it is some ledger's").to.deep.equal([]);
    expect(codesOf(FIRST, parts, { sequence: other })).to.deep.equal(["SEQUENCE_GAP"]);
    expect(codesOf(undefined, parts, { sequence: other + 1n })).to.deep.equal(["SEQUENCE_GAP"]);
  });

  it("should refuse a hash that stands for envelopes which could have been named whole", () => {
    const { skippedBefore } = partsOf(envelopes(FIRST, 20));
    const parts = { skipped: envelopes(FIRST + 4n, 3), skippedBefore };
    expect(codesOf(FIRST, parts, { sequence: FIRST + 7n })).to.deep.equal(["SKIPPED_INVALID"]);
  });
});
