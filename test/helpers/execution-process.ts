import { fork, type ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { systemClock as clock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createWasiEngine } from "../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createStellarRpcLedger } from "../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { Store } from "../../src/ports/store.ts";
import { createSceneWorker } from "./scene-worker.ts";

/** What a worker in a process of its own is started with. */
export interface ExecutionProcessInit {
  readonly n: number;
  readonly port: number;
  readonly rpcUrl: string;
  readonly networkPassphrase: string;
  readonly storePath: string;
  readonly scratchDirectory: string;
  /** Other workers, whose blocks it can fetch. */
  readonly peers: readonly string[];
}

/** Where a request can be stopped on its way through a worker, in this order. */
export const STOPS = ["before the run", "during the run", "before signing", "after signing", "after storing"] as const;

export type Stop = (typeof STOPS)[number];

export interface ExecutionProcess {
  readonly port: number;
  /** From now on no request gets past there; `reached` resolves when the first has come. */
  stopAt(stop: Stop): Promise<{ readonly reached: Promise<void> }>;
  /** The signed answers that it was about to store, in base64. */
  readonly signed: readonly string[];
  /** `kill -9` */
  kill(): Promise<void>;
}

/** Starts a worker's execution service in a process that can be killed at any instant. */
export async function startExecutionProcess(init: ExecutionProcessInit): Promise<ExecutionProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)]);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const signed: string[] = [];
  child.on("message", (message: { readonly signed?: string }) => {
    if (message.signed !== undefined) signed.push(message.signed);
  });
  const port = Number(await messageOf(child, "port"));
  return {
    port,
    signed,
    async stopAt(stop) {
      const [armed, stopped] = [messageOf(child, "armed"), messageOf(child, "stopped")];
      stopped.catch(() => undefined);
      child.send({ stop });
      await armed;
      return { reached: stopped.then(() => undefined) };
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function messageOf(child: ChildProcess, name: string): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the process ended before it said ${name}`));
    const onMessage = (message: unknown): void => {
      if (typeof message !== "object" || message === null || !(name in message)) return;
      child.off("exit", onExit);
      child.off("message", onMessage);
      resolve((message as Record<string, unknown>)[name]);
    };
    child.once("exit", onExit);
    child.on("message", onMessage);
  });
}

async function main(init: ExecutionProcessInit): Promise<void> {
  const logger = createMemoryLogger();
  const { scratchDirectory } = init;
  await mkdir(scratchDirectory, { recursive: true });
  const content = createMemoryContentStore({ peers: () => init.peers.map(peerAt), clock, logger });
  await content.start();
  const engine = createWasiEngine({ content, logger }, { scratchDirectory, warm: 1 });
  const stoppable = createStops();
  const worker = await createSceneWorker({
    n: init.n,
    port: init.port,
    ledger: createStellarRpcLedger(init),
    content: stoppable.content(content),
    engine,
    clock,
    logger,
    scratchDirectory,
    changes: {
      store: stoppable.store(createSqliteStore(init.storePath)),
      wrapEngine: (honest) => stoppable.engine(honest),
    },
  });
  process.send?.({ port: Number(new URL(worker.url).port) });
  process.on("disconnect", () => process.exit(0));
}

/** The parts of a worker, which stop for ever where the parent process says. */
function createStops(): {
  engine(engine: Engine): Engine;
  content(content: CollectingContentStore): CollectingContentStore;
  store(store: Store): Store;
} {
  let armed: Stop | undefined;
  process.on("message", (message: { readonly stop?: Stop }) => {
    armed = message.stop;
    process.send?.({ armed });
  });
  const pass = async (stop: Stop): Promise<void> => {
    if (armed !== stop) return;
    process.send?.({ stopped: stop });
    await new Promise(() => {});
  };
  return {
    engine: (engine) => ({
      ...engine,
      async run(run, options) {
        await pass("before the run");
        const running = engine.run(run, options);
        running.catch(() => undefined);
        await pass("during the run");
        return await running;
      },
    }),
    content: (content) => ({
      ...content,
      async putRecord(block, options) {
        await pass("before signing");
        return await content.putRecord(block, options);
      },
    }),
    store: (store) => ({
      ...store,
      async apply(changes) {
        const answer = changes.find(({ table }) => table === "attempts");
        if (answer === undefined || !("value" in answer)) return await store.apply(changes);
        process.send?.({ signed: Buffer.from(answer.value).toString("base64") });
        await pass("after signing");
        await store.apply(changes);
        await pass("after storing");
      },
    }),
  };
}

/** Another worker as a source of blocks, over its gateway. */
function peerAt(url: string): CollectingContentStore {
  const peer: Pick<CollectingContentStore, "localBlock"> = {
    async localBlock(cid) {
      const response = await fetch(`${url}/ipfs/${cid}?format=raw`);
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    },
  };
  return peer as CollectingContentStore;
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as ExecutionProcessInit);
