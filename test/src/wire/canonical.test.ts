import { createHash } from "node:crypto";

import { expect } from "chai";
import fc from "fast-check";

import { utf8 } from "../../../src/utils/bytes.ts";
import {
  decodeCanonical,
  encodeCanonical,
  hashOfRecordCid,
  hashWithDomain,
  recordCidFromHash,
  recordCidOf,
} from "../../../src/wire/canonical.ts";
import { bytesArbitrary, uint64Arbitrary } from "../../helpers/arbitraries.ts";

const VALUE = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

describe("canonical encoding", () => {
  it("gives every value back", () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        expect(decodeCanonical(encodeCanonical(value))).to.deep.equal(value);
      }),
    );
  });

  it("does not depend on the order in which fields were written", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 4 }), fc.nat(), { noNullPrototype: true }), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(encodeCanonical(reversed)).to.deep.equal(encodeCanonical(value));
      }),
    );
  });

  it("is the same for an integer as number and as bigint", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(encodeCanonical(BigInt(value))).to.deep.equal(encodeCanonical(value));
      }),
    );
    fc.assert(
      fc.property(uint64Arbitrary, (value) => {
        expect(BigInt(decodeCanonical(encodeCanonical(value)) as number | bigint)).to.equal(value);
      }),
    );
  });

  const refused: Readonly<Record<string, readonly number[]>> = {
    "no bytes": [],
    "a number in more bytes than it needs": [0x18, 0x01],
    "keys in another order": [0xa2, 0x61, 0x62, 0x01, 0x61, 0x61, 0x02],
    "a key twice": [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02],
    "a list of no stated length": [0x9f, 0x01, 0xff],
    "bytes after the value": [0x01, 0x01],
    "a list that ends early": [0x82, 0x01],
    "a float where an integer would do": [0xf9, 0x3c, 0x00],
    "a tag that is not a CID's": [0xc1, 0x01],
    NaN: [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
    "lists in lists without end": Array.from({ length: 20_000 }, () => 0x81),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(() => decodeCanonical(new Uint8Array(bytes)))
        .to.throw()
        .with.property("code", "MESSAGE_INVALID");
    });
  }

  it("decodes hostile bytes to a value or to MESSAGE_INVALID, never to another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(encodeCanonical(decodeCanonical(bytes))).to.deep.equal(bytes);
        } catch (error) {
          expect(error).to.have.property("code", "MESSAGE_INVALID");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("hashes and CIDs of records", () => {
  it("hash a domain and then the parts", () => {
    const expected = createHash("sha256").update("sprf/test/1").update("a").update("b").digest();
    expect(hashWithDomain("sprf/test/1", utf8("a"), utf8("b"))).to.deep.equal(new Uint8Array(expected));
  });

  it("lead from a CID to the hash in a memo and back", () => {
    fc.assert(
      fc.property(bytesArbitrary(32), (hash) => {
        expect(hashOfRecordCid(recordCidFromHash(hash))).to.deep.equal(hash);
      }),
    );
  });

  it("are those of the block", () => {
    const block = encodeCanonical({ a: 1 });
    expect(hashOfRecordCid(recordCidOf(block))).to.deep.equal(
      new Uint8Array(createHash("sha256").update(block).digest()),
    );
  });

  for (const cid of ["", "bafy", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"]) {
    it(`refuse ${JSON.stringify(cid)} as the CID of a record`, () => {
      expect(() => hashOfRecordCid(cid))
        .to.throw()
        .with.property("code", "RECORD_INVALID");
    });
  }
});
