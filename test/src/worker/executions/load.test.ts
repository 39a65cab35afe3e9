import { expect } from "chai";

import { isSprfError } from "../../../../src/errors.ts";
import { createLoad } from "../../../../src/worker/executions/load.ts";
import { createRequestQueue, type RequestQueue } from "../../../../src/worker/executions/request-queue.ts";

describe("worker/executions/load", () => {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const asker = { program: "a", deadlineMs: 0 };
  const queueOf = (concurrency: number): RequestQueue => createRequestQueue({ clock }, { concurrency });

  const refusalOf = (check: () => void): Readonly<Record<string, unknown>> | undefined => {
    try {
      check();
      return undefined;
    } catch (error) {
      if (isSprfError(error, "WORKER_BUSY")) return error.context;
      throw error;
    }
  };

  it("should refuse what would wait too long by what the last ones took, and say when to try again", async () => {
    const queue = queueOf(1);
    const load = createLoad({ queue, clock }, { maxQueued: 100, maxWaitMs: 60_000 });
    await load.measure(async () => await Promise.resolve((clock.nowMs += 10_000)));
    const held = Promise.withResolvers<void>();
    const work = Array.from({ length: 7 }, () => queue.add(asker, async () => await held.promise));
    expect(queue.size, "one runs").to.equal(6);
    expect(refusalOf(() => load.check())).to.equal(undefined);
    work.push(queue.add(asker, async () => await held.promise));
    expect(refusalOf(() => load.check())).to.deep.equal({ waiting: 7, retryAfterSeconds: 10 });
    held.resolve();
    await Promise.all(work);
    expect(refusalOf(() => load.check())).to.equal(undefined);
  });

  it("should refuse more than may wait", () => {
    const queue = queueOf(1);
    const load = createLoad({ queue, clock }, { maxQueued: 2 });
    const held = Promise.withResolvers<void>();
    for (let n = 0; n < 3; n++) void queue.add(asker, async () => await held.promise);
    expect(refusalOf(() => load.check())).to.deep.equal({ waiting: 2, retryAfterSeconds: 1 });
    held.resolve();
  });
});
