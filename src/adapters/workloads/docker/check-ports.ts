import type Docker from "dockerode";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

import { SprfError } from "../../../errors.ts";
import type { WorkloadPort } from "../../../ports/workloads.ts";
import { read } from "./docker-calls.ts";
import { LABEL_CONTAINER, parseContainerLabel } from "./labels.ts";

/**
 * Refuses ports that somebody else has, before anything is stopped or started: other deployments, also while they are paused,
 * and whatever else listens on the node. Which of two deployments begun at once gets a port is decided by the Docker Engine.
 *
 * @param own ids of the deployment's containers
 * @throws SprfError `WORKLOAD_PORT_TAKEN`, `INVALID_INPUT` when the node does not have the address
 */
export async function checkPorts(
  docker: Docker,
  { ports, own, signal }: { ports: readonly WorkloadPort[]; own: ReadonlySet<string>; signal: AbortSignal },
): Promise<void> {
  if (ports.length === 0) return;
  const asked = docker.listContainers({ all: true, filters: { label: [LABEL_CONTAINER] } });
  const holders = (await read(asked, "the containers cannot be listed", signal)).map((each) => ({
    isOwn: own.has(each.Id),
    running: each.State === "running",
    ports: parseContainerLabel(each.Labels[LABEL_CONTAINER])?.ports ?? [],
  }));
  for (const port of ports) {
    const key = `${port.hostAddress}:${port.hostPort}/${port.protocol}`;
    const holding = holders.filter((holder) => holder.ports.includes(key));
    if (holding.some(({ isOwn }) => !isOwn)) throw taken(key);
    if (!holding.some(({ running }) => running)) await refuseTaken(port, key);
  }
}

async function refuseTaken(
  { hostAddress: address, hostPort: port, protocol }: WorkloadPort,
  key: string,
): Promise<void> {
  try {
    await (protocol === "tcp" ? tryTcp(address, port) : tryUdp(address, port));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw taken(key, error);
    if (code === "EADDRNOTAVAIL") {
      throw new SprfError("INVALID_INPUT", `the node does not have the address ${address}`, { cause: error });
    }
    // A low port that this process may not open and the Docker Engine may: it will say.
    if (code !== "EACCES") throw new SprfError("ENGINE_FAILED", `${key} cannot be looked at`, { cause: error });
  }
}

async function tryTcp(address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once("error", reject);
  server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve()));
  await promise;
}

async function tryUdp(address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket("udp4");
  socket.once("error", reject);
  socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve()));
  await promise;
}

function taken(key: string, cause?: unknown): SprfError {
  return new SprfError("WORKLOAD_PORT_TAKEN", `${key} is taken`, { cause, context: { port: key } });
}
