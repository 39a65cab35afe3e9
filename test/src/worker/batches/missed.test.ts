import { expect } from "chai";

import { ask, refusalOf } from "../../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { historyOf, keptBy, prepay, proposalGate, restart, stateOf, untilKept } from "../../../helpers/prepaid.ts";
import { until } from "../../../helpers/until.ts";
import { releaseRecent } from "../../../../src/worker/history/holders.ts";

describe("worker/batches: a worker that missed a batch", () => {
  let scene: ExecutionScene;
  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    await scene.fundWorkers();
  });
  after(() => scene.stop());

  it("should answer from its own runs, and keep nothing of them once they are no longer recent", async () => {
    const program = await scene.program("probe");
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const paid = [
      await prepay(scene, await scene.user(), program, "append a;"),
      await prepay(scene, await scene.user(), program, "append b;"),
    ];
    for (const { signed } of paid) for (const worker of scene.workers) void refusalOf(worker, signed);
    await untilKept(scene.workers, paid.length);
    const missing = scene.workers[2]!;
    await missing.stop();
    gate.open();
    await until(async () => (await historyOf(scene, program)).some(({ kind }) => kind === "batch"), {
      what: "a batch lands",
      timeoutMs: 60_000,
    });
    const runs = missing.runs;
    await missing.start();
    await until(async () => (await keptBy(missing)) === 0, { what: "it has answered", timeoutMs: 60_000 });
    expect(missing.runs).to.be.greaterThan(runs);
    expect((await ask(missing, paid[1]!.signed)).signed.answer.newState).to.equal(stateOf("a;", "b;"));

    await until(async () => (await historyOf(scene, program))[0]?.kind === "refund", {
      what: "the program has moved on",
      timeoutMs: 60_000,
    });
    for (const { content } of scene.workers) {
      await content.collect();
      expect(await content.has(stateOf("a;")), "while appeals may rest on it").to.equal(true);
    }
    await releaseRecent(missing.content, { block: 1, atMs: scene.clock.now() + 120_000, limit: 1_000 });
    const held: string[] = [];
    for await (const { holder, cid } of missing.content.held("")) held.push(`${holder} ${cid}`);
    expect(held).to.deep.equal([]);
    await missing.content.collect();
    expect(await missing.content.has(stateOf("a;")), "the state in between").to.equal(false);
  }).timeout(90_000);
});
