import { Errno } from "./errno.ts";
import {
  checkName,
  excess,
  freeEntry,
  scratchQuota,
  stateQuota,
  takeEntry,
  type DirectoryLimits,
  type Quota,
} from "./quota.ts";
import type { ArchiveEntry } from "./state-archive.ts";

/** A regular file in memory. */
export interface FileNode {
  readonly kind: "file";
  readonly inode: bigint;
  /** At least `size` bytes; those past `size` are zero. */
  data: Uint8Array;
  size: number;
  changed: boolean;
  readonly quota: Quota;
  /** Where the state held it before the run. */
  readonly origin: string | undefined;
  /** Whether a directory holds it; a removed file goes on while it is open. */
  linked: boolean;
  /** Open descriptors. */
  opened: number;
}

export interface DirectoryNode {
  readonly kind: "directory";
  readonly inode: bigint;
  readonly entries: Map<string, Node>;
  readonly parent: DirectoryNode | undefined;
  /** Absent: nothing can be created or removed in it. */
  readonly quota: Quota | undefined;
  /** 0 for `/sprf/state` and `/tmp`. */
  readonly depth: number;
}

export type Node = FileNode | DirectoryNode;

const MAX_NAME_BYTES = 255;

/**
 * All files that a program sees: `/sprf/state`, and `/tmp`, which is empty at the start of every run. Everything else is
 * absent, `/` and `/sprf` cannot be written to. Numbers of inodes are counted and times fixed, so that nothing varies.
 */
export class FileSystem {
  readonly root: DirectoryNode;
  readonly state: Node;
  #nodes = 0;

  constructor(init: {
    readonly state: Uint8Array | readonly ArchiveEntry[];
    readonly stateBytes: number;
    readonly scratchBytes: number;
    readonly limits: DirectoryLimits;
  }) {
    const { state } = init;
    this.root = this.#directory(undefined, undefined, 0);
    const sprf = this.#directory(this.root, undefined, 0);
    const quota = stateQuota(init.stateBytes, init.limits);
    this.state =
      state instanceof Uint8Array ? this.#filled(quota, state, "") : this.#stateDirectory(sprf, quota, state);
    sprf.entries.set("state", this.state);
    this.root.entries.set("sprf", sprf);
    const scratch = scratchQuota(init.scratchBytes);
    this.root.entries.set("tmp", this.#directory(this.root, scratch, 0));
  }

  /** The directory that holds the last part of `path`, and that part's name; an empty name means the directory itself. */
  parentOf(from: DirectoryNode, path: string): { directory: DirectoryNode; name: string; mustBeDirectory: boolean } {
    if (path.length === 0) throw new Errno("noent");
    if (path.startsWith("/")) throw new Errno("notcapable");
    if (path.includes("\0")) throw new Errno("inval");
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    const mustBeDirectory = /(^|\/)\.{0,2}$/.test(path);
    let directory = from;
    let name = "";
    parts.forEach((part, index) => {
      if (Buffer.byteLength(part) > MAX_NAME_BYTES) throw new Errno("nametoolong");
      if (part !== ".." && index === parts.length - 1) {
        name = part;
        return;
      }
      const next = part === ".." ? directory.parent : directory.entries.get(part);
      if (part === ".." && next === undefined) throw new Errno("notcapable");
      if (next === undefined) throw new Errno("noent");
      if (next.kind !== "directory") throw new Errno("notdir");
      directory = next;
    });
    return { directory, name, mustBeDirectory };
  }

  lookup(from: DirectoryNode, path: string): Node {
    const { directory, name, mustBeDirectory } = this.parentOf(from, path);
    const node = name === "" ? directory : directory.entries.get(name);
    if (node === undefined) throw new Errno("noent");
    if (mustBeDirectory && node.kind !== "directory") throw new Errno("notdir");
    return node;
  }

  createFile(directory: DirectoryNode, name: string): FileNode {
    const quota = this.#admit(directory, name);
    const file = this.#file(quota, undefined);
    directory.entries.set(name, file);
    return file;
  }

  createDirectory(from: DirectoryNode, path: string): void {
    const { directory, name } = this.parentOf(from, path);
    if (name === "" || directory.entries.has(name)) throw new Errno("exist");
    const quota = this.#admit(directory, name);
    if (directory.depth >= quota.maxDepth) throw excess(quota);
    directory.entries.set(name, this.#directory(directory, quota, directory.depth + 1));
  }

  remove(from: DirectoryNode, path: string, kind: Node["kind"]): void {
    const { directory, name, mustBeDirectory } = this.parentOf(from, path);
    if (name === "") throw new Errno("busy");
    const node = directory.entries.get(name);
    if (node === undefined) throw new Errno("noent");
    if (kind === "directory" && node.kind !== "directory") throw new Errno("notdir");
    if (kind === "file" && node.kind === "directory") throw new Errno("isdir");
    if (mustBeDirectory && node.kind !== "directory") throw new Errno("notdir");
    writableQuota(directory);
    this.#drop(directory, name, node);
  }

  rename(from: DirectoryNode, path: string, to: DirectoryNode, toPath: string): void {
    const source = this.parentOf(from, path);
    const target = this.parentOf(to, toPath);
    if (source.name === "" || target.name === "") throw new Errno("busy");
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw new Errno("noent");
    const quota = writableQuota(source.directory);
    // As between two disks: what is in one is not counted in the other.
    if (writableQuota(target.directory) !== quota) throw new Errno("xdev");
    const replaced = target.directory.entries.get(target.name);
    if (replaced === node) return;
    // Directories know their parent, so that `..` works; moving one is not worth its code.
    if (node.kind === "directory") throw new Errno("notsup");
    if (target.mustBeDirectory || source.mustBeDirectory) throw new Errno("notdir");
    if (replaced?.kind === "directory") throw new Errno("isdir");
    checkName(quota, target.name);
    const grows = source.directory !== target.directory && replaced === undefined;
    if (grows && target.directory.entries.size >= quota.maxDirectoryEntries) throw excess(quota);
    if (replaced !== undefined) this.#drop(target.directory, target.name, replaced);
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, node);
  }

  read(file: FileNode, position: number, target: Uint8Array): number {
    if (position >= file.size) return 0;
    const count = Math.min(target.length, file.size - position);
    target.set(file.data.subarray(position, position + count));
    return count;
  }

  write(file: FileNode, position: number, source: Uint8Array): void {
    if (source.length === 0) return;
    const end = position + source.length;
    if (end > file.size) this.resize(file, end);
    file.data.set(source, position);
    file.changed = true;
  }

  resize(file: FileNode, size: number): void {
    if (size === file.size) return;
    const { quota } = file;
    const usedBytes = quota.usedBytes + size - file.size;
    if (usedBytes > quota.maxBytes) throw excess(quota);
    if (size > file.data.length) {
      const grown = new Uint8Array(Math.min(quota.maxBytes, Math.max(size, file.data.length * 2, 4096)));
      grown.set(file.data.subarray(0, file.size));
      file.data = grown;
    } else if (size < file.size) {
      file.data.fill(0, size, file.size);
    }
    quota.usedBytes = usedBytes;
    file.size = size;
    file.changed = true;
  }

  #drop(directory: DirectoryNode, name: string, node: Node): void {
    if (node.kind === "directory" && node.entries.size > 0) throw new Errno("notempty");
    directory.entries.delete(name);
    if (node.kind === "file") {
      node.linked = false;
      releaseFile(node);
    } else if (node.quota !== undefined) freeEntry(node.quota, 0);
  }

