import { expect } from "chai";

import type { Wallet } from "../../../../src/client/wallet.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll, refusalOf } from "../../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../../helpers/lying-engine.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

describe("a worker whose answer is not the one that landed", () => {
  let scene: ExecutionScene;
  let odd: SceneWorker;
  let others: readonly SceneWorker[];
  let wallet: Wallet;

  before(async () => {
    scene = await createExecutionScene();
    [odd, ...others] = scene.workers as [SceneWorker, ...SceneWorker[]];
    wallet = await scene.user();
  });
  after(() => scene.stop());

  // Found by the simulation of executions, SPRF_SIMULATION_SEED=13.
  it("should not run the request again on the new state: its payment bought what landed", async () => {
    await odd.stop();
    odd.changes.wrapEngine = createLyingEngine;
    await odd.start();
    const program = await scene.program("probe");
    const paid = await scene.paid(wallet, program, "append once;\n");
    const answers = await askAll(others, paid.signed);
    expect((await ask(odd, paid.signed)).signed.answer.newState).not.to.equal(answers[0]?.signed.answer.newState);
    expect(await anchorAnswers(scene.client, paid, answers, wallet)).to.include({ successful: true });
    const { runs } = odd;
    expect(await refusalOf(odd, paid.signed)).to.equal("PAYMENT_USED");
    expect(odd.runs).to.equal(runs);
    expect(await askAll(others, paid.signed)).to.deep.equal(answers);
  });
});
