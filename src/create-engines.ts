import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type Docker from "dockerode";

import { createDockerEngine } from "./adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "./adapters/engine/wasi/create-wasi-engine.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { Engine, ProgramReference } from "./ports/engine.ts";
import type { Logger } from "./ports/logger.ts";

export interface EngineSettings {
  /** `wasi` is always there; `docker` needs a Docker Engine on this machine. */
  readonly kinds: readonly ProgramReference["kind"][];
  readonly docker?: { readonly connection?: Docker.DockerOptions; readonly runtime?: string };
  /** Where scratch copies of states rest; of one daemon alone. @default a folder of the data directory */
  readonly scratchDirectory?: string;
}

export type Engines = ReadonlyMap<ProgramReference["kind"], Engine>;

/** Makes the engines that the settings name; `check` tells whether each is there. */
export function createEngines(
  components: { readonly content: ContentStore; readonly logger: Logger },
  { kinds, docker = {}, scratchDirectory }: EngineSettings,
): Engines {
  const make = {
    wasi: () => createWasiEngine(components, { scratchDirectory }),
    docker: () => createDockerEngine(components, { ...docker, scratchDirectory }),
  };
  return new Map(kinds.map((kind) => [kind, make[kind]()]));
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
