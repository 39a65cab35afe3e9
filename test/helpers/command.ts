import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HARDHAT = join(ROOT, "node_modules/hardhat/dist/src/cli.js");
const SPRF = join(ROOT, "scripts/sprf.mjs");
const TIMEOUT_MS = 120_000;

/** How a command ended. */
export interface Ended {
  /** Its exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command while it runs. */
export interface RunningCommand {
  readonly ended: Promise<Ended>;
  /** The first match on stdout, or on stderr where that is said; rejects when the command ends without one. */
  until(pattern: RegExp, stream?: "stdout" | "stderr"): Promise<RegExpExecArray>;
  /** Sends a signal and waits for the end. */
  end(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<Ended>;
}

export type Environment = Readonly<Record<string, string>>;

/**
 * Starts what a reader would type in the repository's folder: `NAME=value npx hardhat ...`, `npx sprf ...`, or
 * `npm run <script> -- ...` by what package.json says of the script; it is killed after `timeoutMs` (two minutes). Settings of the developer's own shell are left out.
 */
export function startCommand(
  line: string,
  environment: Environment = {},
  { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): RunningCommand {
  const words = line.split(" ");
  const assignments = words.slice(
    0,
    words.findIndex((word) => !/^[A-Z_]+=/.test(word)),
  );
  const own = Object.fromEntries(assignments.map((word) => word.split("=", 2) as [string, string]));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SPRF_"));
  const child = spawn(process.execPath, nodeArguments(words.slice(assignments.length)), {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...environment, ...own },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: what the command has started holds its output open, and ends with it.
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const listener of listeners) listener();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const listener of listeners) listener();
  });
  const deadline = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, timeoutMs);
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(deadline);
      resolve({ code: signal ?? code ?? -1, stdout, stderr });
    });
  });
  return {
    ended,
    async until(pattern, stream = "stdout") {
      const found = Promise.withResolvers<RegExpExecArray>();
      const look = (): void => {
        const match = pattern.exec(stream === "stdout" ? stdout : stderr);
        if (match !== null) found.resolve(match);
      };
      listeners.add(look);
      look();
      const failed = ended.then(({ code }) => {
        throw new Error(`\`${line}\` ended with ${code} without ${pattern.source}:\n${stdout}\n${stderr}`);
      });
      try {
        return await Promise.race([found.promise, failed]);
      } finally {
        listeners.delete(look);
      }
    },
    async end(signal) {
      child.kill(signal);
      return await ended;
    },
  };
}

/** Runs a command to its end. */
export async function runCommandLine(line: string, environment: Environment = {}): Promise<Ended> {
  return await startCommand(line, environment).ended;
}

/** The same, and fails unless it succeeds. */
export async function succeed(line: string, environment: Environment = {}): Promise<Ended> {
  const ended = await runCommandLine(line, environment);
  if (ended.code !== 0) throw new Error(`\`${line}\` ended with ${ended.code}:\n${ended.stdout}\n${ended.stderr}`);
  return ended;
}

function nodeArguments(words: readonly string[]): readonly string[] {
  const [program, first = "", second = ""] = words;
  if (program === "npx" && first === "hardhat") return [HARDHAT, ...words.slice(2)];
  if (program === "npx" && first === "sprf") return [SPRF, ...words.slice(2)];
  if (program === "npx" && first === "node") return words.slice(2);
  if (program === "node") return words.slice(1);
  if (program !== "npm") throw new Error(`not a command of this repository: ${words.join(" ")}`);
  const name = first === "run" ? second : first;
  const rest = words.slice(first === "run" ? 3 : 2);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Environment };
  const script = scripts[name]?.split(" ");
  if (script?.[0] !== "node") throw new Error(`package.json has no script ${name} that runs node`);
  return [...script.slice(1), ...(rest[0] === "--" ? rest.slice(1) : rest)];
}
