import { expect } from "chai";
import fc from "fast-check";

import {
  createStateTree,
  leafHash,
  type StateProof,
  type StateTree,
} from "../../../../src/channel/sandbox/state-tree.ts";
import { verifyStateProof } from "../../../../src/channel/sandbox/verify-state-proof.ts";
import { concatBytes, fromHex, toHex } from "../../../../src/utils/bytes.ts";
import { keccak256 } from "../../../../src/utils/keccak.ts";
import vectors from "../../../vectors/channels/state-tree.json" with { type: "json" };
import { bitsOf, naiveRoot } from "../../../helpers/naive-state-tree.ts";

/** Of few bits, so that paths meet deep in the tree: the first byte, a middle one and the last bit differ. */
const path = fc
  .tuple(fc.constantFrom(0, 0, 1, 128, 255), fc.constantFrom(0, 3, 255), fc.constantFrom(0, 1))
  .map(([first, middle, last]) => {
    const bytes = new Uint8Array(32);
    [bytes[0], bytes[3], bytes[31]] = [first, middle, last];
    return bytes;
  });
const anyPath = fc.oneof(path, fc.uint8Array({ minLength: 32, maxLength: 32 }));
const value = fc.integer({ min: 1, max: 3 }).map((last) => new Uint8Array(32).fill(last));
/** A third of them remove what may not be there. */
const changes = fc.array(fc.tuple(anyPath, fc.option(value, { nil: undefined, freq: 2 })), { maxLength: 60 });

type Changes = readonly (readonly [Uint8Array, Uint8Array | undefined])[];

describe("the state tree", () => {
  it("should have the root that its specification says, after every change", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const tree = createStateTree();
        for (let count = 1; count <= list.length; count++) {
          play(tree, list.slice(count - 1, count));
          expect(toHex(tree.root())).to.equal(toHex(naiveRoot(leavesAfter(list.slice(0, count)))));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("should have the same root whatever the order, and however many changes it is asked after", () => {
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (list, order) => {
        const last = [...new Map(list.map(([at, to]) => [toHex(at), [at, to] as const])).values()];
        const shuffled = last
          .map((change) => ({ change, key: order.next().value as number }))
          .sort((a, b) => a.key - b.key);
        const [one, other] = [createStateTree(), createStateTree()];
        play(one, list);
        play(
          other,
          shuffled.map(({ change }) => change),
        );
        expect(toHex(other.root())).to.equal(toHex(one.root()));
      }),
    );
  });

  it("should be empty again when everything is removed", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const tree = createStateTree();
        play(tree, list);
        tree.root();
        play(
          tree,
          list.map(([at]) => [at, undefined]),
        );
        expect(toHex(tree.root())).to.equal("00".repeat(32));
      }),
    );
  });

  it("should prove what is there and what is not, and nothing else", () => {
    fc.assert(
      fc.property(changes, anyPath, value, fc.nat(), (list, asked, wrong, pick) => {
        const tree = createStateTree();
        play(tree, list);
        const root = tree.root();
        const held = new Map(leavesAfter(list));
        const proof = tree.prove(asked);
        const there = held.get(bitsOf(asked));
        expect(verifyStateProof(root, asked, there, proof)).to.equal(true);
        const claims = [undefined, wrong].filter((claim) => (claim && toHex(claim)) !== (there && toHex(there)));
        for (const claim of claims) {
          expect(verifyStateProof(root, asked, claim, proof)).to.equal(false);
          // No proof of another path shows it, either.
          for (const [other] of list.slice(0, 5))
            expect(verifyStateProof(root, asked, claim, tree.prove(other))).to.equal(false);
        }
        for (const bent of bend(proof, pick)) expect(verifyStateProof(root, asked, there, bent)).to.equal(false);
      }),
    );
  });

  it("should not prove that a path is empty by a leaf that lies where it never should, whatever the root", () => {
    const [left, right] = [new Uint8Array(32), new Uint8Array(32).fill(255)];
    const held = new Uint8Array(32).fill(1);
    const terminal = { path: right, value: held };
    const siblings = [new Uint8Array(32).fill(9)];
    const root = keccak256(concatBytes(leafHash(right, held), siblings[0]!));
    expect(verifyStateProof(root, left, undefined, { siblings, terminal })).to.equal(false);
  });

  it("should keep what it told when numbers of nodes are used again and room is made for more", () => {
    const tree = createStateTree();
    const slots = Array.from({ length: 3_000 }, (_, index) => keccak256(Uint8Array.of(index >> 8, index)));
    const first = new Uint8Array(32).fill(1);
    for (const slot of slots) tree.set(slot, first);
    for (const slot of slots.slice(500)) tree.set(slot, undefined);
    for (const slot of slots.slice(1_000, 1_200)) tree.set(slot, first);
    const held = [...slots.slice(0, 500), ...slots.slice(1_000, 1_200)];
    expect(toHex(tree.root())).to.equal(toHex(naiveRoot(held.map((slot) => [bitsOf(slot), first] as const))));
  });

  for (const { name, slots, root, proofs } of vectors) {
    it(`should come to the vector "${name}"`, () => {
      const tree = createStateTree();
      for (const [slot = "", held = ""] of slots) tree.set(keccak256(fromHex(slot)), fromHex(held));
      expect(`0x${toHex(tree.root())}`).to.equal(root);
      for (const { slot, value: held, siblings, terminal } of proofs) {
        const proof = tree.prove(keccak256(fromHex(slot)));
        expect(proof.siblings.map((each) => `0x${toHex(each)}`)).to.deep.equal(siblings);
        const end = proof.terminal && [proof.terminal.path, proof.terminal.value].map((each) => `0x${toHex(each)}`);
        expect(end ?? null).to.deep.equal(terminal);
        const claim = held === null ? undefined : fromHex(held);
        expect(verifyStateProof(fromHex(root), keccak256(fromHex(slot)), claim, proof)).to.equal(true);
      }
    });
  }
});

function play(tree: StateTree, list: Changes): void {
  for (const [at, to] of list) tree.set(at, to);
}

function leavesAfter(list: Changes): (readonly [string, Uint8Array])[] {
  const held = new Map<string, Uint8Array | undefined>();
  for (const [at, to] of list) held.set(bitsOf(at), to);
  return [...held].flatMap(([bits, to]) => (to === undefined ? [] : [[bits, to] as const]));
}

/** The proof with one thing wrong: a hash, their number, the leaf. */
function bend(proof: StateProof, pick: number): StateProof[] {
  const { siblings, terminal } = proof;
  const bent: StateProof[] = [{ ...proof, siblings: [...siblings, new Uint8Array(32)] }];
  if (siblings.length > 0) {
    const index = pick % siblings.length;
    bent.push({ ...proof, siblings: siblings.toSpliced(index, 1) });
    bent.push({ ...proof, siblings: siblings.with(index, keccak256(siblings[index]!)) });
  }
  if (terminal !== undefined) {
    bent.push({ ...proof, terminal: { ...terminal, value: keccak256(terminal.value) } });
    bent.push({ siblings });
  }
  return bent;
}
