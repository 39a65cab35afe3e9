import { join } from "node:path";

import { expect } from "chai";

import { awaitBatch } from "../../../../src/client/await-batch.ts";
import { findTip } from "../../../../src/execution/tip.ts";
import { ask } from "../../../helpers/ask-all.ts";
import { startExecutionProcess, type ExecutionProcess } from "../../../helpers/execution-process.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { batchesOf, prepay, stateOf } from "../../../helpers/prepaid.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

describe("worker/batches: a worker that is killed", () => {
  let scene: ExecutionScene;
  let victim: SceneWorker;
  let other: SceneWorker;
  let process: ExecutionProcess | undefined;

  before(async () => {
    scene = await createExecutionScene({ workers: 2 });
    await scene.fundWorkers();
    [victim, other] = scene.workers as [SceneWorker, SceneWorker];
    await victim.stop();
  });
  after(async () => {
    await process?.kill();
    await scene.stop();
  });

  const begin = async (hold: boolean): Promise<ExecutionProcess> =>
    await startExecutionProcess({
      n: 1,
      port: Number(new URL(victim.url).port),
      rpcUrl: scene.devnet.rpcUrl,
      networkPassphrase: scene.devnet.networkPassphrase,
      storePath: join(scene.scratchDirectory, "killed.sqlite"),
      scratchDirectory: join(scene.scratchDirectory, "killed"),
      peers: [other.url],
      hold,
    });

  it("should go on with what it took before kill -9 in the middle of a run, and land it with the other's signature", async () => {
    const program = await scene.program("probe");
    const account = await scene.account(program);
    const { recordCid } = await findTip(scene.client.ledger, account);
    // The killed one has nobody else to fetch from.
    for (const cid of [await scene.module("probe"), recordCid, account.state]) await other.content.pin(cid);
    const paid = await prepay(scene, await scene.user(), program, "append survived;");

    process = await begin(true);
    const cut = ask(victim, paid.signed).then(
      () => "answered",
      (error: { code?: string }) => error.code,
    );
    expect(await Promise.race([process.running, cut])).to.equal(undefined);
    await process.kill();
    expect(await cut).to.equal("WORKER_UNREACHABLE");

    // Nobody sends it to the victim again before it lands: it has it on disk.
    process = await begin(false);
    const answer = await ask(other, paid.signed);
    expect(answer.signed.answer.newState).to.equal(stateOf("survived;"));
    const result = await awaitBatch(scene.client, paid);
    expect(result.replies.filter((reply) => reply.answer !== undefined)).to.have.length(2);

    // Killed once more after it answered, it gives the same bytes again.
    const answered = await ask(victim, paid.signed);
    await process.kill();
    process = await begin(true);
    expect(await ask(victim, paid.signed)).to.deep.equal(answered);
    expect(await batchesOf(scene, program)).to.have.length(1);
  }).timeout(120_000);
});
