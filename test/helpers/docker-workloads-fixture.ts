import Docker from "dockerode";
import { execFile } from "node:child_process";
import { createServer, request, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createDockerWorkloads } from "../../src/adapters/workloads/docker/create-docker-workloads.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { WorkloadSpec } from "../../src/ports/workloads.ts";
import type { WorkloadsFixture } from "../compliance/workloads.ts";
import { DOCKER_SOCKET, dockerAbsence, pushImage, REGISTRY } from "./docker-programs.ts";

const CRASHING_NODE = fileURLToPath(new URL("../src/adapters/workloads/fixtures/crashing-node.mjs", import.meta.url));
const BUSYBOX = "/usr/bin/busybox";
const DOCKERFILE = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n';

/** Why no network can be made and no port published here, or undefined when they can. */
export async function dockerNetworkAbsence(): Promise<string | undefined> {
  const absent = await dockerAbsence();
  if (absent !== undefined) return absent;
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  const info = (await docker.info()) as { IPv4Forwarding?: boolean };
  if (info.IPv4Forwarding !== true) return "the Docker Engine does not forward packets";
  const bridges = await docker.listNetworks({ filters: { name: ["bridge"] } });
  if (!bridges.some(({ Name: name }) => name === "bridge")) return "the Docker Engine runs without its bridge";
  return undefined;
}

/** An image of busybox, with more lines of its Dockerfile; @returns its reference by digest */
export async function busyboxImage(repository = "sprf-test/busybox", more = ""): Promise<string> {
  const { digest } = await pushImage(repository, DOCKERFILE + more, { busybox: await readFile(BUSYBOX) });
  return `${REGISTRY}/${repository}@sha256:${digest}`;
}

/** Deployments on the Docker Engine of this machine, of an owner that nobody else has. */
export async function dockerWorkloadsFixture(owner: string): Promise<WorkloadsFixture> {
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  const folder = await mkdtemp(join(tmpdir(), "sprf-workloads-"));
  const init = { owner, firewall: "managed-elsewhere" as const };
  const containerId = async (contractId: string, name: string): Promise<string> => {
    const label = [`sprf.grid.owner=${owner}`, `sprf.grid.contract=${contractId}`];
    const found = await docker.listContainers({ all: true, filters: { label } });
    const id = found.find((each) => each.Names[0]?.includes(`-${contractId}-${name}-`))?.Id;
    if (id === undefined) throw new Error(`no container ${name} of ${contractId}`);
    return id;
  };
  return {
    create: (logger: Logger) => createDockerWorkloads({ logger }, init),
    image: await busyboxImage(),
    volumeImage: await busyboxImage("sprf-test/busybox-volume", "VOLUME /cache\n"),
    unknownImage: `${REGISTRY}/sprf-test/busybox@sha256:${"0".repeat(64)}`,
    address: `127.0.10.${(process.pid % 200) + 20}`,
    async deployAndDie(spec: WorkloadSpec, step: string, container?: string) {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      const child = execFile(process.execPath, [CRASHING_NODE, JSON.stringify({ init, spec, step, container })]);
      child.once("exit", (_code, signal) => resolve(signal));
      return await promise;
    },
    async killContainer(contractId, name) {
      // From inside: to Docker, a kill through its API is somebody's wish that it be stopped.
      const container = docker.getContainer(await containerId(contractId, name));
      const exec = await container.exec({ Cmd: ["kill", "-TERM", "1"] });
      await exec.start({ Detach: true });
    },
    async createOverFailingEngine(logger: Logger, fails) {
      const socketPath = join(folder, "failing.sock");
      const proxy = await failingProxy(socketPath, fails);
      return {
        workloads: createDockerWorkloads({ logger }, { ...init, connection: { socketPath } }),
        close: async () => {
          proxy.closeAllConnections();
          const { promise, resolve } = Promise.withResolvers<void>();
          proxy.close(() => resolve());
          await promise;
        },
      };
    },
    async close() {
      await rm(folder, { recursive: true });
    },
  };
}

/** The Docker Engine behind a socket that answers some requests with an error. */
async function failingProxy(socketPath: string, fails: (request: string) => boolean): Promise<Server> {
  const server = createServer((asked, answer) => {
    if (fails(`${asked.method ?? ""} ${asked.url ?? ""}`)) {
      answer.writeHead(500, { "content-type": "application/json" }).end('{"message":"the disk is on fire"}');
      return;
    }
    const { method, url: path, headers } = asked;
    const passed = request({ socketPath: DOCKER_SOCKET, method, path, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 500, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(socketPath, resolve);
  await promise;
  return server;
}
