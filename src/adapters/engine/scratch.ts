import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Logger } from "../../ports/logger.ts";

/** Makes a directory of this process in `parent`, and removes those that processes now dead left there. */
export async function createScratch(parent: string, prefix: string, logger: Logger): Promise<string> {
  await mkdir(parent, { recursive: true });
  await removeDeadScratch(parent, prefix, logger);
  return await mkdtemp(join(parent, `${prefix}-${process.pid}-`));
}

/** Removes the directories with this prefix whose process is no more, and ends the processes that still work in them. */
export async function removeDeadScratch(parent: string, prefix: string, logger: Logger): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(`${prefix}-`))) {
    const pid = Number(/^[0-9]+/.exec(name.slice(prefix.length + 1))?.[0] ?? process.pid);
    if (isProcessAlive(pid)) continue;
    await killProcessesOf(join(parent, name));
    await rm(join(parent, name), { recursive: true, force: true });
    logger.info("removed what a crashed worker left behind", { path: name });
  }
}

/** Whether a process of this machine runs, be it another user's. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Kills what was started with a path in `directory` as argument. Finds nothing where there is no `/proc`. */
async function killProcessesOf(directory: string): Promise<void> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
  for (const pid of pids) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!commandLine.split("\0").some((argument) => argument.startsWith(`${directory}/`))) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
