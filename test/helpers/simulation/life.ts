import type { Clock } from "../../../src/ports/clock.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { WorkerApi } from "../../../src/ports/worker-api.ts";
import { allOf } from "./all-of.ts";

/**
 * One life of a simulated process: all that it does to the world goes through `step`. Once it is killed, every step is refused, so
 * whatever its code still does stays without effect; what it had begun with others goes on without it, as after `kill -9`.
 */
export interface Life {
  readonly isAlive: boolean;
  /** Does one thing, unless the process is killed before; its result is lost when it is killed after. */
  step<T>(what: string, call: () => Promise<T>): Promise<T>;
  kill(why: string): void;
}

/** What the code of a process gets that is no more. */
export class KilledError extends Error {}

/** A life that ends by itself right before or after its `stepsLeft`-th step, each step counting twice; absent: not by itself. */
export function createLife(init: {
  readonly stepsLeft: number | undefined;
  readonly onKilled: (why: string) => void;
}): Life {
  let left = init.stepsLeft ?? Number.POSITIVE_INFINITY;
  let isAlive = true;
  const kill = (why: string): void => {
    if (!isAlive) return;
    isAlive = false;
    init.onKilled(why);
  };
  const survive = (why: string): void => {
    left -= 1;
    if (left < 0) kill(why);
    if (!isAlive) throw new KilledError(why);
  };
  return {
    get isAlive() {
      return isAlive;
    },
    async step(what, call) {
      survive(`before ${what}`);
      const result = await call();
      survive(`after ${what}`);
      return result;
    },
    kill,
  };
}

export function livingLedger(ledger: Ledger, life: Life): Ledger {
  return {
    networkPassphrase: ledger.networkPassphrase,
    latest: async (options) => await life.step("latest", async () => await ledger.latest(options)),
    account: async (id, names, options) =>
      await life.step("account", async () => await ledger.account(id, names, options)),
    transaction: async (hash, options) =>
      await life.step("transaction", async () => await ledger.transaction(hash, options)),
    header: async (sequence, options) => await life.step("header", async () => await ledger.header(sequence, options)),
    async *transactions(from, to, options) {
      yield* await life.step("transactions", async () => await allOf(ledger.transactions(from, to, options)));
    },
    submit: async (envelope, options) => await life.step("submit", async () => await ledger.submit(envelope, options)),
  };
}

export function livingContent(content: ContentStore, life: Life): ContentStore {
  return {
    start: async (options) => await content.start(options),
    stop: async () => await content.stop(),
    putFile: async (bytes, options) => await life.step("putFile", async () => await content.putFile(bytes, options)),
    putDirectory: async (entries, options) =>
      await life.step("putDirectory", async () => await content.putDirectory(entries, options)),
    listDirectory: async (cid, options) =>
      await life.step("listDirectory", async () => await content.listDirectory(cid, options)),
    putRecord: async (block, options) =>
      await life.step("putRecord", async () => await content.putRecord(block, options)),
    async *get(cid, options) {
      yield* await life.step("get", async () => await allOf(content.get(cid, options)));
    },
    has: async (cid, options) => await life.step("has", async () => await content.has(cid, options)),
    pin: async (cid, options) => await life.step("pin", async () => await content.pin(cid, options)),
    unpin: async (cid, options) => await life.step("unpin", async () => await content.unpin(cid, options)),
    async *held(prefix, options) {
      yield* await life.step("held", async () => await allOf(content.held(prefix, options)));
    },
  };
}

export function livingStore(store: Store, life: Life): Store {
  return {
    get: async (table, key) => await life.step("store.get", async () => await store.get(table, key)),
    list: async (table, range) => await life.step("store.list", async () => await store.list(table, range)),
    apply: async (changes) => await life.step("store.apply", async () => await store.apply(changes)),
    close: async () => await store.close(),
  };
}

export function livingEngine(engine: Engine, life: Life): Engine {
  return {
    kind: engine.kind,
    check: async (options) => await engine.check(options),
    prepare: async (reference, options) =>
      await life.step("prepare", async () => await engine.prepare(reference, options)),
    run: async (run, options) => await life.step("run", async () => await engine.run(run, options)),
    close: async () => await engine.close(),
  };
}

export function livingClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    sleep: async (ms, options) => await life.step("sleep", async () => await clock.sleep(ms, options)),
  };
}

export function livingWorkerApi(api: WorkerApi, life: Life): WorkerApi {
  return {
    ...api,
    execute: async (url, signed, options) =>
      await life.step("execute", async () => await api.execute(url, signed, options)),
    consent: async (url, proposal, options) =>
      await life.step("consent", async () => await api.consent(url, proposal, options)),
    endorse: async (url, proposal, options) =>
      await life.step("endorse", async () => await api.endorse(url, proposal, options)),
  };
}
