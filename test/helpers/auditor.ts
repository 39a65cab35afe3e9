import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createWasiEngine } from "../../src/adapters/engine/wasi/create-wasi-engine.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../src/adapters/store/memory.ts";
import { auditProgram, type AuditInit, type AuditOptions } from "../../src/audit/audit-program.ts";
import type { AuditReport } from "../../src/audit/report.ts";
import type { LimitTable } from "../../src/execution/limits.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Store } from "../../src/ports/store.ts";
import type { ExecutionScene } from "./execution-scene.ts";

/** Audits the programs of a scene with a content store of its own, which starts empty. */
export interface SceneAuditor {
  readonly content: CollectingContentStore;
  readonly engine: Engine;
  /** How many runs it has made. */
  readonly runs: number;
  /** Each call goes on from what the ones before have found. */
  audit(program: string, init?: Partial<AuditInit>, options?: AuditOptions): Promise<AuditReport>;
  close(): Promise<void>;
}

export async function createSceneAuditor(
  scene: ExecutionScene,
  {
    store = createMemoryStore(),
    ledger = scene.client.ledger,
    clock = scene.clock,
    engine: given,
    limitTables,
    peers = () => [scene.client.content, ...scene.workers.map(({ content }) => content)],
  }: {
    readonly store?: Store;
    readonly ledger?: Ledger;
    /** The audit's own; content has the scene's. */
    readonly clock?: Clock;
    /** @default a WASI engine of its own */
    readonly engine?: Engine;
    readonly limitTables?: readonly LimitTable[];
    readonly peers?: () => readonly CollectingContentStore[];
  } = {},
): Promise<SceneAuditor> {
  const { scratchDirectory } = scene;
  const logger = createMemoryLogger();
  const content = createMemoryContentStore({ peers, clock: scene.clock, logger });
  await content.start();
  const engine = given ?? createWasiEngine({ content, logger }, { scratchDirectory, warm: 1 });
  let runs = 0;
  const counting: Engine = {
    ...engine,
    run: async (run, options) => {
      runs += 1;
      return await engine.run(run, options);
    },
  };
  const components = {
    ledger,
    content,
    engines: new Map([[engine.kind, counting]]),
    scratchDirectory,
    store,
    clock,
    limitTables,
  };
  return {
    content,
    engine,
    get runs() {
      return runs;
    },
    audit: async (program, init = {}, options = {}) =>
      await auditProgram(components, program, { jobs: 2, ...init }, options),
    async close() {
      await engine.close();
      await content.stop();
    },
  };
}
