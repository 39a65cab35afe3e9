import { expect } from "chai";
import { z } from "zod";

import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { createCheckpoint, type Checkpoint } from "../../../src/audit/checkpoint.ts";
import type { HistoryState } from "../../../src/domain/audit/history-state.ts";
import type { Store } from "../../../src/ports/store.ts";
import { createTable } from "../../../src/utils/table.ts";
import { recordCidOf } from "../../../src/wire/canonical.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { MODULE, STATE, keyOf } from "../../helpers/smart-accounts.ts";

const PROGRAM = keyOf(99).publicKey();
const PAYMENT = "ab".repeat(32);
const cidOf = (n: number): string => recordCidOf(new Uint8Array([n >> 8, n & 255]));
const [TIP, OTHER_TIP, FIRST, SECOND] = [cidOf(1), cidOf(2), cidOf(3), cidOf(4)];

describe("audit/checkpoint", () => {
  let store: Store;
  let checkpoint: Checkpoint;
  const open = (program = PROGRAM): Checkpoint => createCheckpoint({ store, clock: createManualClock() }, program);
  beforeEach(() => {
    store = createMemoryStore();
    checkpoint = open();
  });

  it("should give links back from the oldest on, however many there are", async () => {
    for (let depth = 0; depth < 700; depth++) await checkpoint.keepLink(depth, cidOf(depth));
    const other = open(keyOf(98).publicKey());
    await other.keepLink(0, cidOf(999));
    await other.flush();
    const read: string[] = [];
    for await (const recordCid of checkpoint.links()) read.push(recordCid);
    expect(read).to.deep.equal(Array.from({ length: 700 }, (_, i) => cidOf(699 - i)));
    await checkpoint.forgetLinks();
    for await (const recordCid of checkpoint.links()) throw new Error(`${recordCid} was not forgotten`);
    let left = 0;
    for await (const _ of other.links()) left += 1;
    expect(left).to.equal(1);
  });

  it("should keep the cursor with what it stands on, and nothing that was not made durable", async () => {
    const state: HistoryState = {
      recordCid: FIRST,
      envelopeHash: "00",
      count: 2,
      transitions: 1,
      terms: {
        image: { address: `wasm:${MODULE}` },
        baseFeeStroops: 1n,
        gasPriceStroops: 2n ** 63n,
        workers: [{ address: "http://127.0.0.1:1", ledgerKey: PROGRAM }],
      },
      pastPrices: [{ baseFeeStroops: 1n, gasPriceStroops: 1n, until: 2n }],
      credits: [{ user: PROGRAM, stroops: 3n, since: 4n }],
      state: STATE,
      time: 5n,
      lastLedger: 3,
      sequence: 7n,
      lastRunCid: FIRST,
      unconfirmed: 1,
    };
    checkpoint.moveCursor(state);
    await checkpoint.markChecked({ recordCid: FIRST, envelopeHash: "00", predecessor: undefined });
    expect(await open().cursor()).to.equal(undefined);
    await checkpoint.flush();
    expect(await open().cursor()).to.deep.equal(state);
    expect(await open().isChecked(FIRST, "00")).to.equal(true);
    expect(await open().isChecked(FIRST, "01")).to.equal(false);
  });

  it("should go through the chain again that an audit of an earlier form went through, and run nothing again", async () => {
    const cursor = {
      recordCid: FIRST,
      envelopeHash: "00",
      count: 1,
      transitions: 0,
      terms: {
        image: { address: `wasm:${MODULE}` },
        baseFeeStroops: 1n,
        gasPriceStroops: 1n,
        workers: [{ address: "http://127.0.0.1:1", ledgerKey: PROGRAM }],
      },
      earlierBaseFeeStroops: 1n,
      state: STATE,
      time: 0n,
      lastLedger: 0,
    };
    const table = createTable(store, "audit-cursor", z.custom<typeof cursor>());
    const checked = createTable(store, "audit-checked", z.custom<object>());
    await store.apply([table.put(PROGRAM, cursor), checked.put(`${PROGRAM}/${FIRST}/00`, {})]);
    expect(await open().cursor()).to.equal(undefined);
    expect(await open().isChecked(FIRST, "00")).to.equal(true);
  });

  it("should release what a run made only when the next one is durable", async () => {
    const released: number[] = [];
    const run = { recordCid: FIRST, envelopeHash: "00", predecessor: undefined };
    await checkpoint.markChecked(run, async () => void released.push(await count()));
    expect(released).to.deep.equal([]);
    await checkpoint.flush();
    expect(released).to.deep.equal([1]);

    async function count(): Promise<number> {
      return (await store.list("audit-checked")).length;
    }
  });

  it("should need what a record left until the one after it is checked, whichever is first", async () => {
    const mark = async (recordCid: string, predecessor: string | undefined): Promise<void> => {
      await checkpoint.markChecked({ recordCid, envelopeHash: "00", predecessor });
      await checkpoint.flush();
    };
    expect(await checkpoint.needsState(FIRST), "never run").to.equal(false);
    await mark(FIRST, undefined);
    expect(await open().needsState(FIRST)).to.equal(true);
    await mark(SECOND, FIRST);
    expect([await open().needsState(FIRST), await open().needsState(SECOND)]).to.deep.equal([false, true]);
    const [third, fourth] = [cidOf(5), cidOf(6)];
    await mark(fourth, third);
    await mark(third, SECOND);
    const needed: boolean[] = [];
    for (const recordCid of [SECOND, third, fourth]) needed.push(await open().needsState(recordCid));
    expect(needed).to.deep.equal([false, false, true]);
  });

  const use = (recordCid: string, number: number, tip = TIP, known = 0): Promise<string | undefined> =>
    checkpoint.usePayment(PAYMENT, { recordCid, count: number, tip, known });

  it("should know a payment that was used, before and after it is durable", async () => {
    expect(await use(FIRST, 2)).to.equal(undefined);
    expect(await use(FIRST, 2), "seen again").to.equal(undefined);
    expect(await use(SECOND, 3)).to.equal(FIRST);
    await checkpoint.flush();
    checkpoint = open();
    expect(await use(SECOND, 3)).to.equal(FIRST);
  });

  it("should not hold against a history what another one used that the ledger no longer leads to", async () => {
    expect(await use(FIRST, 2, OTHER_TIP)).to.equal(undefined);
    await checkpoint.flush();
    checkpoint = open();
    expect(await use(SECOND, 3, TIP, 1)).to.equal(undefined);
  });

  it("should hold what an earlier audit went through against a longer history", async () => {
    expect(await use(FIRST, 2, OTHER_TIP)).to.equal(undefined);
    await checkpoint.flush();
    checkpoint = open();
    expect(await use(SECOND, 3, TIP, 2)).to.equal(FIRST);
  });
});
