import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type Docker from "dockerode";

import { createDockerEngine } from "./adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "./adapters/engine/wasi/create-wasi-engine.ts";
import { createSelfCheckingEngine } from "./adapters/engine/self-check.ts";
import { createStateCache, type StateCache } from "./execution/state-cache.ts";
import type { Clock } from "./ports/clock.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { Engine, ProgramReference } from "./ports/engine.ts";
import type { Logger } from "./ports/logger.ts";

export interface EngineSettings {
  /** `wasi` is always there; `docker` needs a Docker Engine on this machine. */
  readonly kinds: readonly ProgramReference["kind"][];
  readonly docker?: {
    readonly connection?: Docker.DockerOptions;
    readonly runtime?: string;
    /** How much the images that the worker pulled may take. @default all stay */
    readonly imageCacheBytes?: number;
    /** Digests are ids of images of this machine. @default false */
    readonly localImages?: boolean;
  };
  /** Where scratch copies of states rest; of one daemon alone. @default a folder of the data directory */
  readonly scratchDirectory?: string;
  /** How much the states that stay on disk between runs may take; 0 for none. @default 2 GiB */
  readonly stateCacheBytes?: number;
  /** Runs everything twice, and fails when the results differ. @default false */
  readonly selfCheck?: boolean;
}

const STATE_CACHE_BYTES = 2 * 1024 ** 3;

export type Engines = ReadonlyMap<ProgramReference["kind"], Engine>;

/** Makes the engines that the settings name; `check` tells whether each is there. */
export function createEngines(
  components: { readonly content: ContentStore; readonly logger: Logger },
  { kinds, docker = {}, scratchDirectory, selfCheck = false }: EngineSettings,
): Engines {
  const make = {
    wasi: () => createWasiEngine(components, { scratchDirectory }),
    docker: () => {
      const { imageCacheBytes: maxBytes, ...reached } = docker;
      const path = join(scratchDirectory ?? tmpdir(), "images.json");
      const images = maxBytes === undefined ? undefined : { path, maxBytes };
      return createDockerEngine(components, { ...reached, scratchDirectory, images });
    },
  };
  return new Map(kinds.map((kind) => [kind, selfCheck ? createSelfCheckingEngine(make[kind]()) : make[kind]()]));
}

/** The states that a daemon keeps on disk between runs. */
export function createStates(
  components: { readonly clock: Clock; readonly logger: Logger },
  { scratchDirectory, stateCacheBytes = STATE_CACHE_BYTES }: EngineSettings & { readonly scratchDirectory: string },
): StateCache | undefined {
  if (stateCacheBytes === 0) return undefined;
  return createStateCache(components, { directory: join(scratchDirectory, "states"), maxBytes: stateCacheBytes });
}

/** A folder for the runs of one daemon, emptied of what an earlier process left when it was killed. */
export async function prepareRuns(scratchDirectory: string): Promise<void> {
  await rm(runsOf(scratchDirectory), { recursive: true, force: true });
}

/** Where a daemon's scratch copies rest. */
export function scratchOf(
  { engines, dataDirectory }: { readonly engines: EngineSettings; readonly dataDirectory?: string },
  account: string,
): string {
  return engines.scratchDirectory ?? join(dataDirectory ?? join(tmpdir(), `sprf-${account}`), "scratch");
}

/** Where each run of a daemon has its folder. */
export function runsOf(scratchDirectory: string): string {
  return join(scratchDirectory, "runs");
}

/** Makes sure that every engine is there. @throws SprfError `ENGINE_UNAVAILABLE` */
export async function checkEngines(
  engines: Engines,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  for (const engine of engines.values()) await engine.check({ signal });
}

/** Ends what runs on all engines; safe to repeat. */
export async function closeEngines(engines: Engines): Promise<void> {
  await Promise.all([...engines.values()].map(async (engine) => await engine.close()));
}
