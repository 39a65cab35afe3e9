import { expect } from "chai";
import fc from "fast-check";

import { deflate, inflateUpTo } from "../../../src/utils/deflate.ts";

describe("utils/deflate", () => {
  it("gives back what was compressed, if that is not more than asked for", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 2_000 }), (value) => {
        const bytes = new Uint8Array(value);
        expect(inflateUpTo(deflate(bytes), bytes.length)).to.deep.equal(bytes);
        expect(inflateUpTo(deflate(bytes), bytes.length - 1)).to.equal(undefined);
      }),
    );
  });

  it("makes nothing of a bomb, nor of bytes that were never compressed", () => {
    const bomb = deflate(new Uint8Array(8 * 1024 * 1024));
    expect(bomb.length).to.be.below(16 * 1024);
    expect(inflateUpTo(bomb, 1024 * 1024)).to.equal(undefined);
    expect(inflateUpTo(new Uint8Array([7, 7, 7]), 100)).to.equal(undefined);
  });
});
