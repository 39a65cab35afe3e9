import { join } from "node:path";

import { expect } from "chai";

import { execute, type ExecutionResult } from "../../src/client/execute.ts";
import { resume } from "../../src/client/resume.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { isSprfError, type SprfError } from "../../src/errors.ts";
import { readContent } from "../../src/execution/read-content.ts";
import { findTip } from "../../src/execution/tip.ts";
import { walkRecords } from "../../src/execution/walk-records.ts";
import { toHex, utf8 } from "../../src/utils/bytes.ts";
import { hashRequest, type SignedRequest } from "../../src/wire/execution-request.ts";
import { createExecutionScene, type ExecutionScene } from "../helpers/execution-scene.ts";
import { startFragileWorker, type FragileWorker } from "../helpers/fragile-worker.ts";
import { seededRandom, type SeededRandom } from "../helpers/seeded-random.ts";
import { until } from "../helpers/until.ts";

const SEEDS = [1, 2, 3, 4, 5];
const WORKERS = 5;
/** Processes of their own; the majority needs one of them, the others keep what those lose of content, which they hold in memory. */
const FRAGILE = 3;
const MOST_DOWN = 2;
const USERS = 3;
const ENTRIES = 2;
/** Of the client's steps, one in so many kills a worker. */
const STEPS_PER_KILL = 4;
const FINAL_CODES: readonly string[] = ["OVERTAKEN", "TOO_LATE_TO_LAND"];
const SEED_TIMEOUT_MS = 180_000;

interface Task {
  readonly input: string;
  made?: { readonly signed: SignedRequest; readonly payment: string };
  outcome?: ExecutionResult | SprfError | undefined;
}

describe("executions whose workers are killed with kill -9", () => {
  let scene: ExecutionScene;
  let fragile: readonly FragileWorker[] = [];

  before(async () => {
    scene = await createExecutionScene({ workers: WORKERS, closeEveryMs: 1_000 });
    const lasting = scene.workers.slice(FRAGILE);
    const module = await scene.module("probe");
    for (const { content } of lasting) await content.pin(module);
    const peers = lasting.map(({ url }) => url);
    fragile = await Promise.all(
      scene.workers.slice(0, FRAGILE).map(async (worker, i) => {
        // Its place, key and port are taken by a process of its own.
        await worker.stop();
        const { rpcUrl, networkPassphrase } = scene.devnet;
        return await startFragileWorker({
          n: i + 1,
          port: Number(new URL(worker.url).port),
          rpcUrl,
          networkPassphrase,
          storePath: join(scene.scratchDirectory, `fragile-${i}.sqlite`),
          scratchDirectory: join(scene.scratchDirectory, `fragile-${i}`),
          peers,
        });
      }),
    );
  }).timeout(SEED_TIMEOUT_MS);
  after(async () => {
    await Promise.all(fragile.map((worker) => worker.stop()));
    await scene.stop();
  });

  for (const seed of SEEDS) {
    it(`should lose nothing, pay nothing twice and answer the same again, with seed ${seed}`, async () => {
      const random = seededRandom(seed * 0x9e3779b1);
      const program = await scene.program("probe");
      const before = await scene.account(program);
      const kills = fragile.map(({ kills: count }) => count);
      const users = await Promise.all(
        Array.from({ length: USERS }, async (_, user) => {
          const wallet = await scene.user();
          const tasks = Array.from({ length: ENTRIES }, (_task, i): Task => ({ input: `seed ${seed} ${user}.${i};` }));
          return { wallet, tasks };
        }),
      );
      const onStep = (): void => {
        if (random.below(STEPS_PER_KILL) === 0) killOne(random);
      };
      await Promise.all(users.map(async ({ wallet, tasks }) => await doTasks(program, wallet, tasks, onStep)));
      await Promise.all(fragile.map((worker) => worker.isUp()));

      const account = await scene.account(program);
      const { content } = scene.workers[FRAGILE] ?? scene.client;
      // The majority of the last one may have been those that hold their content in memory; the others follow.
      const { recordCid } = await findTip(scene.client.ledger, account);
      const isThere = async (): Promise<boolean> => await content.has(recordCid);
      await until(isThere, { timeoutMs: 30_000, what: "the last record in a worker that lasts" });
      const records: { readonly input: string; readonly payment: string; readonly request: string }[] = [];
      for await (const { record } of walkRecords({ ledger: scene.client.ledger, content }, account)) {
        if (record.kind !== "transition") continue;
        const { request, paymentHash } = record.signedRequest;
        const bytes = "bytes" in request.input ? request.input.bytes : new Uint8Array();
        const input = new TextDecoder()
          .decode(bytes)
          .replace(/^append /, "")
          .trim();
        records.unshift({ input, payment: toHex(paymentHash), request: toHex(hashRequest(request)) });
      }
      expect(new Set(records.map(({ payment }) => payment)).size, "payments used").to.equal(records.length);
      const state = new TextDecoder().decode(await readContent(content, account.state, { maxBytes: 1_048_576 }));
      expect(state.replaceAll("\n", "")).to.equal(records.map(({ input }) => input).join(""));

      let gained = 0n;
      for (const { wallet, tasks } of users) {
        for (const { input, made, outcome } of tasks) {
          const hasLanded = records.some(({ request }) => made !== undefined && request === requestOf(made.signed));
          expect(outcome instanceof Error ? outcome.code : "ok", input).to.be.oneOf(["ok", ...FINAL_CODES]);
          expect(hasLanded, input).to.equal(!(outcome instanceof Error));
          gained += before.baseFeeStroops;
          if (outcome instanceof Error || outcome === undefined || made === undefined) continue;
          // The price is 1,000 stroops for 1,000 gas.
          gained += outcome.answer.gas;
          const again = await resume(scene.client, { ...made, wallet });
          expect(again.answer).to.deep.equal(outcome.answer);
          expect(again.output).to.deep.equal(outcome.output);
          expect(again.transition).to.deep.equal(outcome.transition);
        }
      }
      expect((await scene.account(program)).spendableStroops - before.spendableStroops).to.equal(gained);
      expect(records.length, "landed").to.be.at.least(1);
      expect(
        fragile.some(({ kills: count }, i) => count > (kills[i] ?? 0)),
        "killed",
      ).to.equal(true);
    }).timeout(SEED_TIMEOUT_MS);
  }

  function killOne(random: SeededRandom): void {
    const up = fragile.filter((worker) => !worker.isDown);
    if (fragile.length - up.length < MOST_DOWN) random.pick(up).killAndRestart();
  }

  async function doTasks(program: string, wallet: Wallet, tasks: readonly Task[], onStep: () => void): Promise<void> {
    for (const task of tasks) {
      while (task.outcome === undefined) task.outcome = await tryTask(program, wallet, task, onStep);
    }
  }

  /** Undefined when another try makes sense. */
  async function tryTask(
    program: string,
    wallet: Wallet,
    task: Task,
    onStep: () => void,
  ): Promise<ExecutionResult | SprfError | undefined> {
    try {
      if (task.made !== undefined) return await resume(scene.client, { ...task.made, wallet });
      const input = { bytes: new Uint8Array(utf8(`append ${task.input}\n`)) };
      return await execute(
        scene.client,
        { program, wallet, input },
        {
          onProgress(step) {
            if (step.step === "paying") task.made = { signed: step.signed, payment: step.payment };
            if (step.step !== "waiting") onStep();
          },
        },
      );
    } catch (error) {
      if (!isSprfError(error)) throw error;
      return error.fault === "network" ? undefined : error;
    }
  }
});

function requestOf(signed: SignedRequest): string {
  return toHex(hashRequest(signed.request));
}
