import { expect } from "chai";
import fc from "fast-check";

import { merkleProof, merkleRoot, verifyMerkleProof } from "../../../../src/wire/channel/merkle.ts";
import { ZERO_HASH } from "../../../../src/wire/channel/record.ts";
import { changesRootOf, chunksOf, CHUNK_CHANGES, hashChunk } from "../../../../src/wire/channel/settlement.ts";
import { word } from "../../../helpers/channel-arbitraries.ts";

describe("wire/channel/merkle", () => {
  it("should prove each leaf, and no other", () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 40, selector: String }), word, (leaves, other) => {
        fc.pre(!leaves.some((leaf) => String(leaf) === String(other)));
        const root = merkleRoot(leaves);
        leaves.forEach((leaf, index) => {
          const proof = merkleProof(leaves, index);
          expect(verifyMerkleProof(root, leaf, proof)).to.equal(true);
          expect(verifyMerkleProof(root, other, proof)).to.equal(false);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("should have zeros for nothing, and the leaf itself for one", () => {
    const leaf = new Uint8Array(32).fill(3);
    expect(merkleRoot([])).to.deep.equal(ZERO_HASH);
    expect(merkleRoot([leaf])).to.deep.equal(leaf);
  });

  it("should cut changes into chunks, of which one is its own root", () => {
    const changes = Array.from({ length: CHUNK_CHANGES + 1 }, (_, i) => {
      const slot = new Uint8Array(32);
      slot[31] = i & 0xff;
      slot[30] = i >> 8;
      return { slot, oldValue: ZERO_HASH, newValue: slot };
    });
    const [first = [], second = []] = chunksOf(changes);
    expect([first.length, second.length]).to.deep.equal([CHUNK_CHANGES, 1]);
    expect(changesRootOf(first)).to.deep.equal(hashChunk(first));
    expect(changesRootOf(changes)).to.deep.equal(merkleRoot([hashChunk(first), hashChunk(second)]));
    expect(changesRootOf([])).to.deep.equal(ZERO_HASH);
  });
});
