import { expect } from "chai";

import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import type { ChannelNews } from "../../../src/channel/core.ts";
import { createHistory, type HistorySource } from "../../../src/channel/history.ts";
import { toLogEntry, withHeading, type Logged } from "../../../src/channel/log-entries.ts";
import { writeSnapshot } from "../../../src/channel/sandbox/snapshot.ts";
import type { RecordLog } from "../../../src/ports/record-log.ts";
import { MAX_HISTORY_BATCHES, SNAPSHOT_PART_BYTES } from "../../../src/wire/channel/limits.ts";
import { ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";

const HEADER: RecordHeader = {
  channel: 1n,
  term: 1,
  height: 5,
  kind: 1,
  timeMs: 1,
  previous: ZERO_HASH,
  inputHash: ZERO_HASH,
  touchedHash: ZERO_HASH,
  writesHash: ZERO_HASH,
  status: 1,
  gasUsed: 0,
  returnHash: ZERO_HASH,
  stateRoot: ZERO_HASH,
  inboxCursor: 0,
};
const ask = (height: number): { height: number; recordHash: Uint8Array } => ({ height, recordHash: ZERO_HASH });

/** A batch of so many records. */
function batch(first: number, count = 1, fill = 0): Logged {
  const records = Array.from({ length: count }, () => new Uint8Array(200).fill(fill));
  return { kind: "batch", batch: { term: 1, first, records, signature: new Uint8Array(65) } };
}

/** A source over a log that counts what is read of it. */
async function sourceOf(logged: readonly Logged[], head: number) {
  const log = createMemoryRecordLog();
  await log.append(logged.map(toLogEntry));
  const read = { entries: 0, bytes: 0 };
  const counting: RecordLog = {
    ...log,
    async *entries(options) {
      for await (const entry of log.entries(options)) {
        read.entries += 1;
        yield entry;
      }
    },
    async *readSnapshot(height, range) {
      for await (const bytes of log.readSnapshot(height, range)) {
        read.bytes += bytes.length;
        yield bytes;
      }
    },
  };
  const news = new Set<(news: ChannelNews) => void>();
  const source: HistorySource = {
    log: counting,
    news,
    certificate: undefined,
    terms: { election: undefined },
    player: {
      at: () => undefined,
      head: {
        header: { ...HEADER, height: head },
        hash: ZERO_HASH,
        membership: { cursor: 0, members: new Map(), bannedUntilMs: new Map(), isClosing: false },
      },
    },
  };
  return { log, source, news, read };
}

describe("channel: history", () => {
  const COUNT = 3 * MAX_HISTORY_BATCHES;

  it("should read no more of the log for an answer than goes into it", async () => {
    const { source, read } = await sourceOf(
      Array.from({ length: COUNT }, (_, index) => batch(index + 1)),
      COUNT,
    );
    const history = createHistory(source);
    const first = await history.after(ask(0));
    expect(first).to.include({ kind: "history", more: true });
    read.entries = 0;
    const next = await history.after(ask(MAX_HISTORY_BATCHES));
    expect(next.kind === "history" && next.batches.map((one) => one.first)).to.deep.equal(
      Array.from({ length: MAX_HISTORY_BATCHES }, (_, index) => MAX_HISTORY_BATCHES + index + 1),
    );
    expect(read.entries).to.be.at.most(MAX_HISTORY_BATCHES + 1);
    expect(await history.after(ask(2 * MAX_HISTORY_BATCHES))).to.include({ more: false });
  });

  it("should leave out what was taken back further on, also when that happens between two questions", async () => {
    const cut = COUNT - 10;
    const { log, source, news } = await sourceOf(
      Array.from({ length: COUNT }, (_, index) => batch(index + 1)),
      COUNT,
    );
    const history = createHistory(source);
    const height = cut - 100;
    const before = await history.after(ask(height));
    expect(before.kind === "history" && before.batches.length).to.equal(110);
    await log.append([toLogEntry({ kind: "cut", height: cut, from: COUNT }), toLogEntry(batch(cut + 1, 1, 7))]);
    for (const tell of news) tell({ kind: "rollback", toHeight: cut });
    const after = await history.after(ask(height));
    const batches = after.kind === "history" ? after.batches : [];
    expect(batches.map((one) => one.first)).to.deep.equal(Array.from({ length: 101 }, (_, i) => height + i + 1));
    expect(batches.at(-1)!.records[0]![0]).to.equal(7);
  });

  it("should find a cut that lies behind more than one answer holds", async () => {
    const middle = 20;
    const { source } = await sourceOf(
      [
        ...Array.from({ length: COUNT }, (_, index) => batch(index + 1)),
        { kind: "cut", height: middle, from: COUNT },
        batch(middle + 1, 1, 7),
      ],
      middle + 1,
    );
    const history = createHistory(source);
    const answer = await history.after(ask(0));
    const batches = answer.kind === "history" ? answer.batches : [];
    expect(batches.map((one) => one.first)).to.deep.equal(Array.from({ length: middle + 1 }, (_, index) => index + 1));
    expect(batches.at(-1)!.records[0]![0]).to.equal(7);
    expect(answer).to.include({ more: false });
    const rest = await history.after(ask(middle));
    expect(rest.kind === "history" && rest.batches.map((one) => [one.first, one.records[0]![0]])).to.deep.equal([
      [middle + 1, 7],
    ]);
  });

  it("should read of a snapshot the part that is asked for, and no more than its head to offer it", async () => {
    const { log, source, read } = await sourceOf([], 1_000_000);
    const slots = new Map(
      Array.from({ length: 20_000 }, (_, index) => [`${index}`.padStart(32, "0"), new Uint8Array(32).fill(1)]),
    );
    const state: Uint8Array[] = [];
    for await (const part of writeSnapshot({ height: 5, root: ZERO_HASH }, slots)) state.push(part);
    const bytes = Buffer.concat(state);
    await log.saveSnapshot(5, withHeading(HEADER, writeSnapshot({ height: 5, root: ZERO_HASH }, slots)));
    const history = createHistory(source);
    const parts = Math.ceil(bytes.length / SNAPSHOT_PART_BYTES);
    const offer = await history.after(ask(0));
    expect(offer).to.include({ kind: "snapshot", parts });
    read.bytes = 0;
    const got: Uint8Array[] = [];
    for (let part = 0; part < parts; part += 1) got.push((await history.part(5, part))!);
    expect(Buffer.concat(got).equals(bytes)).to.equal(true);
    expect(got.slice(0, -1).every(({ length }) => length === SNAPSHOT_PART_BYTES)).to.equal(true);
    expect(read.bytes).to.equal(bytes.length);
    await history.after(ask(0));
    expect(read.bytes).to.equal(bytes.length);
    for (const part of [parts, 2 ** 40]) expect(await history.part(5, part)).to.equal(undefined);
    expect(await history.part(6, 0)).to.equal(undefined);
  });
});
