import { expect } from "chai";

import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { LogLine } from "../../../../src/adapters/logger/memory.ts";
import { createBoundedQueue } from "../../../../src/adapters/messenger/bounded-queue.ts";
import type { BoundedQueue, BoundedQueueInit } from "../../../../src/adapters/messenger/bounded-queue.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";

describe("adapters/messenger/bounded-queue", () => {
  const clock = createManualClock();
  let lines: LogLine[];
  let done: number[];
  let dropped: number[];
  let first: PromiseWithResolvers<void>;
  let queue: BoundedQueue;

  /** A queue of eight that is held up by its first piece of work, with `count` more offered. */
  const fill = (overloaded: BoundedQueueInit["overloaded"], count: number): void => {
    queue = createBoundedQueue({ capacity: 8, overloaded, what: "things", clock, logger: createMemoryLogger(lines) });
    queue.offer(async () => await first.promise);
    for (let index = 0; index < count; index += 1) {
      queue.offer(
        async () => void done.push(index),
        () => void dropped.push(index),
      );
    }
  };
  const settle = async (): Promise<void> => {
    first.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };

  beforeEach(() => {
    [lines, done, dropped] = [[], [], []];
    first = Promise.withResolvers();
  });

  it("should keep the order while little waits", async () => {
    fill("newest", 2);
    await settle();
    expect(done).to.deep.equal([0, 1]);
  });

  it("should do the latest first when much waits, drop the oldest when full, and say so once", async () => {
    fill("newest", 11);
    await settle();
    expect(dropped).to.deep.equal([0, 1, 2]);
    expect(done).to.deep.equal([10, 9, 8, 7, 6, 5, 3, 4]);
    expect(lines.map(({ level }) => level)).to.deep.equal(["warn"]);
  });

  it("should keep the order and drop what comes last where order counts", async () => {
    fill("oldest", 10);
    await settle();
    expect(done).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(dropped).to.deep.equal([8, 9]);
  });

  it("should drop what waits when it is closed, and take nothing after", async () => {
    fill("newest", 3);
    const closing = queue.close();
    first.resolve();
    await closing;
    queue.offer(
      async () => void done.push(99),
      () => void dropped.push(99),
    );
    expect([done, dropped]).to.deep.equal([[], [0, 1, 2, 99]]);
  });

  it("should go on after work that fails", async () => {
    fill("oldest", 0);
    queue.offer(async () => await Promise.reject(new Error("broken")));
    await settle();
    expect(lines.map(({ level }) => level)).to.deep.equal(["error"]);
  });
});
