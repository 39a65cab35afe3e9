import { expect } from "chai";

import {
  faultOfNext,
  faultOfResult,
  isGenesis,
  type RecordContext,
} from "../../../../src/domain/channel/record-rules.ts";
import { INBOX_PATIENCE_MS } from "../../../../src/domain/channel/inbox-patience.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../../../src/wire/channel/record.ts";
import { PUNISHMENT_REASONS } from "../../../../src/wire/channel/settlement.ts";

const last: RecordHeader = {
  channel: 1n,
  term: 2,
  height: 9,
  kind: 1,
  timeMs: 1_000,
  previous: ZERO_HASH,
  inputHash: EMPTY_HASH,
  touchedHash: EMPTY_HASH,
  writesHash: EMPTY_HASH,
  status: 1,
  gasUsed: 5,
  returnHash: EMPTY_HASH,
  stateRoot: ZERO_HASH,
  inboxCursor: 3,
};
const before = { header: last, hash: hashRecord(last) };
const next: RecordHeader = { ...last, height: 10, previous: before.hash };
const context: RecordContext = { term: 2, tickDueMs: undefined, nowMs: 1_000 };
const reasonOf = (changes: Partial<RecordHeader>, given: Partial<RecordContext> = {}): number | undefined =>
  faultOfNext(before, { ...next, ...changes }, { ...context, ...given })?.reason;
const { wrongOrder, forgedInput, wrongResult } = PUNISHMENT_REASONS;

describe("domain/channel/record-rules", () => {
  it("should take the record that follows", () => {
    expect(reasonOf({})).to.equal(undefined);
    expect(reasonOf({ timeMs: 1_001, kind: 3, inboxCursor: 4 })).to.equal(undefined);
    expect(reasonOf({ term: 3, kind: 5 }, { term: 3 })).to.equal(undefined);
  });

  it("should let a term begin with its election, whatever tick is due, and with nothing else", () => {
    expect(reasonOf({ term: 3 }, { term: 3 })).to.equal(wrongOrder);
    expect(reasonOf({ term: 3, kind: 3, inboxCursor: 4 }, { term: 3 })).to.equal(wrongOrder);
    expect(reasonOf({ kind: 5 })).to.equal(wrongOrder);
    expect(reasonOf({ term: 3, kind: 5, inboxCursor: 4 }, { term: 3 })).to.equal(wrongOrder);
    expect(reasonOf({ term: 3, kind: 5 }, { term: 3, tickDueMs: 1_000 })).to.equal(undefined);
  });

  it("should refuse another place", () => {
    const wrong: Partial<RecordHeader>[] = [
      { channel: 2n },
      { height: 9 },
      { height: 11 },
      { term: 1 },
      { term: 3 },
      { previous: ZERO_HASH },
      { kind: 0 },
    ];
    for (const changes of wrong) expect(reasonOf(changes), Object.keys(changes).join()).to.equal(wrongOrder);
    expect(reasonOf({ term: 1 }, { term: 1 })).to.equal(wrongOrder);
  });

  it("should refuse a time that falls or is far ahead", () => {
    expect(reasonOf({ timeMs: 999 })).to.equal(wrongOrder);
    expect(reasonOf({ timeMs: 16_000 })).to.equal(undefined);
    expect(reasonOf({ timeMs: 16_001 })).to.equal(wrongOrder);
  });

  it("should refuse entries of the inbox that are skipped, and a cursor that moves without one", () => {
    expect(reasonOf({ kind: 3 })).to.equal(wrongOrder);
    expect(reasonOf({ kind: 3, inboxCursor: 5 })).to.equal(wrongOrder);
    expect(reasonOf({ inboxCursor: 4 })).to.equal(wrongOrder);
  });

  it("should refuse a call half an hour past an entry of the inbox that waits", () => {
    const waiting = { index: 4, timeMs: 1_000 };
    const nowMs = 1_001 + INBOX_PATIENCE_MS;
    expect(reasonOf({ timeMs: nowMs }, { nowMs, waiting })).to.equal(wrongOrder);
    expect(reasonOf({ timeMs: nowMs - 1 }, { nowMs, waiting })).to.equal(undefined);
    expect(reasonOf({ timeMs: nowMs, kind: 3, inboxCursor: 4 }, { nowMs, waiting })).to.equal(undefined);
    expect(reasonOf({ timeMs: nowMs, kind: 2 }, { nowMs, waiting, tickDueMs: 1_000 })).to.equal(undefined);
  });

  it("should refuse a tick too early, and anything else past one that is due", () => {
    expect(reasonOf({ kind: 2 })).to.equal(wrongOrder);
    expect(reasonOf({ kind: 2 }, { tickDueMs: 1_001 })).to.equal(wrongOrder);
    expect(reasonOf({ kind: 2 }, { tickDueMs: 1_000 })).to.equal(undefined);
    expect(reasonOf({}, { tickDueMs: 1_000 })).to.equal(wrongOrder);
    expect(reasonOf({ kind: 2, inputHash: ZERO_HASH }, { tickDueMs: 1_000 })).to.equal(forgedInput);
  });

  it("should name a result that differs, whatever of it does", () => {
    expect(faultOfResult(next, next)).to.equal(undefined);
    const differing: Partial<RecordHeader>[] = [
      { status: 0 },
      { gasUsed: 6 },
      { touchedHash: ZERO_HASH },
      { writesHash: ZERO_HASH },
      { returnHash: ZERO_HASH },
      { stateRoot: EMPTY_HASH },
    ];
    for (const changes of differing) expect(faultOfResult(next, { ...next, ...changes })?.reason).to.equal(wrongResult);
  });

  it("should know record 0", () => {
    expect(isGenesis({ ...last, height: 0, kind: 0 })).to.equal(true);
    expect(isGenesis({ ...last, height: 0 })).to.equal(false);
  });
});
