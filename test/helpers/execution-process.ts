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
  /** Says when a run begins, and then never ends it. */
  readonly hold: boolean;
}

export interface ExecutionProcess {
  readonly port: number;
  /** Resolves when the first run has begun. */
  readonly running: Promise<void>;
  /** `kill -9` */
  kill(): Promise<void>;
}

/** Starts a worker's execution service in a process that can be killed at any instant. */
export async function startExecutionProcess(init: ExecutionProcessInit): Promise<ExecutionProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)]);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const running = messageOf(child, "running").then(() => undefined);
  // Not every test waits for a run.
  running.catch(() => undefined);
  const port = Number(await messageOf(child, "port"));
  return {
    port,
    running,
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
  const worker = await createSceneWorker({
    n: init.n,
    port: init.port,
    ledger: createStellarRpcLedger(init),
    content,
    engine,
    clock,
    logger,
    scratchDirectory,
    changes: {
      store: createSqliteStore(init.storePath),
      wrapEngine: (honest) => ({
        ...honest,
        run: async (run, options) => {
          process.send?.({ running: true });
          if (init.hold) await new Promise(() => {});
          return await honest.run(run, options);
        },
      }),
    },
  });
  process.send?.({ port: Number(new URL(worker.url).port) });
  process.on("disconnect", () => process.exit(0));
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
