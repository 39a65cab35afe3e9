import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { appendFile, chown, mkdtemp, readlink, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { until } from "./until.ts";

const START_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

function programs(): string | undefined {
  const [found] = globSync("/usr/lib/postgresql/*/bin/postgres").sort().reverse();
  return found === undefined ? undefined : dirname(found);
}

/** Why PostgreSQL cannot be used, or undefined when it can. */
export function postgresAbsent(): string | undefined {
  return programs() === undefined ? "Debian's postgresql is not installed; scripts/ci/postgres.sh does it" : undefined;
}

/** A server of its own, on loopback unless it is told otherwise. */
export interface PostgresServer {
  /** Of its one database. */
  readonly url: string;
  readonly port: number;
  /** SIGKILL to all of it, as a loss of power. */
  kill(): Promise<void>;
  /** Ends it in order; connections are ended. */
  stop(): Promise<void>;
  /** Starts it again at the same address. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Starts a server with an empty database that takes connections from `subnet`, as the user `postgres` where this is root: it refuses to be root's. */
export async function startPostgres({
  host = "127.0.0.1",
  subnet = "127.0.0.0/8",
}: { readonly host?: string; readonly subnet?: string } = {}): Promise<PostgresServer> {
  const bin = programs();
  if (bin === undefined) throw new Error("no PostgreSQL");
  const folder = await mkdtemp(join(tmpdir(), "sprf-postgres-"));
  const data = join(folder, "data");
  const user = process.getuid?.() === 0 ? await userPostgres() : undefined;
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const env = { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" };
  await run(join(bin, "initdb"), ["-D", data, "-U", "sprf", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    env,
    ...user,
  });
  await appendFile(join(data, "pg_hba.conf"), `host all all ${subnet} trust\n`);
  const port = await freePort(host);
  const url = `postgres://sprf@${host}:${port}/postgres`;
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const settings = ["-c", `listen_addresses=${host}`, "-c", `unix_socket_directories=${folder}`];
    // In a group of its own, so that a kill reaches each of its processes.
    const child = spawn(join(bin!, "postgres"), ["-D", data, "-p", `${port}`, ...settings], {
      env,
      ...user,
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    server = child;
    const log: string[] = [];
    const ready = Promise.withResolvers<void>();
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log.push(text);
      if (text.includes("ready to accept connections")) ready.resolve();
    });
    const failed = (why: string): void => ready.reject(new Error(`${why}:\n${log.join("").slice(-2_000)}`));
    child.once("exit", () => failed("PostgreSQL ended"));
    AbortSignal.timeout(START_TIMEOUT_MS).addEventListener("abort", () => failed("PostgreSQL did not start"));
    await ready.promise;
  }

  async function end(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    const child = server;
    server = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
    await exited;
    // Its other processes are in groups of their own, and hold the data until they have seen that the first is gone.
    await until(async () => (await processesIn(data)) === 0, {
      what: "the end of PostgreSQL's processes",
      everyMs: 20,
    });
  }

  await start();
  return {
    url,
    port,
    start,
    kill: async () => await end("SIGKILL"),
    stop: async () => await end("SIGINT"),
    async remove() {
      await end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How many processes run in a folder. */
async function processesIn(folder: string): Promise<number> {
  const found = globSync("/proc/[0-9]*").map(async (path) => {
    const cwd = await readlink(join(path, "cwd")).catch(() => "");
    return cwd === folder;
  });
  return (await Promise.all(found)).filter((isIn) => isIn).length;
}

async function userPostgres(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
