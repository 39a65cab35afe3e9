import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a build makes, and what only people read. Generated types stay out, lest a test takes bytecode from them. */
const LEFT_OUT = new Set(["node_modules", "artifacts", "cache", "coverage", "typechain-types", "build", "docs"]);
const OUTPUT_BYTES = 64 * 1024 * 1024;

const MODULES = resolve(fileURLToPath(new URL("../../node_modules", import.meta.url)));
const HARDHAT = join(MODULES, "hardhat/dist/src/cli.js");

/**
 * Copies a Hardhat project into a temporary folder, with this repository's packages, and gives the folder. Remove it with
 * `removeCopy`.
 */
export function copyProject(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), "sprf-copy-"));
  for (const { name } of readdirSync(root, { withFileTypes: true })) {
    if (LEFT_OUT.has(name) || name.startsWith(".")) continue;
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(MODULES, join(copy, "node_modules"));
  return copy;
}

/** Another copy of a copy, with what was built in it. */
export function duplicateCopy(from: string): string {
  const copy = mkdtempSync(join(tmpdir(), "sprf-copy-"));
  // The packages are a link, and stay one.
  cpSync(from, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** Safe to call twice. */
export function removeCopy(copy: string): void {
  rmSync(copy, { recursive: true, force: true });
}

/** The environment without what a Hardhat around this process has set for itself, its configuration's path among it. */
export function environmentForHardhat(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HARDHAT_|HH_TEST$)/.test(name)));
}

/** Runs `hardhat` in a copy and gives what it printed; throws, with its output as the message, when it fails. */
export async function hardhatIn(copy: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const options = {
    cwd: copy,
    env: environmentForHardhat(),
    maxBuffer: OUTPUT_BYTES,
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [HARDHAT, ...args], options);
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`hardhat ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
