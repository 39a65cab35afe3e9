import { expect } from "chai";

import { SprfError, isSprfError } from "../../../src/errors.ts";
import { abortError, raceAbort, throwIfAborted, withDeadline } from "../../../src/utils/abort.ts";
import { codeOf } from "../../helpers/code-of.ts";

const never = new Promise<never>(() => undefined);

describe("abort", () => {
  it("lets pass while nobody has aborted", () => {
    throwIfAborted(undefined);
    throwIfAborted(new AbortController().signal);
  });

  it("throws ABORTED with the reason as cause", () => {
    const reason = new Error("shutting down");
    expect(() => throwIfAborted(AbortSignal.abort(reason)))
      .to.throw()
      .that.satisfies((error: unknown) => isSprfError(error, "ABORTED") && error.cause === reason);
  });

  it("throws the signal's own SprfError", () => {
    const reason = new SprfError("WORKER_BUSY", "the queue is full");
    expect(abortError(AbortSignal.abort(reason))).to.equal(reason);
  });

  it("calls a deadline that has passed TIMEOUT", async () => {
    const signal = withDeadline(undefined, 1);
    expect(await codeOf(raceAbort(never, signal))).to.equal("TIMEOUT");
  });

  it("aborts a deadline's signal as soon as the outer one aborts", async () => {
    const outer = new AbortController();
    const waiting = codeOf(raceAbort(never, withDeadline(outer.signal, 60_000)));
    outer.abort();
    expect(await waiting).to.equal("ABORTED");
  });

  it("settles as the promise does", async () => {
    const { signal } = new AbortController();
    expect(await raceAbort(Promise.resolve(7), signal)).to.equal(7);
    expect(await raceAbort(Promise.resolve(7), undefined)).to.equal(7);
    expect(await codeOf(raceAbort(Promise.reject(new SprfError("INTERNAL", "x")), signal))).to.equal("INTERNAL");
  });

  it("does not wait for a promise when the signal has aborted before", async () => {
    expect(await codeOf(raceAbort(never, AbortSignal.abort()))).to.equal("ABORTED");
  });

  it("handles the rejection of a promise that it has left behind", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const controller = new AbortController();
    const waiting = codeOf(raceAbort(promise, controller.signal));
    controller.abort();
    expect(await waiting).to.equal("ABORTED");
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    reject(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listener);
    expect(unhandled).to.deep.equal([]);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parts: Parameters<typeof add>) => {
      listeners++;
      add(...parts);
    };
    signal.removeEventListener = (...parts: Parameters<typeof remove>) => {
      listeners--;
      remove(...parts);
    };
    await raceAbort(Promise.resolve(1), signal);
    expect(listeners).to.equal(0);
  });
});
