import { expect } from "chai";
import fc from "fast-check";

import { createUnsettled, type UnsettledRecord } from "../../../src/channel/unsettled.ts";
import { createChangeSet, settlementOf } from "../../../src/domain/channel/settle.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { hashSettlement } from "../../../src/wire/channel/settlement.ts";
import { toHex } from "../../../src/utils/bytes.ts";

const word = (value: number): Uint8Array => new Uint8Array(32).fill(value);

function recordOf(height: number, writes: ReadonlyArray<readonly [number, number, number]>): UnsettledRecord {
  const header: RecordHeader = {
    channel: 1n,
    term: 1,
    height,
    kind: 1,
    timeMs: height,
    previous: ZERO_HASH,
    inputHash: EMPTY_HASH,
    touchedHash: EMPTY_HASH,
    writesHash: EMPTY_HASH,
    status: 1,
    gasUsed: 0,
    returnHash: EMPTY_HASH,
    stateRoot: word(height),
    inboxCursor: 0,
  };
  const touched = writes.map(([slot, before, after]) => ({
    slot: word(slot),
    before: word(before),
    after: word(after),
  }));
  return { header, hash: hashRecord(header), touched };
}

/** Records 0 to `count`, each writing one of a few slots. */
function recordsOf(count: number, seed: number): UnsettledRecord[] {
  const state = new Map<number, number>();
  return Array.from({ length: count + 1 }, (_, height) => {
    const slot = (height * 7 + seed) % 4;
    const [before, after] = [state.get(slot) ?? 0, (height * 3 + seed) % 5];
    state.set(slot, after);
    return recordOf(height, [[slot, before, after]]);
  });
}

/** The settlement as it is by its definition. */
function expected(records: readonly UnsettledRecord[], fromHeight: number, toHeight: number): string {
  const set = createChangeSet();
  const some = records.filter(
    ({ header }) => header.height <= toHeight && (fromHeight === 0 || header.height > fromHeight),
  );
  for (const { touched } of some) set.add(touched);
  const recordHashes = records.slice(fromHeight + 1, toHeight + 1).map(({ hash }) => hash);
  const { header, hash } = records[toHeight]!;
  return toHex(
    hashSettlement(settlementOf({ fromHeight, header, head: hash, recordHashes, changes: set.changes(), mode: 0 })),
  );
}

describe("channel/unsettled", () => {
  it("should come to the same settlement, whatever was put together, marked, taken back or settled before", () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.integer({ min: 6, max: 30 }),
        fc.infiniteStream(fc.nat(100)),
        (seed, count, random) => {
          const records = recordsOf(count, seed);
          const next = (below: number): number => (random.next().value ?? 0) % below;
          const unsettled = createUnsettled({ fromHeight: 0 });
          let folded = -1;
          for (const record of records) {
            unsettled.add(record);
            if (next(4) === 0 && record.header.height > folded + 2) {
              // Taken back and played again.
              unsettled.revertTo(record.header.height - 1);
              unsettled.add(record);
            }
            if (next(3) === 0) unsettled.fold((folded = Math.max(folded, record.header.height - 3)));
          }
          const middle = Math.max(1, folded + 1);
          unsettled.mark(middle);
          unsettled.fold(count - 1);
          const first = unsettled.settlementTo(middle, 0)!;
          expect(toHex(hashSettlement(first.settlement))).to.equal(expected(records, 0, middle));
          unsettled.settled(middle);
          expect(unsettled.settlementTo(middle, 0)).to.equal(undefined);
          if (middle === count) return;
          const second = unsettled.settlementTo(count, 0)!;
          expect(toHex(hashSettlement(second.settlement))).to.equal(expected(records, middle, count));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("should not change a settlement that it has given, whatever it forgets or takes on afterwards", () => {
    const records = recordsOf(4, 1);
    const unsettled = createUnsettled({ fromHeight: 0 });
    for (const record of records.slice(0, 4)) unsettled.add(record);
    const { settlement } = unsettled.settlementTo(1, 0)!;
    const before = toHex(hashSettlement(settlement));
    unsettled.settled(1);
    unsettled.add(records[4]!);
    expect(toHex(hashSettlement(settlement))).to.equal(before);
  });

  it("should settle to no height that is not there, or was put together with later ones", () => {
    const records = recordsOf(10, 1);
    const unsettled = createUnsettled({ fromHeight: 0 });
    for (const record of records) unsettled.add(record);
    unsettled.fold(6);
    expect(unsettled.settlementTo(11, 0)).to.equal(undefined);
    expect(unsettled.settlementTo(5, 0)).to.equal(undefined);
    expect(unsettled.settlementTo(7, 0)).to.not.equal(undefined);
  });
});
