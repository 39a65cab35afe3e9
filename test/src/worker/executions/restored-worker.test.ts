import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { markRestored } from "../../../../src/worker/executions/restored.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

const TIMEOUT_MS = 60_000;

describe("a worker whose store comes from a backup", function () {
  this.timeout(TIMEOUT_MS);
  let scene: ExecutionScene;
  before(async () => {
    scene = await createExecutionScene();
  });
  after(async () => await scene.stop());

  it("should not sign again what it may have signed since, until the ledger has moved, and new requests then", async () => {
    const [restored, ...others] = scene.workers as [SceneWorker, ...SceneWorker[]];
    const wallet = await scene.user();
    const program = await scene.program("probe");
    const paid = await scene.paid(wallet, program, "append lost;\n");
    const answers = await askAll(scene.workers, paid.signed);
    await restored.stop();
    const store = createMemoryStore();
    const now = systemClock.now();
    await markRestored(store, { takenAtMs: now - TIMEOUT_MS, restoredAtMs: now });
    restored.changes.store = store;
    await restored.start();

    const { runs } = restored;
    expect(await codeOf(ask(restored, paid.signed))).to.equal("STORE_RESTORED");
    expect(restored.runs).to.equal(runs);
    await anchorAnswers(scene.client, paid, answers.slice(1), wallet);
    expect(await codeOf(ask(restored, paid.signed))).to.equal("PAYMENT_USED");
    const next = await scene.paid(wallet, program, "append next;\n");
    const [own, other] = await askAll([restored, ...others], next.signed);
    expect(own?.signed.answer).to.deep.equal(other?.signed.answer);
  });
});
