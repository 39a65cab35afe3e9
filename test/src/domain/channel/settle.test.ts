import { expect } from "chai";
import fc from "fast-check";

import { createChangeSet, settlementOf } from "../../../../src/domain/channel/settle.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import { merkleRoot } from "../../../../src/wire/channel/merkle.ts";
import type { TouchedSlot } from "../../../../src/wire/channel/record.ts";
import { changesRootOf } from "../../../../src/wire/channel/settlement.ts";
import { header, word } from "../../../helpers/channel-arbitraries.ts";

const bytes = (value: number): Uint8Array => new Uint8Array(32).fill(value);

describe("domain/channel/settle", () => {
  it("should come to what is different between the first and the last record, in order of slots", () => {
    const step = fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        const state = new Map<number, number>();
        const set = createChangeSet();
        for (const writes of steps) {
          const touched = new Map<number, TouchedSlot>();
          for (const [slot, value] of writes) {
            const before = touched.get(slot)?.before ?? bytes(state.get(slot) ?? 0);
            touched.set(slot, { slot: bytes(slot), before, after: bytes(value) });
          }
          for (const [slot, value] of writes) state.set(slot, value);
          set.add([...touched.values()]);
        }
        const expected = [...state]
          .filter(([, value]) => value !== 0)
          .sort(([a], [b]) => a - b)
          .map(([slot, value]) => [slot, 0, value]);
        const changes = set.changes().map((change) => [change.slot[0], change.oldValue[0], change.newValue[0]]);
        expect(changes).to.deep.equal(expected);
      }),
    );
  });

  it("should say what the last record says", () => {
    fc.assert(
      fc.property(header, word, fc.array(word), (last, hash, recordHashes) => {
        const changes = [{ slot: bytes(1), oldValue: bytes(0), newValue: bytes(2) }];
        const settlement = settlementOf({ fromHeight: 3, header: last, head: hash, recordHashes, changes, mode: 0 });
        expect(settlement).to.include({ fromHeight: 3, toHeight: last.height, timeMs: last.timeMs, mode: 0 });
        expect(toHex(settlement.recordsRoot)).to.equal(toHex(merkleRoot(recordHashes)));
        expect(toHex(settlement.changesRoot)).to.equal(toHex(changesRootOf(changes)));
        expect(settlement.stateRoot).to.equal(last.stateRoot);
      }),
      { numRuns: 20 },
    );
  });
});
