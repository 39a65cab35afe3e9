import { readFileSync } from "node:fs";

import { expect } from "chai";
import { ZeroHash } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";
import { z } from "zod";

import { createStateTree } from "../../../src/channel/sandbox/state-tree.ts";
import {
  commonBits,
  NO_OPENING,
  pathOf,
  type SlotOpening,
  type SlotProof,
  StateTreeModel,
  word,
} from "../../helpers/state-tree-model.ts";

const { ethers } = await network.create();
const libraries = await ethers.deployContract("ChannelLibraries");

const CLOSE_BITS = 18;
const VECTORS = z.array(
  z.object({
    name: z.string(),
    root: z.string(),
    proofs: z.array(
      z.object({
        slot: z.string(),
        value: z.string().nullable(),
        siblings: z.array(z.string()),
        terminal: z.tuple([z.string(), z.string()]).nullable(),
      }),
    ),
  }),
);

/** Slots whose ways part late, and some others. */
const SLOTS = ((): string[] => {
  const candidates = Array.from({ length: 1_500 }, (_, index) => word(BigInt(index)));
  const sorted = candidates.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  const close = sorted.flatMap((slot, index) => {
    const next = sorted[index + 1];
    return next !== undefined && commonBits(pathOf(slot), pathOf(next)) >= CLOSE_BITS ? [slot, next] : [];
  });
  if (close.length < 6) throw new Error("no slots are close to each other");
  return [...new Set([...close.slice(0, 12), ...candidates.slice(0, 20)])];
})();

const slots = fc.constantFrom(...SLOTS);
/** Zero, which removes a slot, as often as not. */
const values = fc.oneof(fc.constant(ZeroHash), fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }).map(word));
const histories = fc.array(fc.tuple(slots, values), { minLength: 1, maxLength: 40 });

function treeOf(history: readonly (readonly [string, string])[]): StateTreeModel {
  const tree = new StateTreeModel();
  for (const [slot, value] of history) tree.set(slot, value);
  return tree;
}

async function valueOf(root: string, slot: string, proof: SlotProof): Promise<string> {
  return await libraries.slotValue(root, slot, proof);
}

