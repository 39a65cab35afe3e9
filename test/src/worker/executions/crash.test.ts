import { join } from "node:path";

import { expect } from "chai";

import type { Wallet } from "../../../../src/client/wallet.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll } from "../../../helpers/ask-all.ts";
import { STOPS, startExecutionProcess, type ExecutionProcess } from "../../../helpers/execution-process.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

describe("a worker that is killed", () => {
  let scene: ExecutionScene;
  let victim: SceneWorker;
  let others: readonly SceneWorker[];
  let wallet: Wallet;
  let program: string;
  let process: ExecutionProcess | undefined;

  before(async () => {
    scene = await createExecutionScene();
    [victim, ...others] = scene.workers as [SceneWorker, ...SceneWorker[]];
    wallet = await scene.user();
    program = await scene.program("probe");
    const module = await scene.module("probe");
    for (const { content } of others) await content.pin(module);
    // Its place, key and port are taken by a process of its own.
    await victim.stop();
  });
  after(async () => {
    await process?.kill();
    await scene.stop();
  });

  const begin = async (): Promise<ExecutionProcess> =>
    await startExecutionProcess({
      n: 1,
      port: Number(new URL(victim.url).port),
      rpcUrl: scene.devnet.rpcUrl,
      networkPassphrase: scene.devnet.networkPassphrase,
      storePath: join(scene.scratchDirectory, "killed.sqlite"),
      scratchDirectory: join(scene.scratchDirectory, "killed"),
      peers: others.map(({ url }) => url),
    });

  for (const stop of STOPS) {
    it(`should lose no accepted request and sign nothing twice differently when that is ${stop}`, async () => {
      const paid = await scene.paid(wallet, program, `append killed ${stop};\n`);
      const answers = await askAll(others, paid.signed);

      const killed = (process ??= await begin());
      const earlier = killed.signed.length;
      const { reached } = await killed.stopAt(stop);
      const cut = ask(victim, paid.signed).then(
        () => "answered",
        (error: { code?: string }) => error.code,
      );
      expect(await Promise.race([reached, cut])).to.equal(undefined);
      await killed.kill();
      expect(await cut).to.equal("WORKER_UNREACHABLE");

      process = await begin();
      const retried = await ask(victim, paid.signed);
      expect(retried.signed.answer).to.deep.equal(answers[0]?.signed.answer);
      expect(retried.output).to.deep.equal(answers[0]?.output);
      expect(retried.signed.worker).to.equal(victim.ledgerKey.publicKey());
      // What it had signed when it was killed it signs again to the byte, and what it had stored not at all.
      const before = killed.signed.slice(earlier);
      expect(before).to.have.length(stop.startsWith("after") ? 1 : 0);
      if (stop === "after signing") expect(process.signed).to.deep.equal(before);
      if (stop === "after storing") expect(process.signed).to.deep.equal([]);

      const landed = await anchorAnswers(scene.client, paid, [retried, ...answers.slice(0, 1)], wallet);
      expect(landed?.successful).to.equal(true);
      expect(await ask(victim, paid.signed)).to.deep.equal(retried);
    }).timeout(120_000);
  }
});
