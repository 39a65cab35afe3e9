import type { DirectoryNode } from "./file-system.ts";

/** An entry of a state that is a directory; a directory comes before what is in it. */
export interface ArchiveEntry {
  /** Relative, with `/`. */
  readonly path: string;
  /** Absent for a directory. */
  readonly content: Uint8Array | undefined;
}

/**
 * The first part of an archive: an entry for each file and directory, in order, as [name, number of the entry that holds it or
 * -1, bytes of content or -1 for a directory, whether the content follows].
 */
export type ArchiveIndex = [name: string, parent: number, bytes: number, follows: boolean][];

/** Length of the index (u32, little endian), index as JSON; the contents follow in the same order. */
export function encodeArchiveIndex(index: ArchiveIndex): Buffer {
  const json = Buffer.from(JSON.stringify(index));
  const bytes = Buffer.allocUnsafe(4 + json.length);
  bytes.writeUInt32LE(json.length, 0);
  json.copy(bytes, 4);
  return bytes;
}

/** The entries of an archive that the engine wrote, whose contents all follow. The contents are parts of `archive`. */
export function decodeArchive(archive: Buffer): ArchiveEntry[] {
  const length = archive.readUInt32LE(0);
  const index = JSON.parse(archive.toString("utf8", 4, 4 + length)) as ArchiveIndex;
  let at = 4 + length;
  const entries: ArchiveEntry[] = [];
  for (const [name, parent, bytes] of index) {
    const path = parent === -1 ? name : `${entries[parent]?.path}/${name}`;
    const content = bytes === -1 ? undefined : new Uint8Array(archive.buffer, archive.byteOffset + at, bytes);
    if (bytes > 0) at += bytes;
    entries.push({ path, content });
  }
  return entries;
}

/** The archive of a directory after a run, in which only what changed follows; undefined when nothing did. */
export function encodeChanges(state: DirectoryNode, before: readonly ArchiveEntry[]): Buffer[] | undefined {
  const index: ArchiveIndex = [];
  const contents: Uint8Array[] = [];
  const paths: string[] = [];
  let changed = false;
  const visit = (directory: DirectoryNode, parent: number, prefix: string): void => {
    const sorted = [...directory.entries].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const [name, node] of sorted) {
      const path = `${prefix}${name}`;
      paths.push(path);
      if (node.kind === "directory") {
        index.push([name, parent, -1, false]);
        visit(node, index.length - 1, `${path}/`);
      } else {
        const follows = node.changed || node.origin !== path;
        changed ||= follows;
        index.push([name, parent, node.size, follows]);
        if (follows) contents.push(node.data.subarray(0, node.size));
      }
    }
  };
  visit(state, -1, "");
  changed ||= paths.length !== before.length || paths.some((path, at) => path !== before[at]?.path);
  return changed
    ? [encodeArchiveIndex(index), ...contents.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))]
    : undefined;
}
