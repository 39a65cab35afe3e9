import { constants } from "node:fs";
import { chmod, chown, copyFile, mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

import { createStateRules } from "../../../domain/program/state-tree.ts";
import { SprfError } from "../../../errors.ts";
import { fileIdentity, isSameFile, listTree, type FileIdentity } from "../../../files/list-tree.ts";
import { replaceTree } from "../../../files/replace-tree.ts";

const NOBODY = 65_534;
const COPY_BYTES = 1024 * 1024;
const FILES_AT_ONCE = 16;
/** File systems' clocks move every 1 to 10 ms. */
const TICK_MS = 2;
const MAX_LOOKS = 10;

export type StateKind = "file" | "directory";

/** The files that a program was handed, to tell afterwards which of them it surely did not touch. */
export interface HandedState {
  readonly kind: StateKind;
  /** By path; the state as a file is "". */
  readonly files: ReadonlyMap<string, FileIdentity>;
}

/**
 * Copies a state for one run, to where the program's user may write to it. The file system shares blocks where it can.
 *
 * @throws SprfError `STATE_REFUSED` when it is larger than `maxBytes`, or a directory that breaks the rules of states
 */
export async function copyStateIn(from: string, to: string, kind: StateKind, maxBytes: number): Promise<HandedState> {
  const files = new Map<string, FileIdentity>();
  const copyIn = async (source: string, target: string, path: string): Promise<void> => {
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await handOver(target, 0o600, 0o666);
    files.set(path, await fileIdentity(target));
  };
  if (kind === "file") {
    await copyIn(from, to, "");
    return { kind, files };
  }
  const entries = await listTree(from, createStateRules(maxBytes));
  await mkdir(to);
  for (const { path } of entries.filter((entry) => entry.kind === "directory")) await mkdir(join(to, path));
  const paths = entries.filter((entry) => entry.kind === "file").map((entry) => entry.path);
  for (let at = 0; at < paths.length; at += FILES_AT_ONCE) {
    const some = paths.slice(at, at + FILES_AT_ONCE);
    await Promise.all(some.map((path) => copyIn(join(from, path), join(to, path), path)));
  }
  for (const { path } of [{ path: "" }, ...entries.filter((entry) => entry.kind === "directory")]) {
    await handOver(join(to, path), 0o700, 0o777);
  }
  return { kind, files };
}

/**
 * Waits until the file system's clock has moved on, before the program starts: were a file changed in the same tick in which it
 * was handed over, it could not be told from what it was. Files of a later time (the clock was set back) are forgotten. Makes
 * and leaves a file at `markPath`.
 */
export async function sealHandedState(handed: HandedState, markPath: string): Promise<HandedState> {
  const latest = [...handed.files.values()].reduce((max, { changedNs }) => (changedNs > max ? changedNs : max), 0n);
  let now = 0n;
  for (let look = 0; look < MAX_LOOKS && now <= latest; look++) {
    if (look > 0) await delay(TICK_MS);
    await writeFile(markPath, String(look));
    now = (await fileIdentity(markPath)).changedNs;
  }
  return { ...handed, files: new Map([...handed.files].filter(([, { changedNs }]) => changedNs < now)) };
}

/**
 * Takes the state that the program left: what changed of it becomes new files, the rest is not touched. Whatever the program
 * planted, no link is followed: every file is opened without following and must be regular.
 *
 * @throws SprfError `STATE_REFUSED` when it is too large, or breaks the rules of states; `ENGINE_FAILED` when this machine
 * may not read it
 */
export async function copyStateOut(from: string, to: string, handed: HandedState, maxBytes: number): Promise<void> {
  const rules = createStateRules(maxBytes);
  if (handed.kind === "file") {
    if (isSameFile(handed.files.get(""), await fileIdentity(from))) return;
    const part = `${to}.part`;
    await takeFile(from, part, (bytes) => rules.file(bytes));
    await rename(part, to);
    return;
  }
  // Everything is looked at before anything of the old state is given up.
  const entries = await listTree(from, rules).catch(asLocal);
  const marked = entries.map((entry) => ({
    ...entry,
    unchanged: isSameFile(handed.files.get(entry.path), entry.identity),
  }));
  await replaceTree(to, marked, async (entry, path) => {
    await takeFile(join(from, entry.path), path, (bytes) => {
      if (bytes !== entry.bytes) throw new SprfError("ENGINE_FAILED", "the state changed while it was taken");
    });
  });
}

async function takeFile(from: string, to: string, check: (bytes: number) => void): Promise<void> {
  const source = await openRegular(from);
  try {
    const { size } = await source.stat();
    check(size);
    if (size <= COPY_BYTES) {
      await writeFile(to, await source.readFile());
      return;
    }
    const target = await open(to, "w");
    // Both streams close their handles.
    await pipeline(source.createReadStream({ highWaterMark: COPY_BYTES }), target.createWriteStream());
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
    const { code } = error as NodeJS.ErrnoException;
    // A link, a socket, or nothing at all: the program's doing, the same everywhere.
    if (code === "ELOOP" || code === "ENXIO" || code === "ENOENT" || code === "ENOTDIR") {
      throw new SprfError("STATE_REFUSED", "the state is not a regular file", { cause: error });
    }
    return asLocal(error);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new SprfError("STATE_REFUSED", "the state is not a regular file");
}

/** What this machine's file system says is about this machine: another worker may be allowed to read it. */
function asLocal(error: unknown): never {
  if (error instanceof SprfError) throw error;
  throw new SprfError("ENGINE_FAILED", "the state that the program left cannot be read here", { cause: error });
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