describe("StateTree", () => {
  it("should lead from root to root as each slot is inserted, altered and removed", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const tree = new StateTreeModel();
        let root = ZeroHash;
        for (const [slot, value] of history) {
          const proof = tree.prove(slot);
          root = await libraries.updatedRoot(root, slot, value, proof, tree.open(slot));
          tree.set(slot, value);
          expect(root).to.equal(tree.root());
        }
      }),
      { numRuns: 25 },
    );
  });

  it("should have one root for a state, however it came about", async () => {
    const all = treeOf(SLOTS.map((slot, index) => [slot, word(BigInt(index) + 1n)]));
    let root = all.root();
    for (const slot of SLOTS.toReversed()) {
      root = await libraries.updatedRoot(root, slot, ZeroHash, all.prove(slot), all.open(slot));
      all.set(slot, ZeroHash);
    }
    expect(root).to.equal(ZeroHash);
  });

  it("should show each slot's value, and that a slot has none", async () => {
    await fc.assert(
      fc.asyncProperty(histories, slots, async (history, slot) => {
        const expected = new Map(history).get(slot) ?? ZeroHash;
        const tree = treeOf(history);
        expect(await valueOf(tree.root(), slot, tree.prove(slot))).to.equal(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("should refuse a proof that is altered anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(histories, slots, fc.nat(), fc.nat({ max: 255 }), async (history, slot, place, bit) => {
        const tree = treeOf(history);
        const proof = tree.prove(slot);
        const words = [...proof.siblings, ...(proof.leafValue === ZeroHash ? [] : [proof.leafPath, proof.leafValue])];
        fc.pre(words.length > 0);
        const index = place % words.length;
        const altered = words.map((one, at) => (at === index ? word(BigInt(one) ^ (1n << BigInt(bit))) : one));
        const siblings = altered.slice(0, proof.siblings.length);
        const [leafPath = ZeroHash, leafValue = ZeroHash] = altered.slice(proof.siblings.length);
        await expect(valueOf(tree.root(), slot, { siblings, leafPath, leafValue })).to.be.revert(ethers);
      }),
      { numRuns: 60 },
    );
  });

  it("should refuse another slot's leaf as proof that a slot has no value", async () => {
    const [first, second] = [word(1n), word(2n)];
    const tree = treeOf([first, second].map((slot) => [slot, word(7n)]));
    await expect(libraries.slotValue(tree.root(), first, tree.prove(second)))
      .to.be.revertedWithCustomError(libraries, "StateTree_WrongPath")
      .withArgs(first);
    await expect(libraries.slotValue(word(9n), first, tree.prove(first)))
      .to.be.revertedWithCustomError(libraries, "StateTree_WrongRoot")
      .withArgs(word(9n), tree.root());
    const endless = { ...tree.prove(first), siblings: Array.from({ length: 257 }, () => ZeroHash) };
    await expect(libraries.slotValue(tree.root(), first, endless)).to.be.revertedWithCustomError(
      libraries,
      "StateTree_WrongPath",
    );
  });

  it("should not take a leaf for an inner node, nor the other way round, when a slot goes", async () => {
    const tree = treeOf(SLOTS.slice(0, 20).map((slot) => [slot, word(7n)]));
    const kinds = new Set<boolean>();
    for (const slot of SLOTS.slice(0, 20)) {
      const [proof, opening] = [tree.prove(slot), tree.open(slot)];
      kinds.add(opening.isLeaf);
      const lies: SlotOpening[] = [
        { ...opening, isLeaf: !opening.isLeaf },
        { ...opening, first: word(3n) },
        NO_OPENING,
      ];
      for (const lie of lies) {
        await expect(libraries.updatedRoot(tree.root(), slot, ZeroHash, proof, lie)).to.be.revertedWithCustomError(
          libraries,
          "StateTree_WrongOpening",
        );
      }
    }
    expect(kinds.size).to.equal(2);
  });

  it("should take the proofs that nodes make", async () => {
    const tree = createStateTree();
    const inTree = SLOTS.filter((_, index) => index % 3 !== 0);
    for (const [index, slot] of inTree.entries()) {
      tree.set(ethers.getBytes(pathOf(slot)), ethers.getBytes(word(BigInt(index) + 1n)));
    }
    const root = ethers.hexlify(tree.root());
    for (const slot of SLOTS) {
      const { siblings, terminal } = tree.prove(ethers.getBytes(pathOf(slot)));
      const proof: SlotProof = {
        siblings: siblings.map((sibling) => ethers.hexlify(sibling)),
        leafPath: terminal === undefined ? ZeroHash : ethers.hexlify(terminal.path),
        leafValue: terminal === undefined ? ZeroHash : ethers.hexlify(terminal.value),
      };
      expect(await valueOf(root, slot, proof)).to.equal(word(BigInt(inTree.indexOf(slot)) + 1n));
    }
  });

  it("should take the proofs of the test vectors", async () => {
    const vectors = VECTORS.parse(JSON.parse(readFileSync("test/vectors/channels/state-tree.json", "utf8")));
    expect(vectors.length).to.be.above(2);
    for (const { name, root, proofs } of vectors) {
      for (const { slot, value, siblings, terminal } of proofs) {
        const [leafPath, leafValue] = terminal ?? [ZeroHash, ZeroHash];
        expect(await valueOf(root, slot, { siblings, leafPath, leafValue }), name).to.equal(value ?? ZeroHash);
      }
    }
  });

  it("should leave the root as it is when nothing is removed", async () => {
    const tree = treeOf([[word(1n), word(7n)]]);
    for (const slot of [word(2n), word(3n)]) {
      expect(await libraries.updatedRoot(tree.root(), slot, ZeroHash, tree.prove(slot), NO_OPENING)).to.equal(
        tree.root(),
      );
    }
  });
});
