import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { awaitBatch } from "../../../src/client/await-batch.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { chooseLanded } from "../../../src/domain/verdict/choose-landed.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { isSignerOfLie } from "../../../src/tester/examine.ts";
import type { LandedCheck } from "../../../src/tester/rerun-landed.ts";
import { createRerun, type Rerun } from "../../../src/tester/rerun.ts";
import { createBatchMaker, type BatchForgery, type BatchMaker } from "../../helpers/batch-history.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker } from "../../helpers/history.ts";
import { createLyingEngine } from "../../helpers/lying-engine.ts";
import { batchesOf, prepay, type Prepaid } from "../../helpers/prepaid.ts";
import { until } from "../../helpers/until.ts";

const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
const INPUTS = ["append a;", "exit 7", "append b;"];

/** What a majority says of a batch of three inputs although it is not so, and at which of them a tester finds it. */
const LIES: ReadonlyArray<{ readonly what: string; readonly input: number; readonly forgery: BatchForgery }> = [
  {
    what: "an input whose change is left out",
    input: 0,
    forgery: { outcome: (run, index, plan) => (index === 0 ? { ...run, newState: plan.state } : run) },
  },
  {
    what: "a rejected input that is said to be accepted",
    input: 1,
    forgery: { outcome: (run, index) => (index === 1 ? { ...run, status: "accepted" } : run) },
  },
  {
    what: "another output",
    input: 2,
    forgery: { outcome: (run, index) => (index === 2 ? { ...run, outputCid: OTHER_STATE } : run) },
  },
  {
    what: "more gas than was used",
    input: 2,
    forgery: { outcome: (run, index) => (index === 2 ? { ...run, gas: run.gas + 1n } : run) },
  },
  {
    what: "another state than that of the last input",
    input: 2,
    forgery: { record: (record) => ({ ...record, newState: OTHER_STATE }) },
  },
];

describe("tester/rerun-landed", () => {
  let scene: ExecutionScene;
  let engine: Engine;
  let rerun: Rerun;
  let wallet: Wallet;
  const { signal } = new AbortController();

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 100 });
    await scene.fundWorkers();
    wallet = await scene.user();
    const { client, scratchDirectory } = scene;
    engine = createWasiEngine({ content: client.content, logger: createMemoryLogger() }, { scratchDirectory });
    rerun = createRerun({ ...client, engines: new Map([["wasi" as const, engine]]), scratchDirectory });
  });
  after(async () => {
    await engine.close();
    await scene.stop();
  });

  const keys = (): string[] => scene.workers.map(({ ledgerKey }) => ledgerKey.publicKey());
  const check = async (program: string, salt = systemRandom.bytes(32)): Promise<LandedCheck> =>
    await rerun.landed(
      { account: await scene.account(program), seed: new Uint8Array(32), salt, workers: keys() },
      { signal },
    );
  const repeated = (landed: LandedCheck): Extract<LandedCheck, { kind: "repeated" }> => {
    if (landed.kind !== "repeated") throw new Error(JSON.stringify({ ...landed, chosen: undefined }));
    return landed;
  };
  /** A salt that chooses this one of so many records. */
  const saltFor = (index: number, count: number): Uint8Array => {
    for (;;) {
      const salt = systemRandom.bytes(32);
      if (chooseLanded({ seed: new Uint8Array(32), salt }, count) === index) return salt;
    }
  };
  const newHistory = async (): Promise<{ readonly program: string; readonly batches: BatchMaker }> => {
    const program = await scene.program("probe");
    return { program, batches: createBatchMaker(scene, engine, { program, payer: wallet }) };
  };
  const prepaid = async (program: string, inputs = INPUTS): Promise<Prepaid[]> => {
    const paid: Prepaid[] = [];
    for (const input of inputs) paid.push(await prepay(scene, wallet, program, input));
    return paid;
  };

  it("should come to what honest workers anchored, also after refunds, and keep nothing of it", async () => {
    const { program, batches } = await newHistory();
    const history = createHistoryMaker(scene, engine, program);
    await history.land(wallet, "append 1;\n");
    await batches.land(await prepaid(program));
    await batches.refund([wallet.account]);
    // Of the four records, two ran something; a refund is no choice.
    const [newest, oldest] = [await check(program, saltFor(0, 2)), await check(program, saltFor(1, 2))].map(repeated);
    expect([newest?.chosen.record.kind, oldest?.chosen.record.kind]).to.deep.equal(["batch", "transition"]);
    expect([newest?.same, newest?.input, newest?.chosen.count]).to.deep.equal([true, INPUTS.length - 1, 2]);
    expect([oldest?.same, oldest?.input]).to.deep.equal([true, undefined]);
    for await (const { holder } of scene.client.content.held("tester-rerun/")) throw new Error(`${holder} is left`);
  }).timeout(30_000);

  for (const { what, input, forgery } of LIES) {
    it(`should find ${what}, and name who signed it`, async () => {
      const { program, batches } = await newHistory();
      await batches.land(await prepaid(program), forgery);
      const lie = repeated(await check(program));
      expect([lie.same, lie.input]).to.deep.equal([false, input]);
      expect(keys().map((key) => isSignerOfLie(lie, key, []))).to.deep.equal([true, true, false]);
      const { recordCid, envelope } = lie.chosen;
      const parts = { account: await scene.account(program), recordCid, envelope, workers: keys() };
      expect(repeated(await rerun.record(parts, { signal })), "again from evidence").to.include({ same: false, input });
    }).timeout(30_000);
  }

  it("should find a lying majority of workers that run batches, which a lying minority never becomes", async () => {
    const program = await scene.program("probe");
    const behave = async (liars: number): Promise<void> => {
      for (const [index, worker] of scene.workers.entries()) {
        await worker.stop();
        if (index >= liars) delete worker.changes.wrapEngine;
        else worker.changes.wrapEngine = createLyingEngine;
        await worker.start();
      }
    };
    const runBatch = async (text: string): Promise<void> => {
      const before = (await batchesOf(scene, program)).length;
      const paid = await prepay(scene, wallet, program, `append ${text};`);
      await awaitBatch(scene.client, paid);
      await until(async () => (await batchesOf(scene, program)).length > before, {
        what: "the batch has landed",
        timeoutMs: 60_000,
      });
    };
    try {
      await behave(1);
      await runBatch("honest");
      expect(repeated(await check(program, saltFor(0, 1))).same).to.equal(true);
      await behave(2);
      await runBatch("lied");
      const lie = repeated(await check(program, saltFor(0, 2)));
      expect(lie.same).to.equal(false);
      expect(keys().map((key) => isSignerOfLie(lie, key, []))).to.deep.equal([true, true, false]);
      expect(repeated(await check(program, saltFor(1, 2))).same, "the one before").to.equal(true);
    } finally {
      await behave(0);
    }
  }).timeout(120_000);

  it("should refuse a prepaid request as what an answer is judged by, and blame nobody", async () => {
    const { program } = await newHistory();
    const account = await scene.account(program);
    const { signed, requestHash } = await prepay(scene, wallet, program, "append a;");
    const { sequence, state } = account;
    const result = { status: "accepted" as const, outputCid: state, newState: OTHER_STATE, gas: 1n };
    const answer = { requestHash: new Uint8Array(requestHash), sequence, previousState: state, ...result };
    const { own } = await rerun.answer({ account, signed, answer }, { signal });
    expect(own).to.deep.equal({ kind: "failed", code: "INVALID_INPUT" });
  });
});
