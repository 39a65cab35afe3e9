import { expect } from "chai";

import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { execute, type ExecutionResult } from "../../../../src/client/execute.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { SprfError } from "../../../../src/errors.ts";
import { readRecord } from "../../../../src/execution/read-record.ts";
import { findTip } from "../../../../src/execution/tip.ts";
import type { ContentStore } from "../../../../src/ports/content-store.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { releaseRecent } from "../../../../src/worker/history/holders.ts";
import { createHistoryKeeper, type HistoryKeeper } from "../../../../src/worker/history/keep-history.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { workerKeyOf } from "../../../helpers/scene-worker.ts";

const TRANSITIONS = 4;
const THREE_HOURS_MS = 3 * 60 * 60 * 1_000;
const NEVER = new AbortController().signal;

describe("the history that workers keep", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  let program: string;
  let module: string;
  /** An input that is given by CID; the others are inline. */
  let bigInput: string;
  let results: ExecutionResult[];
  let records: string[];
  let states: string[];

  const keeperOn = (
    content: ContentStore,
    init: {
      readonly store?: Store;
      readonly ledgerKey?: string;
      readonly holderNow?: () => string;
      readonly isBound?: () => boolean;
    } = {},
  ): HistoryKeeper =>
    createHistoryKeeper(
      {
        ledger: scene.client.ledger,
        content,
        store: init.store ?? createMemoryStore(),
        clock: scene.clock,
        logger: scene.logger,
      },
      {
        ledgerKey: init.ledgerKey ?? workerKeyOf(1).publicKey(),
        ...(init.holderNow === undefined ? {} : { holderNow: init.holderNow }),
        ...(init.isBound === undefined ? {} : { isBound: init.isBound }),
      },
    );
  /** A store that is as empty as that of a worker which has just joined. */
  const emptyStore = async (): Promise<CollectingContentStore> => {
    const content = createMemoryContentStore({
      peers: () => [scene.client.content, ...scene.workers.map((worker) => worker.content)],
      clock: scene.clock,
      logger: scene.logger,
    });
    await content.start();
    return content;
  };
  const heldBy = async (content: ContentStore, prefix = ""): Promise<string[]> => {
    const all: string[] = [];
    for await (const { holder, cid } of content.held(prefix)) all.push(`${holder} ${cid}`);
    return all;
  };
  const oldStates = (): string[] => states.slice(1, -2);
  const wanted = (): string[] => [
    module,
    bigInput,
    ...records,
    ...results.map(({ answer }) => answer.outputCid),
    states[0] ?? "",
    ...states.slice(-2),
  ];

  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    wallet = await scene.user();
    module = await scene.module("probe");
    program = await scene.program({ cid: module });
    states = [(await scene.account(program)).state];
    bigInput = await scene.client.content.putFile(utf8("append by CID\n"));
    results = [];
    for (let at = 0; at < TRANSITIONS; at += 1) {
      const input = at === 1 ? { cid: bigInput } : { bytes: new Uint8Array(utf8(`append ${at}\n`)) };
      const result = await execute(scene.client, { program, wallet, input });
      results.push(result);
      states.push(result.answer.newState);
      for (const { content } of scene.workers) {
        // P3: who has signed has the state pinned, before anybody looks after its history.
        const pinned = await heldBy(content, "recent/");
        if (await content.has(result.answer.newState)) {
          expect(pinned.some((entry) => entry.endsWith(` ${result.answer.newState}`))).to.equal(true);
        }
      }
    }
    records = [];
    let cid: string | undefined = (await findTip(scene.client.ledger, await scene.account(program))).recordCid;
    while (cid !== undefined) {
      records.push(cid);
      const record = await readRecord(scene.client.content, cid);
      cid = "previous" in record ? record.previous.recordCid : undefined;
    }
    expect(new Set(states).size, "every transition made another state").to.equal(TRANSITIONS + 1);
    expect(records).to.have.length(TRANSITIONS + 1);
  });
  after(async () => await scene.stop());

  it("should be copied by a worker that joins: everything but old states, and nothing twice", async () => {
    const content = await emptyStore();
    const keeper = keeperOn(content);
    await keeper.follow(program);
    expect(await keeper.look({ signal: NEVER })).to.equal(true);
    await content.collect();
    for (const cid of wanted()) expect(await content.has(cid), cid).to.equal(true);
    for (const state of oldStates()) expect(await content.has(state)).to.equal(false);
    const held = await heldBy(content);
    expect(await keeper.look({ signal: NEVER })).to.equal(true);
    expect(await heldBy(content)).to.deep.equal(held);
    await content.stop();
  });

  it("should be the same wherever the worker was killed while it copied", async () => {
    const whole = await emptyStore();
    const done = keeperOn(whole);
    await done.follow(program);
    await done.look({ signal: NEVER });
    const expected = await heldBy(whole);
    await whole.stop();
    for (let steps = 0, killed = true; killed; steps += 1) {
      const [content, store] = [await emptyStore(), createMemoryStore()];
      const life = new AbortController();
      let left = steps;
      const step = (): void => {
        if (left === 0) life.abort();
        left -= 1;
      };
      // Dies before the one effect or right after the other: each pin, and each note of how far it is.
      const mortal: ContentStore = {
        ...content,
        async pin(cid, options) {
          step();
          await content.pin(cid, options);
        },
      };
      const mortalStore: Store = {
        ...store,
        async apply(changes) {
          await store.apply(changes);
          step();
        },
      };
      const first = keeperOn(mortal, { store: mortalStore });
      killed =
        (await codeOf(
          first.follow(program).then(async () => {
            await first.look({ signal: life.signal });
          }),
        )) === "ABORTED" || life.signal.aborted;
      const again = keeperOn(content, { store });
      await again.follow(program);
      expect(await again.look({ signal: NEVER })).to.equal(true);
      expect(await heldBy(content), `killed after ${steps} steps`).to.deep.equal(expected);
      await content.stop();
    }
  });

  it("should let go of old states as the program goes on, but only once no outcome can rest on them", async () => {
    const content = scene.workers[0]?.content;
    if (content === undefined) throw new Error("the scene has no worker");
    const holderNow = (): string => "recent/000000000007/000000000000000";
    const keeper = keeperOn(content, { holderNow });
    await keeper.follow(program);
    const another = await scene.program("probe");
    await keeper.follow(another);
    const made: string[] = [(await scene.account(another)).state];
    for (let at = 0; at < TRANSITIONS; at += 1) {
      const input = { bytes: new Uint8Array(utf8(`append ${at}\n`)) };
      made.push((await execute(scene.client, { program: another, wallet, input })).answer.newState);
      expect(await keeper.look({ signal: NEVER })).to.equal(true);
      await content.collect();
      expect(await content.has(made.at(-1) ?? "")).to.equal(true);
    }
    for (const state of made) expect(await content.has(state), "runs hold them still").to.equal(true);
    scene.clock.shiftMs += THREE_HOURS_MS;
    expect(await keeper.prune(7, { signal: NEVER })).to.be.greaterThan(TRANSITIONS);
    await content.collect();
    for (const state of made.slice(1, -2)) expect(await content.has(state), "handed on at block 7").to.equal(true);
    await keeper.prune(8, { signal: NEVER });
    await content.collect();
    const has = await Promise.all(made.map(async (state) => await content.has(state)));
    expect(has).to.deep.equal([true, false, false, true, true]);
    for (const cid of wanted()) expect(await content.has(cid), cid).to.equal(true);
  });

  it("should be let go of by a worker that is no signer any more", async () => {
    const [content, store] = [await emptyStore(), createMemoryStore()];
    const keeper = keeperOn(content, { store });
    await keeper.follow(program);
    await keeper.look({ signal: NEVER });
    const after = keeperOn(content, { store, ledgerKey: workerKeyOf(9).publicKey() });
    expect(await after.look({ signal: NEVER })).to.equal(true);
    expect(await heldBy(content)).to.deep.equal([]);
    expect((await content.collect()).kept).to.equal(0);
    await keeper.look({ signal: NEVER });
    expect(await heldBy(content), "it follows the program no more").to.deep.equal([]);
    await content.stop();
  });

  it("should be held by a worker that is bound before the account names it, and let go of with the agreement", async () => {
    const content = await emptyStore();
    let isBound = true;
    const keeper = keeperOn(content, { ledgerKey: workerKeyOf(9).publicKey(), isBound: () => isBound });
    await keeper.follow(program);
    expect(await keeper.look({ signal: NEVER })).to.equal(true);
    expect(await keeper.hold(program, { signal: NEVER })).to.equal(true);
    for (const cid of wanted()) expect(await content.has(cid), cid).to.equal(true);
    isBound = false;
    await keeper.look({ signal: NEVER });
    expect(await heldBy(content)).to.deep.equal([]);
    await content.stop();
  });

  it("should go on without an input that cannot be had, and take it when it is there again", async () => {
    const [content, store] = [await emptyStore(), createMemoryStore()];
    let isGone = true;
    const lacking: ContentStore = {
      ...content,
      async pin(cid, options) {
        if (cid === bigInput && isGone) throw new SprfError("CONTENT_NOT_FOUND", `nobody has ${cid}`);
        await content.pin(cid, options);
      },
    };
    const keeper = keeperOn(lacking, { store });
    await keeper.follow(program);
    expect(await keeper.look({ signal: NEVER })).to.equal(true);
    for (const cid of wanted().filter((one) => one !== bigInput)) expect(await content.has(cid)).to.equal(true);
    expect(await keeper.hold(program, { signal: NEVER }), "it is no holder yet").to.equal(false);
    isGone = false;
    expect(await keeper.hold(program, { signal: NEVER }), "though nothing has landed since").to.equal(true);
    expect(await content.has(bigInput)).to.equal(true);
    await content.stop();
  });

  it("should say what it cannot do while the ledger is down, and prune nothing that is younger than two hours", async () => {
    const content = await emptyStore();
    const down = createHistoryKeeper(
      {
        ledger: { ...scene.client.ledger, account: async () => await Promise.reject(new Error("down")) },
        content,
        store: createMemoryStore(),
        clock: scene.clock,
        logger: scene.logger,
      },
      { ledgerKey: workerKeyOf(1).publicKey() },
    );
    await down.follow(program);
    expect(await down.look({ signal: NEVER })).to.equal(false);
    const nowMs = scene.clock.now();
    await content.putFile(utf8("young"), { holder: `recent/000000000001/${String(nowMs).padStart(15, "0")}` });
    expect(await releaseRecent(content, { block: 5, atMs: nowMs, limit: 10 })).to.equal(0);
    expect(await releaseRecent(content, { block: 5, atMs: nowMs + 60_000, limit: 10 })).to.equal(1);
    await content.stop();
  });
});