  /** Counts one more entry of a directory, before it is made. */
  #admit(directory: DirectoryNode, name: string): Quota {
    const quota = writableQuota(directory);
    checkName(quota, name);
    if (directory.entries.size >= quota.maxDirectoryEntries) throw excess(quota);
    takeEntry(quota);
    return quota;
  }

  #stateDirectory(parent: DirectoryNode, quota: Quota, entries: readonly ArchiveEntry[]): DirectoryNode {
    const state = this.#directory(parent, quota, 0);
    const directories = new Map<string, DirectoryNode>([["", state]]);
    for (const { path, content } of entries) {
      const slash = path.lastIndexOf("/");
      const directory = directories.get(path.slice(0, Math.max(0, slash)));
      if (directory === undefined) throw new Error("the state names a file before its directory");
      takeEntry(quota);
      const node =
        content === undefined
          ? this.#directory(directory, quota, directory.depth + 1)
          : this.#filled(quota, content, path);
      if (node.kind === "directory") directories.set(path, node);
      directory.entries.set(path.slice(slash + 1), node);
    }
    return state;
  }

  #filled(quota: Quota, content: Uint8Array, origin: string): FileNode {
    const file = this.#file(quota, origin);
    file.data = content;
    file.size = content.length;
    quota.usedBytes += content.length;
    return file;
  }

  #file(quota: Quota, origin: string | undefined): FileNode {
    return {
      kind: "file",
      inode: this.#nextInode(),
      data: new Uint8Array(0),
      size: 0,
      changed: false,
      quota,
      origin,
      linked: true,
      opened: 0,
    };
  }

  #directory(parent: DirectoryNode | undefined, quota: Quota | undefined, depth: number): DirectoryNode {
    return { kind: "directory", inode: this.#nextInode(), entries: new Map(), parent, quota, depth };
  }

  #nextInode(): bigint {
    return BigInt(++this.#nodes);
  }
}

/** Gives back what a file took, once it is neither in a directory nor open. */
export function releaseFile(file: FileNode): void {
  if (file.linked || file.opened > 0) return;
  freeEntry(file.quota, file.size);
  file.data = new Uint8Array(0);
  file.size = 0;
}

function writableQuota(directory: DirectoryNode): Quota {
  if (directory.quota === undefined) throw new Errno("rofs");
  return directory.quota;
}
