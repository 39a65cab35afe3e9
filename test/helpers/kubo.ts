import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const DIRECTORY = join(process.env["SPRF_CI_DIR"] ?? "/var/tmp/sprf-ci", "kubo");
const START_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/** Where `scripts/ci/kubo.sh` puts what `tools/kubo` pins now. */
function programPath(): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) {
    hash.update(readFileSync(new URL(`../../tools/kubo/${file}`, import.meta.url)));
  }
  return join(DIRECTORY, `ipfs-${hash.digest("hex").slice(0, 12)}`);
}

/** Why Kubo cannot be used, or undefined when it can. */
export function kuboAbsent(): string | undefined {
  const path = programPath();
  return existsSync(path) ? undefined : `there is no ${path}; scripts/ci/kubo.sh builds it`;
}

export interface KuboDaemon {
  /** Of its RPC API. */
  readonly url: string;
  /** Where its repository is. */
  readonly directory: string;
  /** Calls a command of its API and returns the body. @throws when the status is no success */
  rpc(command: string, parameters?: Readonly<Record<string, string>>): Promise<string>;
  /** Ends it without a word, as a crash does; its repository stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same address. */
  restart(): Promise<void>;
  /** Ends it and removes its repository. */
  remove(): Promise<void>;
}

/** Starts a Kubo daemon that listens on loopback alone and dials nobody by itself. */
export async function startKubo(): Promise<KuboDaemon> {
  const directory = await mkdtemp(join(tmpdir(), "sprf-kubo-"));
  // Telemetry would go out to the internet.
  const env = { PATH: process.env["PATH"], HOME: directory, IPFS_PATH: directory, IPFS_TELEMETRY: "off" };
  const ipfs = async (...words: readonly string[]): Promise<unknown> => await run(programPath(), words, { env });
  const configure = async (): Promise<void> => {
    await ipfs("init", "--empty-repo", "--profile=test,unixfs-v1-2025");
    for (const [name, value] of Object.entries({
      "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"],
      "Addresses.API": "/ip4/127.0.0.1/tcp/0",
      "Addresses.Gateway": [],
      Bootstrap: [],
      "Routing.Type": "none",
      "AutoConf.Enabled": false,
      "AutoTLS.Enabled": false,
      "DNS.Resolvers": {},
      "Routing.DelegatedRouters": [],
      "Ipns.DelegatedPublishers": [],
      "Discovery.MDNS.Enabled": false,
      "Swarm.DisableNatPortMap": true,
    })) {
      await ipfs("config", "--json", name, JSON.stringify(value));
    }
  };
  let url = "";
  let stop = async (): Promise<void> => {};
  const start = async (): Promise<void> => {
    const child = spawn(programPath(), ["daemon", "--migrate=false"], { env, stdio: ["ignore", "pipe", "pipe"] });
    const exited = once(child, "exit");
    stop = async () => {
      child.kill("SIGKILL");
      await exited;
    };
    const log: string[] = [];
    const ready = Promise.withResolvers<void>();
    const onLine = (line: string): void => {
      log.push(line);
      const port = /RPC API server listening on \/ip4\/127\.0\.0\.1\/tcp\/(\d+)/.exec(line)?.[1];
      if (port !== undefined) url = `http://127.0.0.1:${port}`;
      if (line.includes("Daemon is ready")) ready.resolve();
    };
    // Both are read to the end, or it would block on a full pipe.
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
    const failed = (why: string): void => ready.reject(new Error(`${why}:\n${log.slice(-10).join("\n")}`));
    void exited.then(() => failed("Kubo ended"));
    AbortSignal.timeout(START_TIMEOUT_MS).addEventListener("abort", () => failed("Kubo did not start"));
    await ready.promise;
  };
  const remove = async (): Promise<void> => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await configure();
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    get url() {
      return url;
    },
    directory,
    kill: async () => await stop(),
    async restart() {
      const { port } = new URL(url);
      await ipfs("config", "Addresses.API", `/ip4/127.0.0.1/tcp/${port}`);
      await rm(join(directory, "api"), { force: true });
      await start();
    },
    remove,
    async rpc(command, parameters = {}) {
      const query = new URLSearchParams(parameters).toString();
      const response = await fetch(`${url}/api/v0/${command}?${query}`, { method: "POST" });
      const text = await response.text();
      if (!response.ok) throw new Error(`${command}: ${response.status} ${text}`);
      return text;
    },
  };
}
