import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_TIMEOUT_MS = 90_000;
const KEPT_LOG_CHARACTERS = 20_000;

/** A daemon in a process of its own. */
export interface Daemon {
  readonly pid: number;
  /** The first line that it printed, as JSON. */
  readonly info: Readonly<Record<string, unknown>>;
  /** Resolves with the signal or exit code that it ended with, and the end of its log. */
  readonly ended: Promise<{ readonly how: string; readonly log: string }>;
  /** SIGKILL: no time to tidy up. */
  kill(): Promise<void>;
  /** SIGTERM; rejects when the daemon does not end with exit code 0. */
  stop(): Promise<void>;
}

export interface StartDaemonOptions {
  /** What it logs is also appended here. */
  readonly logFile?: string;
  /** How far it stands back once it is up, when there are not enough cores for all: 0 to 19. @default 0 */
  readonly niceness?: number;
  /** What the command is put behind, such as one that runs it in a network namespace. */
  readonly within?: readonly string[];
  /** Settings beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts `sprf <role> <options>`, or `node <script> <options>` for a TypeScript file, and waits for its first line. */
export async function startDaemon(
  script: string,
  options: readonly string[],
  { logFile, niceness = 0, within = [], environment }: StartDaemonOptions = {},
): Promise<Daemon> {
  const [program, ...words] = [...within, process.execPath, ...whatRuns(script), ...options];
  const child = spawn(program!, words, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (logFile !== undefined) child.stderr.pipe(createWriteStream(logFile, { flags: "a" }));
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-KEPT_LOG_CHARACTERS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(String(signal ?? code)));
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const line = await Promise.race([
    firstLine(child),
    ended.then((how) => {
      throw new Error(`${script} ended with ${how} before it was up:\n${log}`);
    }),
  ]).finally(() => clearTimeout(deadline));
  const info = JSON.parse(line) as Record<string, unknown>;
  if ("error" in info) throw new Error(`${script}: ${line}\n${log}`);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${script} has no process`);
  if (niceness > 0) setPriority(pid, niceness);
  return {
    pid,
    info,
    ended: ended.then((how) => ({ how, log })),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const how = await ended;
      if (how !== "0") throw new Error(`${script} ended with ${how}:\n${log}`);
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("a daemon without stdout");
  // Later lines are read too, or the pipe would fill and block the daemon.
  const lines = createInterface({ input: child.stdout });
  return await new Promise((resolve) => lines.on("line", resolve));
}

function whatRuns(script: string): readonly string[] {
  return script.endsWith(".ts") ? [script] : ["src/cli/sprf.ts", script];
}
