import { constants } from "node:fs";
import { chmod, chown, copyFile, lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { SprfError } from "../../../errors.ts";

const NOBODY = 65_534;
/** Files and directories of a state that is a directory. */
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 64;

export type StateKind = "file" | "directory";

/** Copies a state for one run, to where the program's user may write to it. The file system shares blocks where it can. */
export async function copyStateIn(from: string, to: string, kind: StateKind): Promise<void> {
  if (kind === "file") {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await handOver(to, 0o600, 0o666);
    return;
  }
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const target = join(to, entry.name);
    if (!entry.isFile() && !entry.isDirectory()) throw new SprfError("INVALID_INPUT", `no state: ${entry.name}`);
    await copyStateIn(join(from, entry.name), target, entry.isFile() ? "file" : "directory");
  }
  await handOver(to, 0o700, 0o777);
}

/**
 * Takes the state that the program left. Whatever the program planted, no link is followed: every file is opened without
 * following and must be regular.
 *
 * @throws SprfError `STATE_REFUSED` when it is too large, or not made of files and directories alone
 */
export async function copyStateOut(from: string, to: string, kind: StateKind, maxBytes: number): Promise<void> {
  const budget = { bytes: maxBytes, entries: MAX_ENTRIES };
  if (kind === "file") return await takeFile(from, to, budget);
  await measure(from, { ...budget }, 0);
  await rm(to, { recursive: true, force: true });
  await takeDirectory(from, to, budget, 0);
}

interface Budget {
  bytes: number;
  entries: number;
}

// Before anything of the old state is given up, as a refused state must leave it.
async function measure(path: string, budget: Budget, depth: number): Promise<void> {
  for (const name of await listDirectory(path, budget, depth)) {
    const child = join(path, name);
    const stats = await lstat(child);
    if (stats.isDirectory()) await measure(child, budget, depth + 1);
    else if (!stats.isFile())
      throw new SprfError("STATE_REFUSED", `the state holds ${JSON.stringify(name)}, which is no file`);
    else spend(budget, stats.size);
  }
}

async function takeDirectory(from: string, to: string, budget: Budget, depth: number): Promise<void> {
  await mkdir(to);
  for (const name of await listDirectory(from, budget, depth)) {
    const child = join(from, name);
    if ((await lstat(child)).isDirectory()) await takeDirectory(child, join(to, name), budget, depth + 1);
    else await takeFile(child, join(to, name), budget);
  }
}

async function listDirectory(path: string, budget: Budget, depth: number): Promise<string[]> {
  if (depth > MAX_DEPTH)
    throw new SprfError("STATE_REFUSED", `the state is nested deeper than ${MAX_DEPTH} directories`);
  const names = await readdir(path);
  budget.entries -= names.length;
  if (budget.entries < 0) throw new SprfError("STATE_REFUSED", `the state has more than ${MAX_ENTRIES} files`);
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function takeFile(from: string, to: string, budget: Budget): Promise<void> {
  const source = await openRegular(from);
  try {
    const { size } = await source.stat();
    spend(budget, size);
    const target = await open(to, "w");
    // Both streams close their handles.
    await pipeline(source.createReadStream({ highWaterMark: 1024 * 1024 }), target.createWriteStream());
  } finally {
    await source.close();
  }
}

async function openRegular(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  // Non-blocking, so that a planted pipe cannot hold the worker.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let handle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw new SprfError("STATE_REFUSED", "the state is not a regular file", { cause: error });
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new SprfError("STATE_REFUSED", "the state is not a regular file");
}

function spend(budget: Budget, bytes: number): void {
  budget.bytes -= bytes;
  if (budget.bytes < 0) throw new SprfError("STATE_REFUSED", "the state is larger than its limit");
}

async function handOver(path: string, ownMode: number, openMode: number): Promise<void> {
  try {
    await chown(path, NOBODY, NOBODY);
    await chmod(path, ownMode);
  } catch {
    // Only root may give files away. The directory above is closed to others, so an open mode shows nothing.
    await chmod(path, openMode);
  }
}
