import { join } from "node:path";

import { expect } from "chai";

import type { Wallet } from "../../../../src/client/wallet.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll } from "../../../helpers/ask-all.ts";
import { startExecutionProcess, type ExecutionProcess } from "../../../helpers/execution-process.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

describe("a worker that is killed", () => {
  let scene: ExecutionScene;
  let victim: SceneWorker;
  let others: readonly SceneWorker[];
  let wallet: Wallet;
  let process: ExecutionProcess | undefined;

  before(async () => {
    scene = await createExecutionScene();
    [victim, ...others] = scene.workers as [SceneWorker, ...SceneWorker[]];
    wallet = await scene.user();
    // Its place, key and port are taken by a process of its own.
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
      peers: others.map(({ url }) => url),
      hold,
    });

  it("should lose no accepted request: after kill -9 between acceptance and answer, the retry gets what the others say", async () => {
    const program = await scene.program("probe");
    const paid = await scene.paid(wallet, program, "append survived\n");
    const module = await scene.module("probe");
    for (const { content } of others) await content.pin(module);
    const answers = await askAll(others, paid.signed);

    process = await begin(true);
    const cut = ask(victim, paid.signed).then(
      () => "answered",
      (error: { code?: string }) => error.code,
    );
    expect(await Promise.race([process.running, cut])).to.equal(undefined);
    await process.kill();
    expect(await cut).to.equal("WORKER_UNREACHABLE");

    process = await begin(false);
    const retried = await ask(victim, paid.signed);
    expect(retried.signed.answer).to.deep.equal(answers[0]?.signed.answer);
    expect(retried.output).to.deep.equal(answers[0]?.output);
    expect(retried.signed.worker).to.equal(victim.ledgerKey.publicKey());

    // Killed once more after it answered, it gives the same bytes again, signatures and all.
    await process.kill();
    process = await begin(true);
    expect(await ask(victim, paid.signed)).to.deep.equal(retried);
    const landed = await anchorAnswers(scene.client, paid, [retried, ...answers.slice(0, 1)], wallet);
    expect(landed?.successful).to.equal(true);
    expect(await ask(victim, paid.signed)).to.deep.equal(retried);
  });
});
