import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** One entry below a directory. Paths are relative, with `/`; a directory comes before what is in it. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: "file" | "directory";
  /** Bytes of a file; 0 for a directory. */
  readonly bytes: number;
  /** Changes whenever the file does, or is replaced by another one. */
  readonly identity: FileIdentity;
}

export interface FileIdentity {
  readonly inode: bigint;
  /** Of the last change of content; whoever owns the file can set it. */
  readonly writtenNs: bigint;
  /** Nanoseconds since the Unix epoch of the last change of content, name or attributes; no program can set it. */
  readonly changedNs: bigint;
  readonly bytes: bigint;
}

/** What may be in a directory; each throws when it may not. */
export interface TreeRules {
  name(raw: Uint8Array): string;
  directory(entries: number, depth: number): void;
  file(bytes: number): void;
  other(name: string): never;
}

/** Lists a directory that a stranger may have filled, each directory's names in the order of their bytes; follows no link. */
export async function listTree(root: string, rules: TreeRules): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const visit = async (directory: string, prefix: string, depth: number): Promise<void> => {
    const raw = await readdir(directory, { encoding: "buffer" });
    rules.directory(raw.length, depth);
    const names = raw.toSorted((a, b) => Buffer.compare(a, b)).map((name) => rules.name(name));
    const found = await Promise.all(names.map((name) => lstat(join(directory, name), { bigint: true })));
    for (const [index, stats] of found.entries()) {
      const name = names[index] as string;
      const path = `${prefix}${name}`;
      if (stats.isDirectory()) {
        entries.push({ path, kind: "directory", bytes: 0, identity: identityOf(stats) });
        await visit(join(directory, name), `${path}/`, depth + 1);
      } else if (stats.isFile()) {
        rules.file(Number(stats.size));
        entries.push({ path, kind: "file", bytes: Number(stats.size), identity: identityOf(stats) });
      } else rules.other(name);
    }
  };
  await visit(root, "", 0);
  return entries;
}

export async function fileIdentity(path: string): Promise<FileIdentity> {
  return identityOf(await lstat(path, { bigint: true }));
}

/** Whether a file is surely the one that it was. */
export function isSameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.inode === b.inode && a.changedNs === b.changedNs && a.bytes === b.bytes
  );
}

/** Whether a file that only this process and its links can reach has the content that it had. */
export function isSameContent(a: FileIdentity, b: FileIdentity): boolean {
  return a.inode === b.inode && a.writtenNs === b.writtenNs && a.bytes === b.bytes;
}

function identityOf(stats: BigIntStats): FileIdentity {
  return { inode: stats.ino, writtenNs: stats.mtimeNs, changedNs: stats.ctimeNs, bytes: stats.size };
}
