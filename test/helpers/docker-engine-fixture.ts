import Docker from "dockerode";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createDockerEngine } from "../../src/adapters/engine/docker/create-docker-engine.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { EngineFixture } from "../compliance/engine.ts";
import { compileStatic, DOCKER_SOCKET, dockerAbsence, pushImage, REGISTRY } from "./docker-programs.ts";

const SOURCE = fileURLToPath(new URL("../src/adapters/engine/fixtures/probe.c", import.meta.url));

/** The engine and programs of the compliance suites on the Docker Engine of this machine, on a runtime of its own if one is given. */
export async function dockerEngineFixture(owner: string, runtime?: string): Promise<EngineFixture> {
  const connection = { socketPath: DOCKER_SOCKET };
  const docker = new Docker(connection);
  const containers = async (): Promise<string[]> => {
    const found = await docker.listContainers({ filters: { label: [`sprf.owner=${owner}`] } });
    return found.map(({ Id: id }) => id);
  };
  const folder = await mkdtemp(join(tmpdir(), "sprf-probe-"));
  const binary = await compileStatic(join(folder, "probe"), SOURCE);
  await rm(folder, { recursive: true });
  const dockerfile = 'FROM scratch\nCOPY probe /probe\nLABEL sprf.seconds="2"\nENTRYPOINT ["/probe"]\n';
  return {
    create: (scratchDirectory) =>
      createDockerEngine({ logger: createMemoryLogger() }, { connection, scratchDirectory, owner, runtime }),
    probe: await pushImage("sprf-test/probe", dockerfile, { probe: binary }),
    directoryProbe: await pushImage(
      "sprf-test/directory-probe",
      dockerfile.replace("LABEL", 'LABEL sprf.state="directory"\nLABEL'),
      { probe: binary },
    ),
    unknown: { kind: "docker", image: `${REGISTRY}/sprf-test/probe:test`, digest: "0".repeat(64) },
    constantEnvironment: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOSTNAME: "sprf",
      HOME: "/",
      TZ: "UTC",
    },
    fixesClockAndRandomness: false,
    memoryBomb: "ENGINE_FAILED",
    trapExitCode: 132,
    crashingWorker: { owner, connection, ...(runtime === undefined ? {} : { runtime }) },
    isRunning: async () => (await containers()).length > 0,
    leftOvers: containers,
    close: () => Promise.resolve(),
  };
}

/** Why no program can be run on a runtime here, or undefined when the Docker Engine knows it. */
export async function runtimeAbsence(runtime: string): Promise<string | undefined> {
  const absent = await dockerAbsence();
  if (absent !== undefined) return absent;
  const { Runtimes: known } = (await new Docker({ socketPath: DOCKER_SOCKET }).info()) as {
    Runtimes?: Readonly<Record<string, unknown>>;
  };
  return known !== undefined && runtime in known ? undefined : `the Docker Engine has no runtime ${runtime}`;
}
