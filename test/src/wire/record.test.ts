import { expect } from "chai";
import fc from "fast-check";

import { encodeCanonical } from "../../../src/wire/canonical.ts";
import { MAX_RECORD_BYTES, decodeRecord, encodeRecord } from "../../../src/wire/record.ts";
import {
  createRecordArbitrary,
  governanceRecordArbitrary,
  transitionRecordArbitrary,
} from "../../helpers/execution-arbitraries.ts";

const record = fc.oneof(createRecordArbitrary, transitionRecordArbitrary, governanceRecordArbitrary);

describe("record", () => {
  it("comes back from its block as it went, and gives the same block again", () => {
    fc.assert(
      fc.property(record, (given) => {
        const block = encodeRecord(given);
        const decoded = decodeRecord(block);
        expect(decoded).to.deep.equal(given);
        expect(encodeRecord(decoded)).to.deep.equal(block);
      }),
      { numRuns: 60 },
    );
  });

  it("has one block, whatever the order of its fields and whether an absent one is written as undefined", () => {
    fc.assert(
      fc.property(createRecordArbitrary, (given) => {
        const reversed = Object.fromEntries(Object.entries(given).reverse()) as typeof given;
        expect(encodeRecord(reversed)).to.deep.equal(encodeRecord(given));
        const { owner: _, ...without } = given;
        expect(encodeRecord({ ...without, owner: undefined })).to.deep.equal(encodeRecord(without));
      }),
      { numRuns: 30 },
    );
  });

  it("is refused with a field that is missing, unknown or of another kind", () => {
    const [given] = fc.sample(transitionRecordArbitrary, 1);
    const wrong: readonly object[] = [
      ...Object.keys(given!).map((name) => Object.fromEntries(Object.entries(given!).filter(([key]) => key !== name))),
      { ...given, extra: 1 },
      { ...given, kind: "payout" },
      { ...given, gas: -1 },
      { ...given, newState: "somewhere" },
      { ...given, skipped: Array.from({ length: 17 }, () => new Uint8Array()) },
    ];
    for (const value of wrong) {
      expect(() => decodeRecord(encodeCanonical(value)), Object.keys(value).join())
        .to.throw()
        .with.property("code", "RECORD_INVALID");
    }
  });

  it("of a change is refused with a change of another kind, and of a payout with nothing to pay or nobody to pay it to", () => {
    fc.assert(
      fc.property(governanceRecordArbitrary, (given) => {
        const wrong =
          given.kind === "payout"
            ? [
                { ...given, shareStroops: 0 },
                { ...given, workers: [] },
              ]
            : ["workers", "program", "terms", "payout", "bump", "recovery"]
                .filter((kind) => kind !== given.kind)
                .map((kind) => ({ ...given, kind }));
        for (const value of wrong) {
          expect(() => decodeRecord(encodeCanonical(value)), value.kind)
            .to.throw()
            .with.property("code", "RECORD_INVALID");
        }
      }),
      { numRuns: 40 },
    );
  });

  it("is refused before it is decoded when it is too large", () => {
    expect(() => decodeRecord(new Uint8Array(MAX_RECORD_BYTES + 1)))
      .to.throw()
      .with.property("code", "CONTENT_TOO_LARGE");
    const [given] = fc.sample(createRecordArbitrary, 1);
    expect(() => encodeRecord({ ...given!, network: "x".repeat(MAX_RECORD_BYTES) }))
      .to.throw()
      .with.property("code", "CONTENT_TOO_LARGE");
  });

  it("gives RECORD_INVALID for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(() => decodeRecord(bytes))
          .to.throw()
          .with.property("code", "RECORD_INVALID");
      }),
    );
  });
});
