import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { execute } from "../../../src/client/execute.ts";
import { chooseLanded } from "../../../src/domain/verdict/choose-landed.ts";
import type { ExecutionInput } from "../../../src/wire/execution-request.ts";
import { isSignerOfLie } from "../../../src/tester/examine.ts";
import type { LandedCheck } from "../../../src/tester/rerun-landed.ts";
import { createRerun, type Rerun } from "../../../src/tester/rerun.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { ask, askAll } from "../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../helpers/lying-engine.ts";

const input = (text: string): ExecutionInput => ({ bytes: new Uint8Array(utf8(text)) });
const ENTRIES = [
  "2026-01-01,rent,cash,100,first\n",
  "2026-01-02,food,cash,20,second\n",
  "2026-01-03,rent,cash,3,third\n",
];

describe("tester/rerun", () => {
  let scene: ExecutionScene;
  let rerun: Rerun;
  const signal = new AbortController().signal;

  before(async () => {
    scene = await createExecutionScene();
    const { client, scratchDirectory } = scene;
    const logger = createMemoryLogger(scene.lines);
    const engines = new Map([
      ["wasi" as const, createWasiEngine({ content: client.content, logger }, { scratchDirectory })],
    ]);
    rerun = createRerun({ ...client, engines, scratchDirectory });
  });
  after(() => scene.stop());
  afterEach(async () => {
    scene.clock.shiftMs = 0;
    await behave(() => true);
  });

  /** Restarts all workers, of whom some lie from now on. */
  const behave = async (isHonest: (index: number) => boolean): Promise<void> => {
    for (const [index, worker] of scene.workers.entries()) {
      await worker.stop();
      if (isHonest(index)) delete worker.changes.wrapEngine;
      else worker.changes.wrapEngine = createLyingEngine;
      await worker.start();
    }
  };
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
  /** A salt that chooses this one of so many transitions. */
  const saltFor = (index: number, count: number): Uint8Array => {
    for (;;) {
      const salt = systemRandom.bytes(32);
      if (chooseLanded({ seed: new Uint8Array(32), salt }, count) === index) return salt;
    }
  };

  it("should find nothing to run again where nothing landed", async () => {
    const program = await scene.program("bookkeeping");
    expect(await check(program)).to.deep.equal({ kind: "none", reason: "NOTHING_LANDED" });
  });

  it("should come to what honest workers landed, whichever transition is chosen", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    for (const entry of ENTRIES) await execute(scene.client, { program, wallet, input: input(entry) });
    for (const index of [0, 1, 2]) {
      const landed = repeated(await check(program, saltFor(index, 3)));
      expect([landed.same, landed.chosen.index, landed.chosen.count]).to.deep.equal([true, index, 3]);
      const { record } = landed.chosen;
      const { request } = record.kind === "transition" ? record.signedRequest : {};
      expect(request?.input).to.deep.equal(input(ENTRIES[2 - index]!));
      expect(keys().some((key) => isSignerOfLie(landed, key, []))).to.equal(false);
    }
  });

  it("should name those who signed what the program does not give, long after it landed", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    await execute(scene.client, { program, wallet, input: input(ENTRIES[0]!) });
    await behave((index) => index === 0);
    await execute(scene.client, { program, wallet, input: input(ENTRIES[1]!) });
    await behave(() => true);
    const lie = repeated(await check(program, saltFor(0, 2)));
    expect(lie.same).to.equal(false);
    expect([...lie.signers].toSorted()).to.deep.equal(keys().slice(1).toSorted());
    expect(keys().map((key) => isSignerOfLie(lie, key, []))).to.deep.equal([false, true, true]);
    expect(repeated(await check(program, saltFor(1, 2))).same).to.equal(true);

    const account = await scene.account(program);
    const { recordCid, envelope } = lie.chosen;
    const again = await rerun.record({ account, recordCid, envelope, workers: keys() }, { signal });
    expect(repeated(again).signers).to.deep.equal(lie.signers);
    // What is not in the history that the ledger leads to is nobody's.
    const forged = envelope.slice();
    forged[forged.length - 1]! ^= 1;
    const made = await rerun.record({ account, recordCid, envelope: forged, workers: keys() }, { signal });
    expect(made).to.deep.equal({ kind: "none", reason: "NOT_IN_HISTORY" });
  });

  it("should blame nobody for history that cannot be read, or for an engine of its own that fails", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    await execute(scene.client, { program, wallet, input: input(ENTRIES[0]!) });
    const { client, scratchDirectory } = scene;
    const noEngine = createRerun({ ...client, engines: new Map(), scratchDirectory });
    const parts = {
      account: await scene.account(program),
      seed: new Uint8Array(32),
      salt: new Uint8Array(32),
      workers: keys(),
    };
    const failed = await noEngine.landed(parts, { signal });
    expect(failed).to.include({ kind: "failed", code: "ENGINE_UNAVAILABLE" });
    expect(keys().some((key) => isSignerOfLie(failed, key, []))).to.equal(false);
  });

  it("should run a worker's answer again on the state that it names, also when the program has moved on", async () => {
    const program = await scene.program("bookkeeping");
    const wallet = await scene.user();
    await execute(scene.client, { program, wallet, input: input(ENTRIES[0]!) });
    await behave((index) => index !== 2);
    const { signed } = await scene.paid(wallet, program, ENTRIES[1]!);
    const answers = (await askAll(scene.workers, signed)).map((each) => each.signed.answer);
    await behave(() => true);
    await execute(scene.client, { program, wallet, input: input(ENTRIES[2]!) });

    const account = await scene.account(program);
    const judged = await Promise.all(
      answers.map(async (answer) => await rerun.answer({ account, signed, answer }, { signal })),
    );
    expect(judged.map(({ onKnownState, own }) => [onKnownState, own.kind])).to.deep.equal([
      [true, "agreed"],
      [true, "agreed"],
      [true, "agreed"],
    ]);
    const same = judged.map(({ own }, i) => own.kind === "agreed" && own.answer.newState === answers[i]!.newState);
    expect(same).to.deep.equal([true, true, false]);
    const elsewhere = { ...answers[0]!, previousState: answers[2]!.newState };
    expect((await rerun.answer({ account, signed, answer: elsewhere }, { signal })).onKnownState).to.equal(false);
  });

  it("should come to the same at another time of day and long after, for programs that look at clock and randomness", async () => {
    const program = await scene.program("probe");
    const wallet = await scene.user();
    for (const command of ["clock", "random"]) {
      const { signed } = await scene.paid(wallet, program, `${command}\n`);
      const { answer } = (await ask(scene.workers[0]!, signed)).signed;
      expect(answer.status).to.equal("accepted");
      for (const hours of [0, 11, 24 * 40]) {
        scene.clock.shiftMs = hours * 3_600_000;
        const account = await scene.account(program);
        const { own } = await rerun.answer({ account, signed, answer }, { signal });
        expect(
          own.kind === "agreed" && own.answer.outputCid === answer.outputCid,
          `${command}, ${hours} h later`,
        ).to.equal(true);
      }
      scene.clock.shiftMs = 0;
    }
  });
});
