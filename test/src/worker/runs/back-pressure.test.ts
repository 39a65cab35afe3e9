import { expect } from "chai";

import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { readRunQueue } from "../../../../src/adapters/run-queue/read-view.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import { requestToJson } from "../../../../src/wire/execution-json.ts";
import type { SignedRequest } from "../../../../src/wire/execution-request.ts";
import { ask } from "../../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { createRunFleet, type RunFleet } from "../../../helpers/run-fleet.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";
import { until } from "../../../helpers/until.ts";

const TIMEOUT_MS = 60_000;

describeWithPart("postgres", postgresAbsent(), "a worker whose queue is full", function () {
  this.timeout(TIMEOUT_MS);
  let server: PostgresServer;
  let scene: ExecutionScene;
  let worker: SceneWorker;
  let fleet: RunFleet;
  let engine: Engine;

  before(async () => {
    server = await startPostgres();
    scene = await createExecutionScene({ workers: 1 });
    [worker] = scene.workers as [SceneWorker];
    const contents = { content: worker.content, addStore: async () => await scene.addStore() };
    fleet = await createRunFleet(server.url, { isChecked: false, contents });
    engine = createWasiEngine(
      { content: worker.content, logger: scene.logger },
      { scratchDirectory: scene.scratchDirectory },
    );
    Object.assign(worker.changes, { runs: fleet.runs, maxQueued: 1, concurrency: 1 });
    await worker.stop();
    await worker.start();
  });
  after(async () => {
    await scene.stop();
    await fleet.stop();
    await engine.close();
    await server.remove();
  });

  it("should say so and when to try again, and answer the same request once there is room", async () => {
    const program = await scene.program("probe");
    const paid = await Promise.all(
      ["noop\n", "noop\n", "noop\n"].map(async (input) => await scene.paid(await scene.user(), program, input)),
    );
    const [first, second, third] = paid.map(({ signed }) => signed) as [SignedRequest, SignedRequest, SignedRequest];
    const running = ask(worker, first);
    // Nobody is there to make it.
    await until(async () => (await readRunQueue(fleet.postgres.pool)).waiting === 1, { what: "it waits" });
    const post = async (request: SignedRequest): Promise<Response> =>
      await fetch(`${worker.url}/v1/executions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(requestToJson(request)),
      });
    // One of them waits in the worker, and the other is too much.
    const both = [post(second), post(third)];
    const refused = await Promise.race(both);
    expect(refused.status).to.equal(429);
    expect(refused.headers.get("retry-after")).to.equal("1");
    const { error } = (await refused.json()) as { error: { code: string } };
    expect(error.code).to.equal("WORKER_BUSY");
    await fleet.addRunner("late", engine);
    expect((await running).signed.answer.status).to.equal("accepted");
    expect((await Promise.all(both)).map(({ status }) => status).toSorted((a, b) => a - b)).to.deep.equal([200, 429]);
    // The one that was answered already gets its answer again.
    for (const request of [second, third]) {
      expect((await ask(worker, request)).signed.answer.status).to.equal("accepted");
    }
  });
});
