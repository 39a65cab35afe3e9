import { expect } from "chai";
import fc from "fast-check";

import {
  changesFault,
  headFault,
  INCLUSION_MS,
  isSkipped,
  type OwnSettlement,
} from "../../../../src/domain/channel/settlement-faults.ts";
import { settlementOf } from "../../../../src/domain/channel/settle.ts";
import { equalBytes, toHex } from "../../../../src/utils/bytes.ts";
import { merkleRoot, verifyMerkleProof } from "../../../../src/wire/channel/merkle.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../../../src/wire/channel/record.ts";
import { changesRootOf, chunksOf, hashChunk, type Change } from "../../../../src/wire/channel/settlement.ts";

const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, value);
  return bytes;
};
/** Every third number is a slot, so that there is room between them. */
const changesOf = (count: number): Change[] =>
  Array.from({ length: count }, (_, index) => ({
    slot: word(3 * index + 2),
    oldValue: ZERO_HASH,
    newValue: word(index + 1),
  }));

/** What a node sees that asks for chunks until it knows a fault. */
function find(own: readonly Change[], theirs: readonly Change[]) {
  const chunks = chunksOf(theirs);
  const seen = { chunkHashes: undefined as Uint8Array[] | undefined, chunks: new Map<number, Change[]>() };
  for (let asked = 0; asked < 5; asked += 1) {
    const fault = changesFault(changesRootOf(theirs), own, seen);
    if (fault?.kind !== "unseen") return fault;
    seen.chunkHashes = chunks.map(hashChunk);
    seen.chunks.set(fault.chunk, chunks[fault.chunk]!);
  }
  throw new Error("it asked for more chunks than there are");
}

describe("domain/channel/settlement-faults", () => {
  it("should find in any other changes one that is wrong or left out, as the hub can see it", () => {
    const run = fc.record({
      count: fc.integer({ min: 0, max: 700 }),
      removed: fc.array(fc.nat(), { maxLength: 3 }),
      altered: fc.array(fc.nat(), { maxLength: 2 }),
      added: fc.array(fc.integer({ min: 0, max: 2_200 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(run, ({ count, removed, altered, added }) => {
        const own = changesOf(count);
        const at = (index: number): number => index % Math.max(1, count);
        const bySlot = new Map(own.map((change) => [toHex(change.slot), change]));
        for (const index of altered) {
          const change = own[at(index)];
          if (change !== undefined) bySlot.set(toHex(change.slot), { ...change, newValue: word(9_999) });
        }
        for (const index of removed) bySlot.delete(toHex(own[at(index)]?.slot ?? word(0)));
        for (const slot of added) {
          const change = { slot: word(slot), oldValue: ZERO_HASH, newValue: word(7_777) };
          if (!bySlot.has(toHex(change.slot))) bySlot.set(toHex(change.slot), change);
        }
        const theirs = [...bySlot.values()].sort((a, b) => Buffer.compare(a.slot, b.slot));
        if (equalBytes(changesRootOf(own), changesRootOf(theirs))) return;
        const fault = find(own, theirs);
        if (fault === undefined) throw new Error("nothing was found");
        const { part, slot } = fault;
        const hashes = chunksOf(theirs).map(hashChunk);
        expect(merkleRoot(part.chunkHashes)).to.deep.equal(merkleRoot(hashes));
        for (const [index, chunk] of chunksOf(part.changes).entries()) {
          expect(hashChunk(chunk)).to.deep.equal(part.chunkHashes[part.first + index]);
        }
        const mine = own.find((change) => equalBytes(change.slot, slot));
        const shown = part.changes.find((change) => equalBytes(change.slot, slot));
        expect(mine).to.not.deep.equal(shown);
        if (fault.kind === "change") {
          expect(part.changes[fault.index]?.slot).to.deep.equal(slot);
          return;
        }
        expect(shown).to.equal(undefined);
        // As ChannelFaults finds whether the slot would be in this part.
        const isAll = part.first === 0 && chunksOf(part.changes).length === part.chunkHashes.length;
        const isWithin =
          part.changes.length > 0 &&
          Buffer.compare(part.changes[0]!.slot, slot) < 0 &&
          Buffer.compare(part.changes.at(-1)!.slot, slot) > 0;
        expect(isAll || isWithin).to.equal(true);
      }),
    );
  });

  const header: RecordHeader = {
    channel: 1n,
    term: 1,
    height: 3,
    kind: 1,
    timeMs: 1_000,
    previous: word(2),
    inputHash: EMPTY_HASH,
    touchedHash: EMPTY_HASH,
    writesHash: EMPTY_HASH,
    status: 1,
    gasUsed: 5,
    returnHash: EMPTY_HASH,
    stateRoot: word(4),
    inboxCursor: 3,
  };
  const recordHashes = [word(1), word(2), hashRecord(header)];
  const own: OwnSettlement = {
    settlement: settlementOf({ fromHeight: 0, header, head: hashRecord(header), recordHashes, changes: [], mode: 0 }),
    header,
    recordHashes,
    changes: [],
  };
  const { settlement } = own;

  it("should show a head of which something else is said, and one among the records in whose place another is", () => {
    expect(headFault(settlement, own)).to.equal(undefined);
    for (const changes of [{ timeMs: 9 }, { stateRoot: word(5) }, { inboxCursor: 2 }]) {
      expect(headFault({ ...settlement, ...changes }, own)).to.deep.equal({ kind: "head", header, siblings: [] });
    }
    const fault = headFault({ ...settlement, head: word(8) }, own)!;
    expect(verifyMerkleProof(settlement.recordsRoot, hashRecord(fault.header), fault.siblings)).to.equal(true);
    // Of other records nothing is known yet.
    expect(headFault({ ...settlement, head: word(8), recordsRoot: word(9) }, own)).to.equal(undefined);
  });

  it("should find an entry skipped only when it is older by more than ten minutes", () => {
    const entry = { index: 4, timeMs: 1_000 };
    const timeMs = 1_001 + INCLUSION_MS;
    expect(isSkipped({ ...settlement, timeMs }, entry)).to.equal(true);
    expect(isSkipped({ ...settlement, timeMs: timeMs - 1 }, entry)).to.equal(false);
    expect(isSkipped({ ...settlement, timeMs, inboxCursor: 4 }, entry)).to.equal(false);
  });
});
