import { expect } from "chai";

import type { Wallet } from "../../../../src/client/wallet.ts";
import { execute } from "../../../../src/client/execute.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { ProgramRun } from "../../../../src/ports/engine.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { createFailedRuns, type FailedRuns, type RunOfRequest } from "../../../../src/worker/executions/failed-runs.ts";
import { refusalOf } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

const SHORT_MS = 200;
const HOUR_MS = 60 * 60 * 1_000;
const MAX_REQUESTS = 10_000;

describe("worker/executions/failed-runs", () => {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  let failedRuns: FailedRuns;

  beforeEach(() => {
    clock.nowMs = 0;
    failedRuns = createFailedRuns({ clock });
  });

  const requestOf = (n: number, sequence = 1n): RunOfRequest => {
    const requestHash = new Uint8Array(32);
    new DataView(requestHash.buffer).setUint32(0, n);
    return { requestHash, sequence, validUntil: BigInt(HOUR_MS / 1_000) };
  };
  const fail = (run: RunOfRequest): void => failedRuns.note(run, new SprfError("TIMEOUT", "here"));
  const isGivenUp = async (run: RunOfRequest): Promise<boolean> =>
    (await codeOf(Promise.resolve().then(() => failedRuns.check(run)))) === "RUN_GIVEN_UP";

  it("should give a request up on a sequence after three failures, and go on with others", async () => {
    for (const times of [1, 2, 3]) {
      expect(await isGivenUp(requestOf(1)), `before failure ${times}`).to.equal(false);
      fail(requestOf(1));
    }
    expect(await isGivenUp(requestOf(1))).to.equal(true);
    expect(await isGivenUp(requestOf(2))).to.equal(false);
    expect(await isGivenUp(requestOf(1, 2n))).to.equal(false);
  });

  it("should give a request up for good after nine, however the program moves on", async () => {
    for (let sequence = 1n; sequence <= 9n; sequence++) {
      expect(await isGivenUp(requestOf(1, sequence))).to.equal(false);
      fail(requestOf(1, sequence));
    }
    expect(await isGivenUp(requestOf(1, 10n))).to.equal(true);
  });

  it("should keep so many requests alone, and those of the past least", async () => {
    const giveUp = (n: number, validUntil: bigint): RunOfRequest => {
      const run = { ...requestOf(n), validUntil };
      for (let times = 0; times < 3; times++) fail(run);
      return run;
    };
    const old = giveUp(0, 100n);
    const past = giveUp(1, 1n);
    for (let n = 2; n < MAX_REQUESTS; n++) fail(requestOf(n));
    clock.nowMs = 2_000;
    fail(requestOf(MAX_REQUESTS));
    expect(await isGivenUp(past)).to.equal(false);
    expect(await isGivenUp(old)).to.equal(true);
    fail(requestOf(MAX_REQUESTS + 1));
    expect(await isGivenUp(old), "the oldest of those that may come").to.equal(false);
  });
});

describe("a request that no run comes to an end of", () => {
  let scene: ExecutionScene;
  let worker: SceneWorker;
  let wallet: Wallet;

  before(async () => {
    scene = await createExecutionScene();
    [worker] = scene.workers as [SceneWorker];
    wallet = await scene.user();
    await worker.stop();
    worker.changes.wrapEngine = (engine) => ({ ...engine, run: async (run, o) => await engine.run(shortened(run), o) });
    await worker.start();
  });
  after(() => scene.stop());

  const shortened = (run: ProgramRun): ProgramRun =>
    Buffer.from(run.input).toString() === "spin\n" ? { ...run, limits: { ...run.limits, timeoutMs: SHORT_MS } } : run;

  it("should take three times the program's time, and as much on another state, not more", async () => {
    const program = await scene.program("probe");
    const { signed } = await scene.paid(wallet, program, "spin\n");
    const before = worker.runs;
    for (const code of ["TIMEOUT", "TIMEOUT", "TIMEOUT", "RUN_GIVEN_UP", "RUN_GIVEN_UP"]) {
      expect(await refusalOf(worker, signed)).to.equal(code);
    }
    expect(worker.runs - before).to.equal(3);

    const other = await scene.user();
    await execute(scene.client, { program, wallet: other, input: { bytes: new Uint8Array(utf8("append on\n")) } });
    expect(await refusalOf(worker, signed)).to.equal("TIMEOUT");
  }).timeout(60_000);
});
