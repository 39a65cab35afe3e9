import { expect } from "chai";
import fc from "fast-check";

import { concatBytes, equalBytes, fromHex, toHex, utf8 } from "../../../src/utils/bytes.ts";

const BYTES = fc.uint8Array({ maxLength: 64 });

describe("bytes", () => {
  it("come back from hex as they went, with or without 0x", () => {
    fc.assert(
      fc.property(BYTES, (bytes) => {
        expect(fromHex(toHex(bytes))).to.deep.equal(bytes);
        expect(fromHex(`0x${toHex(bytes).toUpperCase()}`)).to.deep.equal(bytes);
      }),
    );
  });

  it("in hex are those of a view alone, not of the buffer behind it", () => {
    expect(toHex(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).to.equal("0203");
  });

  for (const text of ["0", "0x0", "zz", "00zz", "0x0x00", "00 00", "0X00"]) {
    it(`are not read from ${JSON.stringify(text)}`, () => {
      expect(() => fromHex(text))
        .to.throw()
        .with.property("code", "INVALID_INPUT");
    });
  }

  it("are equal when each is", () => {
    fc.assert(
      fc.property(BYTES, BYTES, (a, b) => {
        expect(equalBytes(a, new Uint8Array(a))).to.equal(true);
        expect(equalBytes(a, b)).to.equal(toHex(a) === toHex(b));
      }),
    );
  });

  it("are joined in order into an array of its own", () => {
    fc.assert(
      fc.property(fc.array(BYTES, { maxLength: 4 }), (parts) => {
        const joined = concatBytes(...parts);
        expect([...joined]).to.deep.equal(parts.flatMap((part) => [...part]));
        expect(joined.buffer.byteLength).to.equal(joined.length);
      }),
    );
  });

  it("of a text are its UTF-8", () => {
    expect(toHex(utf8("é"))).to.equal("c3a9");
  });
});
