import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { until } from "./until.ts";

const DIRECTORY = join(process.env["SPRF_CI_DIR"] ?? "/var/tmp/sprf-ci", "go-waku");
const START_TIMEOUT_MS = 15_000;

/** Where `scripts/ci/go-waku.sh` puts what `tools/go` pins now. */
function programPath(): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"])
    hash.update(readFileSync(new URL(`../../tools/go/${file}`, import.meta.url)));
  return join(DIRECTORY, `waku-${hash.digest("hex").slice(0, 12)}`);
}

/** Why go-waku cannot be used, or undefined when it can. */
export function goWakuAbsent(): string | undefined {
  const path = programPath();
  return existsSync(path) ? undefined : `there is no ${path}; scripts/ci/go-waku.sh builds it`;
}

export interface GoWaku {
  readonly multiaddr: string;
  /** Calls its REST API and returns the body. @throws when the status is no success */
  rest(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
  /** Ends it without a word, as a crash does. */
  kill(): Promise<void>;
}

/** Starts go-waku on loopback, on cluster 42 and shard 0, with nothing but relay and what `flags` add. */
export async function startGoWaku(flags: readonly string[] = []): Promise<GoWaku> {
  const [port, restPort] = await freePorts();
  const directory = mkdtempSync(join(tmpdir(), "sprf-go-waku-"));
  const options = [
    "--address=127.0.0.1",
    `--tcp-port=${port}`,
    // With an address of its own it asks no router for one.
    `--ext-multiaddr=/ip4/127.0.0.1/tcp/${port}`,
    "--circuit-relay=false",
    "--cluster-id=42",
    "--pubsub-topic=/waku/2/rs/42/0",
    `--key-file=${join(directory, "key")}`,
    "--rest",
    `--rest-port=${restPort}`,
    "--log-encoding=json",
  ];
  const child = spawn(programPath(), [...options, ...flags], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  const log: string[] = [];
  const ready = new Promise<string>((resolve, reject) => {
    let multiaddr: string | undefined;
    let isSetUp = false;
    const onLine = (line: string): void => {
      log.push(line);
      multiaddr ??= /\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+/.exec(line)?.[0];
      isSetUp ||= line.includes("Node setup complete");
      if (isSetUp && multiaddr !== undefined) resolve(multiaddr);
    };
    // Both are read to the end, or it would block on a full pipe.
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
    void exited.then(() => reject(new Error(`go-waku ended:\n${log.slice(-10).join("\n")}`)));
    AbortSignal.timeout(START_TIMEOUT_MS).addEventListener("abort", () => reject(new Error("go-waku did not start")));
  });
  const rest: GoWaku["rest"] = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${restPort}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  };
  const restAnswers = async (): Promise<boolean> =>
    await rest("GET", "/debug/v1/info").then(
      () => true,
      () => false,
    );
  try {
    const multiaddr = await ready;
    // It says that it is set up before its REST API listens.
    await until(restAnswers, { what: "go-waku's REST API" });
    return { multiaddr, kill, rest };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** Two ports that were free a moment ago: go-waku does not say which it has taken for its REST API. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return ports as unknown as readonly [number, number];
}
