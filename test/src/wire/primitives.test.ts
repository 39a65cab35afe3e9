import { expect } from "chai";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { base58btc } from "multiformats/bases/base58";

import { bytesOf, bytesUpTo, cidSchema, ledgerAddressSchema, uint64Schema } from "../../../src/wire/primitives.ts";
import { addressArbitrary, cidArbitrary, uint64Arbitrary } from "../../helpers/arbitraries.ts";

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown): boolean =>
  schema.safeParse(value).success;

describe("primitives of messages", () => {
  it("bytes have exactly one length, or at most one", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        expect(accepts(bytesOf(4), bytes)).to.equal(bytes.length === 4);
        expect(accepts(bytesUpTo(4), bytes)).to.equal(bytes.length <= 4);
      }),
    );
    for (const value of ["abcd", [1, 2, 3, 4], null, undefined, { length: 4 }]) {
      expect(accepts(bytesOf(4), value)).to.equal(false);
      expect(accepts(bytesUpTo(4), value)).to.equal(false);
    }
  });

  it("a CID is version 1 in base32 and nothing else", () => {
    fc.assert(
      fc.property(cidArbitrary, (cid) => {
        expect(accepts(cidSchema, cid)).to.equal(true);
        expect(accepts(cidSchema, cid.toUpperCase())).to.equal(false);
        expect(accepts(cidSchema, CID.parse(cid).toString(base58btc))).to.equal(false);
        expect(accepts(cidSchema, `${cid} `)).to.equal(false);
      }),
      { numRuns: 30 },
    );
    for (const cid of ["", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", 5, "b".repeat(64)]) {
      expect(accepts(cidSchema, cid)).to.equal(false);
    }
  });

  it("an address has a right checksum", () => {
    fc.assert(
      fc.property(addressArbitrary, fc.nat({ max: 55 }), (address, at) => {
        expect(accepts(ledgerAddressSchema, address)).to.equal(true);
        const other = address[at] === "A" ? "B" : "A";
        expect(accepts(ledgerAddressSchema, address.slice(0, at) + other + address.slice(at + 1))).to.equal(false);
      }),
      { numRuns: 30 },
    );
  });

  it("an unsigned 64-bit integer is a bigint, however it came", () => {
    fc.assert(
      fc.property(uint64Arbitrary, (value) => {
        expect(uint64Schema.parse(value)).to.equal(value);
        if (value <= Number.MAX_SAFE_INTEGER) expect(uint64Schema.parse(Number(value))).to.equal(value);
      }),
    );
    for (const value of [-1, -1n, 2n ** 64n, 1.5, Number.NaN, 2 ** 53, "1", null]) {
      expect(accepts(uint64Schema, value), String(value)).to.equal(false);
    }
  });
});
