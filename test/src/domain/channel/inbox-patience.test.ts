import { expect } from "chai";
import fc from "fast-check";

import {
  INBOX_PATIENCE_MS,
  isBeyondSight,
  isCutOff,
  isPastEntry,
  LEADER_MARGIN_MS,
} from "../../../../src/domain/channel/inbox-patience.ts";
import { RECORD_KINDS } from "../../../../src/wire/channel/record.ts";

const KINDS = Object.values(RECORD_KINDS);
const USERS: readonly number[] = [RECORD_KINDS.call, RECORD_KINDS.session];
const times = fc.integer({ min: 0, max: 4 * INBOX_PATIENCE_MS });

describe("domain/channel/inbox-patience", () => {
  it("should hold a call or session against an entry half an hour older, and nothing else", () => {
    const entry = { index: 4, timeMs: 5_000 };
    const late = { timeMs: 5_001 + INBOX_PATIENCE_MS, inboxCursor: 3 };
    for (const kind of KINDS) expect(isPastEntry({ ...late, kind }, entry)).to.equal(USERS.includes(kind));
    expect(isPastEntry({ ...late, kind: 1, timeMs: late.timeMs - 1 }, entry)).to.equal(false);
    expect(isPastEntry({ ...late, kind: 1, inboxCursor: 4 }, entry)).to.equal(false);
  });

  it("should convict nobody who takes what it has seen first and stops when it is cut off, nor have anybody ack it", () => {
    const run = fc.record({ seenMs: times, entryMs: times, timeMs: times, kind: fc.constantFrom(...KINDS) });
    fc.assert(
      fc.property(run, ({ seenMs, entryMs, timeMs, kind }) => {
        const entry = { index: 1, timeMs: entryMs };
        // What is of a block that was seen is taken before any call.
        const inboxCursor = entryMs < seenMs ? 1 : 0;
        const record = { kind, timeMs, inboxCursor };
        const isConvicted = isPastEntry(record, entry);
        if (!isCutOff(timeMs, seenMs)) expect(isConvicted).to.equal(false);
        if (!isBeyondSight(record, seenMs)) expect(isConvicted).to.equal(false);
        // Followers take what a leader may sign, also when they have seen less.
        if (!isCutOff(timeMs, seenMs)) expect(isBeyondSight(record, seenMs - LEADER_MARGIN_MS)).to.equal(false);
      }),
    );
  });
});
