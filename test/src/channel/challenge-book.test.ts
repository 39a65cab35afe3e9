import { expect } from "chai";

import { createChallengeBook } from "../../../src/channel/challenge-book.ts";
import type { RecordData } from "../../../src/ports/channel-challenges.ts";
import type { HubEvent } from "../../../src/ports/channel-hub.ts";
import { EMPTY_HASH, ZERO_HASH } from "../../../src/wire/channel/record.ts";
import type { Settlement } from "../../../src/wire/channel/settlement.ts";

const ALICE = `0x${"a1".repeat(20)}`;
const BOB = `0x${"b0".repeat(20)}`;
const settlement: Settlement = {
  channel: 1n,
  fromHeight: 0,
  toHeight: 9,
  timeMs: 1_000,
  head: EMPTY_HASH,
  recordsRoot: ZERO_HASH,
  stateRoot: ZERO_HASH,
  changesRoot: ZERO_HASH,
  inboxCursor: 1,
  mode: 0,
};
const proposed = (proposal: bigint): HubEvent => ({
  kind: "proposed",
  proposal,
  type: "settlement",
  proposer: ALICE,
  proposalHash: ZERO_HASH,
  settlement,
});
const passed = (proposal: bigint): HubEvent => ({ kind: "passed", proposal, finalAtSeconds: 7 });
const demanded = (proposal: bigint, member: string): HubEvent => ({
  kind: "demanded",
  proposal,
  member,
  range: { kind: "records", first: 3, last: 5 },
  deadlineSeconds: 600,
});
const record = (height: number): RecordData => ({
  header: {
    channel: 1n,
    term: 1,
    height,
    kind: 1,
    timeMs: 1,
    previous: ZERO_HASH,
    inputHash: EMPTY_HASH,
    touchedHash: EMPTY_HASH,
    writesHash: EMPTY_HASH,
    status: 1,
    gasUsed: 1,
    returnHash: EMPTY_HASH,
    stateRoot: ZERO_HASH,
    inboxCursor: 1,
  },
  input: new Uint8Array(),
  touched: new Uint8Array(),
  writes: new Uint8Array(),
  proof: [],
});

describe("channel/challenge-book", () => {
  it("should know what has passed until it is final or void", () => {
    const book = createChallengeBook();
    for (const event of [proposed(1n), proposed(2n)]) book.take(event);
    expect(book.inFlight).to.equal(undefined);
    book.take(passed(2n));
    expect(book.inFlight).to.deep.equal({ proposal: 2n, settlement });
    book.take({ kind: "voided", proposal: 2n });
    expect(book.inFlight).to.equal(undefined);
    book.take(passed(1n));
    const place = { proposal: 1n, height: 9, head: EMPTY_HASH, stateRoot: ZERO_HASH, inboxCursor: 1 };
    book.take({ kind: "settled", ...place });
    expect(book.inFlight).to.equal(undefined);
  });

  it("should keep the record 1 that a record 0 was shown with, and only the first of such pairs", () => {
    const book = createChallengeBook();
    for (const event of [proposed(1n), passed(1n)]) book.take(event);
    const [lone, pair, later] = [1, 2, 3].map((gasUsed) => {
      const shown = record(1);
      return { ...shown, header: { ...shown.header, gasUsed } };
    }) as [RecordData, RecordData, RecordData];
    book.take({ kind: "records-shown", proposal: 1n, records: [lone, record(2)] });
    expect(book.shown(1n).records.get(1)).to.equal(lone);
    const genesis = record(0);
    book.take({ kind: "records-shown", proposal: 1n, records: [genesis, pair] });
    book.take({ kind: "records-shown", proposal: 1n, records: [record(0), later] });
    const { records } = book.shown(1n);
    expect([records.get(0), records.get(1), records.size]).to.deep.equal([genesis, pair, 3]);
  });

  it("should know who waits for what, and what was shown, and forget it with the settlement", () => {
    const book = createChallengeBook();
    for (const event of [proposed(1n), passed(1n), demanded(1n, ALICE), demanded(1n, BOB)]) book.take(event);
    book.take({ kind: "records-shown", proposal: 1n, records: [record(3), record(4)] });
    book.take({ kind: "answered", proposal: 1n, member: ALICE, next: 5 });
    book.take({ kind: "answered", proposal: 1n, member: BOB, next: 6 });
    expect(book.demands.map(({ member, next }) => [member, next])).to.deep.equal([[ALICE, 5]]);
    expect([...book.shown(1n).records.keys()]).to.deep.equal([3, 4]);
    const changes = [{ slot: EMPTY_HASH, oldValue: ZERO_HASH, newValue: EMPTY_HASH }];
    const chunkHashes = [ZERO_HASH, EMPTY_HASH];
    book.take({ kind: "changes-shown", proposal: 1n, shown: { chunkHashes, first: 1, changes } });
    expect(book.shown(1n).chunkHashes).to.deep.equal(chunkHashes);
    expect([...book.shown(1n).chunks]).to.deep.equal([[1, changes]]);
    book.take({ kind: "voided", proposal: 1n });
    expect(book.demands).to.deep.equal([]);
    expect(book.shown(1n).records.size).to.equal(0);
  });

  it("should go on in a frozen channel with the highest that was brought, and with the one before when that is void", () => {
    const book = createChallengeBook();
    for (const event of [proposed(1n), passed(1n)]) book.take(event);
    book.take({ kind: "frozen", entryIndex: 3, endsAtSeconds: 9 });
    expect([book.inFlight, book.frozenBy]).to.deep.equal([undefined, 3]);
    for (const proposal of [2n, 3n]) {
      book.take(proposed(proposal));
      book.take({ kind: "brought", proposal, term: 1, height: Number(proposal), endsAtSeconds: 9 });
    }
    expect(book.inFlight?.proposal).to.equal(3n);
    book.take({ kind: "voided", proposal: 3n });
    expect(book.inFlight?.proposal).to.equal(2n);
    book.take({ kind: "closed" });
    expect([book.inFlight, book.isClosed]).to.deep.equal([undefined, true]);
  });
});
