import { expect } from "chai";
import fc from "fast-check";

import { createFairOrder } from "../../../../src/domain/program/fair-order.ts";
import { createRequestQueue, type RequestQueue } from "../../../../src/worker/executions/request-queue.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { SprfError } from "../../../../src/errors.ts";

const MINUTE_MS = 60_000;

describe("worker/executions/request-queue", () => {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const fairQueue = (): RequestQueue =>
    createRequestQueue({ clock }, { concurrency: 1, order: createFairOrder(clock) });

  /** The order in which requests are begun that all wait behind another. */
  async function begunOf(
    queue: RequestQueue,
    requests: readonly { readonly program: string; readonly deadlineMs: number }[],
  ): Promise<readonly string[]> {
    const begun: string[] = [];
    const held = Promise.withResolvers<void>();
    const first = queue.add({ program: "first", deadlineMs: MINUTE_MS }, async () => await held.promise);
    const all = requests.map((asker) =>
      queue.add(asker, async () => {
        begun.push(`${asker.program} ${asker.deadlineMs}`);
        await Promise.resolve();
      }),
    );
    held.resolve();
    await Promise.all([first, ...all]);
    return begun;
  }

  it("should let that request of a program go first that ends first, and no other program wait for it", async () => {
    const begun = await begunOf(fairQueue(), [
      { program: "a", deadlineMs: 9 * MINUTE_MS },
      { program: "a", deadlineMs: 8 * MINUTE_MS },
      { program: "b", deadlineMs: 9 * MINUTE_MS },
      { program: "a", deadlineMs: MINUTE_MS },
    ]);
    expect(begun).to.deep.equal(["a 60000", "b 540000", "a 480000", "a 540000"]);
  });

  it("should take whatever comes first where there is no order", async () => {
    const queue = createRequestQueue({ clock }, { concurrency: 1 });
    const requests = [3, 1, 2].map((minutes) => ({ program: "a", deadlineMs: minutes * MINUTE_MS }));
    expect(await begunOf(queue, requests)).to.deep.equal(requests.map(({ deadlineMs }) => `a ${deadlineMs}`));
  });

  it("should begin each once, in the order of deadlines within a program", async () => {
    const askers = fc.record({ program: fc.constantFrom("a", "b", "c"), deadlineMs: fc.nat({ max: 1_000_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(askers, { maxLength: 30 }), async (requests) => {
        const begun = await begunOf(fairQueue(), requests);
        for (const program of ["a", "b", "c"]) {
          const own = requests.filter((request) => request.program === program).map(({ deadlineMs }) => deadlineMs);
          expect(begun.filter((text) => text.startsWith(program))).to.deep.equal(
            own.toSorted((x, y) => x - y).map((deadlineMs) => `${program} ${deadlineMs}`),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it("should say how long the oldest waits, and hand failures to whoever asked", async () => {
    const queue = fairQueue();
    const held = Promise.withResolvers<void>();
    const first = queue.add({ program: "a", deadlineMs: 0 }, async () => await held.promise);
    const failing = queue.add({ program: "a", deadlineMs: 0 }, async () => {
      await Promise.resolve();
      throw new SprfError("ENGINE_FAILED", "as it was told");
    });
    const code = codeOf(failing);
    clock.nowMs += 2_500;
    expect([queue.size, queue.pending, queue.oldestMs()]).to.deep.equal([1, 1, 2_500]);
    held.resolve();
    await first;
    expect(await code).to.equal("ENGINE_FAILED");
    await queue.onIdle();
    expect([queue.size, queue.pending, queue.oldestMs()]).to.deep.equal([0, 0, 0]);
  });
});
