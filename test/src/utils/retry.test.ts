import { expect } from "chai";

import { SprfError, isSprfError } from "../../../src/errors.ts";
import { retry } from "../../../src/utils/retry.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";

describe("utils/retry", () => {
  const busy = (error: unknown): boolean => isSprfError(error, "WORKER_BUSY");
  const failing = (times: number): { work: () => Promise<string>; calls: () => number } => {
    let calls = 0;
    return {
      calls: () => calls,
      work: () => {
        calls += 1;
        return calls > times ? Promise.resolve("done") : Promise.reject(new SprfError("WORKER_BUSY", "busy"));
      },
    };
  };

  it("should come again after delays that double up to the longest", async () => {
    const clock = createManualClock(0);
    const { work, calls } = failing(5);
    const done = retry(work, { clock, firstDelayMs: 100, maxDelayMs: 400, retriable: busy });
    const seen: number[] = [];
    for (const ms of [100, 200, 400, 400, 400]) {
      await clock.advance(ms - 1);
      const before = calls();
      await clock.advance(1);
      seen.push(calls() - before);
    }
    expect(seen).to.deep.equal([1, 1, 1, 1, 1]);
    expect(await done).to.equal("done");
    expect(clock.sleepers).to.equal(0);
  });

  it("should throw at once what makes no sense to try again", async () => {
    const { work, calls } = failing(9);
    expect(await codeOf(retry(work, { clock: createManualClock(), retriable: () => false }))).to.equal("WORKER_BUSY");
    expect(calls()).to.equal(1);
  });

  it("should end while it waits, and before it starts, when it is aborted", async () => {
    const clock = createManualClock();
    const { work, calls } = failing(9);
    const abort = new AbortController();
    const waiting = codeOf(retry(work, { clock, signal: abort.signal, retriable: busy }));
    await clock.advance(50);
    abort.abort();
    expect(await waiting).to.equal("ABORTED");
    expect(clock.sleepers).to.equal(0);
    const before = calls();
    expect(await codeOf(retry(work, { clock, signal: abort.signal, retriable: busy }))).to.equal("ABORTED");
    expect(calls()).to.equal(before);
  });

  it("should say that it was aborted rather than what the work made of it", async () => {
    const abort = new AbortController();
    const work = (): Promise<never> => {
      abort.abort();
      return Promise.reject(new Error("socket closed"));
    };
    const options = { clock: createManualClock(), signal: abort.signal, retriable: () => false };
    expect(await codeOf(retry(work, options))).to.equal("ABORTED");
  });
});
