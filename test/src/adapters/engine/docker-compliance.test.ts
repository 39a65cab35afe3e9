import Docker from "dockerode";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { engineCompliance, type EngineFixture } from "../../../compliance/engine.ts";
import { engineDirectories } from "../../../compliance/engine-directories.ts";
import { engineEscapes } from "../../../compliance/engine-escapes.ts";
import { compileStatic, DOCKER_SOCKET, dockerAbsence, pushImage, REGISTRY } from "../../../helpers/docker-programs.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

const OWNER = `engine-compliance-${process.pid}`;
const SOURCE = fileURLToPath(new URL("fixtures/probe.c", import.meta.url));

describeWithPart("docker", await dockerAbsence(), "engine port on a Docker Engine", () => {
  let fixture: Promise<EngineFixture> | undefined;
  const setUp = async (): Promise<EngineFixture> => await (fixture ??= build());
  engineCompliance("docker", setUp);
  engineEscapes("docker", setUp);
  engineDirectories("docker", setUp);
});

async function build(): Promise<EngineFixture> {
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  const containers = async (): Promise<string[]> => {
    const found = await docker.listContainers({ filters: { label: [`sprf.owner=${OWNER}`] } });
    return found.map(({ Id: id }) => id);
  };
  const folder = await mkdtemp(join(tmpdir(), "sprf-probe-"));
  const binary = await compileStatic(join(folder, "probe"), SOURCE);
  await rm(folder, { recursive: true });
  const dockerfile = 'FROM scratch\nCOPY probe /probe\nLABEL sprf.seconds="2"\nENTRYPOINT ["/probe"]\n';
  return {
    create: (scratchDirectory) =>
      createDockerEngine({ logger: createMemoryLogger() }, { scratchDirectory, owner: OWNER }),
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
    crashingWorker: { owner: OWNER },
    isRunning: async () => (await containers()).length > 0,
    leftOvers: containers,
    close: () => Promise.resolve(),
  };
}
