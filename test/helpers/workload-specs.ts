import { createServer } from "node:net";

import type { WorkloadContainer, WorkloadSpec } from "../../src/ports/workloads.ts";

const MIB = 1024 * 1024;
/** Ends at once when it is told to, as pid 1 does only if it says so. */
const SERVE = [
  'trap "exit 0" TERM',
  "mkdir -p /data /www",
  'echo "$TEXT" >>/data/history',
  'echo "$TEXT" >/www/index.html',
  "ln -s /data/history /www/history",
  "httpd -p 80 -h /www",
  'echo "serving $TEXT"',
  "sleep 100000 & wait",
].join("\n");

/** A server of one text, with a check that it serves. */
export function serverOf(image: string, text: string, rest: Partial<WorkloadContainer> = {}): WorkloadContainer {
  return {
    name: "web",
    image,
    entrypoint: ["sh", "-c", SERVE],
    environment: { TEXT: text },
    cpuMillis: 500,
    memoryBytes: 32 * MIB,
    volumes: [],
    ports: [],
    restart: "always",
    healthCheck: { command: ["wget", "-qO-", "http://127.0.0.1/"], intervalMs: 200, timeoutMs: 5000, retries: 50 },
    ...rest,
  };
}

/** A container that runs a script, and ends at once when it is told to. */
export function scriptOf(image: string, script: string, rest: Partial<WorkloadContainer> = {}): WorkloadContainer {
  const { healthCheck: _, ...server } = serverOf(image, "x");
  return { ...server, name: "script", entrypoint: ["sh", "-c", `trap "exit 0" TERM\n(${script}) & wait $!`], ...rest };
}

export function specOf(contractId: string, deploymentHash: string, ...containers: WorkloadContainer[]): WorkloadSpec {
  return { contractId, deploymentHash, containers };
}

/** A port of an address of the loopback that nobody else has. */
export async function freePort(hostAddress: string): Promise<{
  containerPort: number;
  hostAddress: string;
  hostPort: number;
  protocol: "tcp";
}> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, hostAddress, resolve);
  await promise;
  const { port } = server.address() as { port: number };
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  server.close(() => close());
  await closed;
  return { containerPort: 80, hostAddress, hostPort: port, protocol: "tcp" };
}

/** What a published server says, or undefined when nobody answers. */
export async function ask(port: { hostAddress: string; hostPort: number }, path = "/"): Promise<string | undefined> {
  try {
    const url = `http://${port.hostAddress}:${port.hostPort}${path}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(30_000), headers: { connection: "close" } });
    return (await answer.text()).trim();
  } catch {
    return undefined;
  }
}
