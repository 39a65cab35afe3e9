import { expect } from "chai";
import { concat, keccak256, toBeHex, ZeroHash } from "ethers";
import { network } from "hardhat";

const { ethers } = await network.create();
const libraries = await ethers.deployContract("ChannelLibraries");

const CHUNK = 256;

interface Change {
  readonly slot: string;
  readonly oldValue: string;
  readonly newValue: string;
}

function changesOf(count: number): Change[] {
  return Array.from({ length: count }, (_, index) => ({
    slot: word(3n * BigInt(index)),
    oldValue: word(BigInt(index)),
    newValue: word(BigInt(index) + 1n),
  }));
}

function word(value: bigint): string {
  return toBeHex(value, 32);
}

/** As the definition reads: pairs in ascending order, a node without a partner carried up. */
function rootOf(nodes: readonly string[]): string {
  const [only, second] = nodes;
  if (only === undefined) return ZeroHash;
  if (second === undefined) return only;
  const above: string[] = [];
  for (let i = 0; i < nodes.length; i += 2) above.push(keccak256(concat(nodes.slice(i, i + 2).toSorted())));
  if (nodes.length % 2 === 1) above[above.length - 1] = nodes.at(-1) ?? ZeroHash;
  return rootOf(above);
}

describe("ChangeSets", () => {
  it("should be the Merkle root over chunks of 256 changes", async () => {
    for (const count of [0, 1, 255, 256, 257, 512, 600, 1_025]) {
      const changes = changesOf(count);
      const hashes: string[] = [];
      for (let i = 0; i < count; i += CHUNK) {
        const chunk = changes.slice(i, i + CHUNK);
        hashes.push(keccak256(concat(chunk.flatMap(({ slot, oldValue, newValue }) => [slot, oldValue, newValue]))));
      }
      expect([...(await libraries.chunkHashes(changes))], `${count}`).to.deep.equal(hashes);
      expect(await libraries.changesRoot(changes), `${count}`).to.equal(rootOf(hashes));
    }
  });

  it("should refuse slots that are not in ascending order, or twice there", async () => {
    for (const [index, slot] of [
      [1, word(0n)],
      [299, word(3n * 298n)],
      [200, word(1n)],
    ] as const) {
      const changes = changesOf(300).map((change, at) => (at === index ? { ...change, slot } : change));
      await expect(libraries.changesRoot(changes))
        .to.be.revertedWithCustomError(libraries, "ChangeSets_Unsorted")
        .withArgs(slot);
    }
  });
});

describe("MerkleRoots", () => {
  it("should be the root for every number of leaves", async () => {
    for (let count = 0; count <= 33; count++) {
      const leaves = Array.from({ length: count }, (_, index) => keccak256(word(BigInt(index))));
      expect(await libraries.merkleRoot(leaves), `${count}`).to.equal(rootOf(leaves));
    }
  });
});
