import { createReadStream, createWriteStream } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";

import {
  MAX_DIRECTORY_ENTRIES,
  MAX_STATE_DEPTH,
  MAX_STATE_ENTRIES,
  MAX_STATE_NAME_BYTES,
  STATE_ENTRY_BYTES,
  compareStateNames,
  createStateRules,
} from "../../../domain/program/state-tree.ts";
import { SprfError } from "../../../errors.ts";
import { listTree, type TreeEntry } from "../../../files/list-tree.ts";
import { replaceTree, type NewEntry } from "../../../files/replace-tree.ts";
import { encodeArchiveIndex, type ArchiveIndex } from "./sandbox/state-archive.ts";

/** What the sandbox holds a directory to. */
export const DIRECTORY_LIMITS = {
  maxEntries: MAX_STATE_ENTRIES,
  maxDirectoryEntries: MAX_DIRECTORY_ENTRIES,
  maxDepth: MAX_STATE_DEPTH,
  maxNameBytes: MAX_STATE_NAME_BYTES,
  entryBytes: STATE_ENTRY_BYTES,
};

/** An index of as many entries as there may be, with names that JSON makes six times as long. */
const MAX_INDEX_BYTES = MAX_STATE_ENTRIES * (6 * MAX_STATE_NAME_BYTES + 64);
const indexSchema = z
  .array(z.tuple([z.string(), z.int().min(-1), z.int().min(-1), z.boolean()]))
  .max(MAX_STATE_ENTRIES);

/**
 * Writes a directory as an archive into the sandbox's file.
 *
 * @returns what is in it @throws SprfError `STATE_REFUSED` when it is larger than `maxBytes` or breaks the rules of states
 */
export async function packDirectory(from: string, archive: string, maxBytes: number): Promise<readonly TreeEntry[]> {
  const entries = await listTree(from, createStateRules(maxBytes));
  const numbers = new Map(entries.map(({ path }, number) => [path, number]));
  const index: ArchiveIndex = entries.map(({ path, kind, bytes }) => {
    const slash = path.lastIndexOf("/");
    const parent = slash === -1 ? -1 : (numbers.get(path.slice(0, slash)) ?? -1);
    return [path.slice(slash + 1), parent, kind === "file" ? bytes : -1, kind === "file"];
  });
  const target = await open(archive, "w");
  try {
    await target.writeFile(encodeArchiveIndex(index));
    for (const { path, kind, bytes } of entries) {
      if (kind === "directory" || bytes === 0) continue;
      // Appends: a handle's `writeFile` goes on where the last one ended.
      await target.writeFile(createReadStream(join(from, path)));
    }
  } finally {
    await target.close();
  }
  return entries;
}

/**
 * Takes the directory that a run left as an archive. The process that wrote it may have been taken over by its program.
 *
 * @throws SprfError `ENGINE_FAILED` when the archive is not what a sandbox writes
 */
export async function unpackDirectory(
  archive: string,
  to: string,
  before: readonly TreeEntry[],
  maxBytes: number,
): Promise<void> {
  const file = await open(archive, "r");
  let entries: readonly UnpackedEntry[];
  try {
    entries = await readIndex(file, before, maxBytes);
  } finally {
    await file.close();
  }
  await replaceTree(to, entries, async ({ at, bytes }, path) => {
    const source = bytes === 0 ? [] : createReadStream(archive, { start: at, end: at + bytes - 1 });
    await pipeline(source, createWriteStream(path));
    if ((await stat(path)).size !== bytes) throw malformed("an archive that is too short");
  });
}

interface UnpackedEntry extends NewEntry {
  readonly bytes: number;
  /** Where its content begins. */
  readonly at: number;
}

async function readIndex(
  file: FileHandle,
  before: readonly TreeEntry[],
  maxBytes: number,
): Promise<readonly UnpackedEntry[]> {
  const length = (await readBytes(file, 0, 4)).readUInt32LE(0);
  if (length > MAX_INDEX_BYTES) throw malformed("an index that is too large");
  let index: ArchiveIndex;
  try {
    index = indexSchema.parse(JSON.parse((await readBytes(file, 4, length)).toString("utf8")));
  } catch (error) {
    throw malformed("no index", error);
  }
  const known = new Map(before.map((entry) => [entry.path, entry]));
  const rules = createStateRules(maxBytes);
  const directories = new Map([[-1, { path: "", last: "", entries: 0, depth: 0 }]]);
  const entries: UnpackedEntry[] = [];
  let at = 4 + length;
  try {
    for (const [number, [raw, parent, bytes, follows]] of index.entries()) {
      const directory = directories.get(parent);
      if (directory === undefined) throw malformed("an entry of no directory");
      const name = rules.name(Buffer.from(raw));
      // In their order, so that none comes twice.
      if (name !== raw || (directory.entries > 0 && compareStateNames(directory.last, name) >= 0)) {
        throw malformed("names out of order");
      }
      directory.last = name;
      directory.entries += 1;
      const path = `${directory.path}${name}`;
      if (bytes === -1) {
        directories.set(number, { path: `${path}/`, last: "", entries: 0, depth: directory.depth + 1 });
        entries.push({ path, kind: "directory", unchanged: false, bytes: 0, at });
        continue;
      }
      rules.file(bytes);
      const old = known.get(path);
      if (!follows && (old?.kind !== "file" || old.bytes !== bytes)) throw malformed("a file that was not there");
      entries.push({ path, kind: "file", unchanged: !follows, bytes, at });
      if (follows) at += bytes;
    }
    for (const { entries: count, depth } of directories.values()) rules.directory(count, depth);
  } catch (error) {
    // The sandbox keeps to the rules while the program runs: what breaks them was not written by it.
    throw malformed("a state that breaks the rules", error);
  }
  return entries;
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw malformed("an archive that is too short");
  return buffer;
}

function malformed(what: string, cause?: unknown): SprfError {
  return new SprfError("ENGINE_FAILED", `the sandbox left ${what}`, { cause });
}
