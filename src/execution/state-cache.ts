import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { linkFile } from "../files/link-file.ts";
import { readParts } from "../files/read-parts.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProgram } from "../ports/engine.ts";
import type { Logger } from "../ports/logger.ts";
import { cidSchema } from "../wire/primitives.ts";

const MANIFEST = "manifest.json";
const STATE = "state";
const PART = "part-";

const manifestSchema = z.strictObject({
  kind: z.enum(["file", "directory"]),
  /** As gas counts them. */
  bytes: z.int().nonnegative(),
  /** Directories come before what is in them. The state as a file has the path "". */
  entries: z.array(
    z.strictObject({
      path: z.string(),
      file: z
        .strictObject({
          cid: cidSchema,
          dagBytes: z.int().nonnegative(),
          /** Plain sha256 of the bytes, 64 hex digits: to check a copy on disk without importing it. */
          sha256: z.string(),
        })
        .optional(),
    }),
  ),
});

/** What a state that this worker imported is made of, file by file. */
export type StateManifest = z.output<typeof manifestSchema>;

export type StateKind = PreparedProgram["state"];

/**
 * States on disk, by CID, so that a run of a current state neither fetches nor imports what is here. Holds only what this worker
 * imported itself, because only then is the CID of an unchanged file what every other worker comes to.
 */
export interface StateCache {
  /**
   * Puts the state at `to`, which must not exist, by links: nobody may write into these files, only replace them.
   *
   * @returns what it is made of; undefined when it is not here
   */
  attach(cid: string, kind: StateKind, to: string): Promise<StateManifest | undefined>;
  /** Takes the state at `from`, which is moved; nobody may use it there any more. */
  keep(cid: string, from: string, manifest: StateManifest): Promise<void>;
}

interface Entry {
  readonly bytes: number;
  usedMs: number;
  /** Files as they were when they were last known to be what their manifest says; absent until then. */
  known: Map<string, string> | undefined;
}

export interface StateCacheInit {
  /** Of one daemon alone; on the same disk as the runs. */
  readonly directory: string;
  readonly maxBytes: number;
}

/**
 * A cache in a directory of one daemon, opened when it is first used. It survives restarts: what an earlier process left is hashed before its first use,
 * since nothing says that it reached the disk whole. What is least recently used goes first when `maxBytes` is exceeded.
 */
export function createStateCache(
  { logger, clock }: { readonly logger: Logger; readonly clock: Pick<Clock, "now"> },
  { directory, maxBytes }: StateCacheInit,
): StateCache {
  let opening: Promise<Map<string, Entry>> | undefined;

  async function open(): Promise<Map<string, Entry>> {
    await mkdir(directory, { recursive: true });
    const entries = await findEntries(directory);
    await evict(entries);
    return entries;
  }

  async function evict(entries: Map<string, Entry>): Promise<void> {
    const oldestFirst = [...entries].toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
    let total = oldestFirst.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    for (const [cid, { bytes }] of oldestFirst) {
      if (total <= maxBytes) return;
      total -= bytes;
      await drop(entries, cid);
    }
  }

  async function drop(entries: Map<string, Entry>, cid: string): Promise<void> {
    entries.delete(cid);
    await rm(join(directory, cid), { recursive: true, force: true });
  }

  async function put(entry: Entry, cid: string, kind: StateKind, to: string): Promise<StateManifest | undefined> {
    const home = join(directory, cid);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(home, MANIFEST), "utf8")));
    if (manifest.kind !== kind) return undefined;
    if (!(await isIntact(home, manifest, entry))) {
      throw new SprfError("CONTENT_CORRUPT", "the files are not what they were");
    }
    if (kind === "directory") await mkdir(to);
    for (const { path, file } of manifest.entries) {
      if (file === undefined) await mkdir(join(to, path));
      else await linkFile(join(home, STATE, path), join(to, path));
    }
    entry.usedMs = clock.now();
    await utimes(home, new Date(entry.usedMs), new Date(entry.usedMs));
    return manifest;
  }

  return {
    async attach(cid, kind, to) {
      const entries = await (opening ??= open());
      const entry = entries.get(cid);
      if (entry === undefined) return undefined;
      try {
        return await put(entry, cid, kind, to);
      } catch (error) {
        // A cache is no place for a run to fail.
        logger.warn("a state on disk cannot be used", { cid, reason: messageOf(error) });
        await rm(to, { recursive: true, force: true });
        await drop(entries, cid);
        return undefined;
      }
    },

    async keep(cid, from, manifest) {
      const entries = await (opening ??= open());
      if (entries.has(cid) || manifest.bytes > maxBytes) return;
      const part = await mkdtemp(join(directory, PART));
      try {
        await rename(from, join(part, STATE));
        await writeFile(join(part, MANIFEST), JSON.stringify(manifest));
        await rename(part, join(directory, cid));
        const entry = {
          bytes: manifest.bytes,
          usedMs: clock.now(),
          known: await marksOf(join(directory, cid), manifest),
        };
        entries.set(cid, entry);
        await evict(entries);
      } catch (error) {
        // Another run kept the same state meanwhile, or the disk has no room.
        logger.debug("a state was not kept on disk", { cid, reason: messageOf(error) });
        await rm(part, { recursive: true, force: true });
      }
    },
  };
}

/** What earlier processes left whole; the rest is removed. */
async function findEntries(directory: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  for (const name of await readdir(directory)) {
    const home = join(directory, name);
    try {
      if (!cidSchema.safeParse(name).success) throw new SprfError("INTERNAL", "no CID");
      const manifest = manifestSchema.parse(JSON.parse(await readFile(join(home, MANIFEST), "utf8")));
      entries.set(name, { bytes: manifest.bytes, usedMs: (await stat(home)).mtimeMs, known: undefined });
    } catch {
      await rm(home, { recursive: true, force: true });
    }
  }
  return entries;
}

async function isIntact(home: string, manifest: StateManifest, entry: Entry): Promise<boolean> {
  const marks = await marksOf(home, manifest);
  if (entry.known !== undefined) return [...marks].every(([path, mark]) => entry.known?.get(path) === mark);
  for (const { path, file } of manifest.entries) {
    if (file !== undefined && (await sha256Of(join(home, STATE, path))) !== file.sha256) return false;
  }
  entry.known = marks;
  return true;
}

/** Inode, size and time of change of each file: they stay as long as nobody writes into it. */
async function marksOf(home: string, manifest: StateManifest): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  for (const { path, file } of manifest.entries) {
    if (file === undefined) continue;
    const { ino, size, mtimeNs } = await stat(join(home, STATE, path), { bigint: true });
    marks.set(path, `${ino} ${size} ${mtimeNs}`);
  }
  return marks;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of readParts(path)) hash.update(part);
  return hash.digest("hex");
}
