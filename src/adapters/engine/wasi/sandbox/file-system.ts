import { Errno, ProgramStop } from "./errno.ts";

/** A regular file in memory. */
export interface FileNode {
  readonly kind: "file";
  readonly inode: bigint;
  /** At least `size` bytes; those past `size` are zero. */
  data: Uint8Array;
  size: number;
  changed: boolean;
  readonly quota: Quota;
}

export interface DirectoryNode {
  readonly kind: "directory";
  readonly inode: bigint;
  readonly entries: Map<string, Node>;
  readonly parent: DirectoryNode | undefined;
  /** Absent: nothing can be created or removed in it. */
  readonly quota: Quota | undefined;
}

export type Node = FileNode | DirectoryNode;

interface Quota {
  readonly maxBytes: number;
  usedBytes: number;
  /** The state stops the program, so that it cannot hide the excess; scratch space is full as a disk is. */
  readonly excess: "state-limit" | "nospc";
}

const MAX_NODES = 4096;
const MAX_NAME_BYTES = 255;

/**
 * All files that a program sees: `/sprf/state`, and `/tmp`, which is empty at the start of every run. Everything else is
 * absent, `/` and `/sprf` cannot be written to. Numbers of inodes are counted and times fixed, so that nothing varies.
 */
export class FileSystem {
  readonly root: DirectoryNode;
  readonly state: FileNode;
  #nodes = 0;

  constructor(init: { state: Uint8Array; stateBytes: number; scratchBytes: number }) {
    this.root = this.#directory(undefined, undefined);
    const sprf = this.#directory(this.root, undefined);
    const quota: Quota = { maxBytes: init.stateBytes, usedBytes: init.state.length, excess: "state-limit" };
    this.state = this.#file(quota);
    this.state.data = init.state;
    this.state.size = init.state.length;
    sprf.entries.set("state", this.state);
    this.root.entries.set("sprf", sprf);
    const scratch: Quota = { maxBytes: init.scratchBytes, usedBytes: 0, excess: "nospc" };
    this.root.entries.set("tmp", this.#directory(this.root, scratch));
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
    const file = this.#file(writableQuota(directory));
    directory.entries.set(name, file);
    return file;
  }

  createDirectory(from: DirectoryNode, path: string): void {
    const { directory, name } = this.parentOf(from, path);
    if (name === "" || directory.entries.has(name)) throw new Errno("exist");
    directory.entries.set(name, this.#directory(directory, writableQuota(directory)));
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
    writableQuota(source.directory);
    writableQuota(target.directory);
    const replaced = target.directory.entries.get(target.name);
    if (replaced === node) return;
    // Directories know their parent, so that `..` works; moving one is not worth its code.
    if (node.kind === "directory") throw new Errno("notsup");
    if (target.mustBeDirectory || source.mustBeDirectory) throw new Errno("notdir");
    if (replaced?.kind === "directory") throw new Errno("isdir");
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
    if (usedBytes > quota.maxBytes) {
      if (quota.excess === "state-limit") throw new ProgramStop("state-limit", 0);
      throw new Errno("nospc");
    }
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
    // The bytes of a removed file stay counted: it may still be open, and a run is short.
    directory.entries.delete(name);
  }

  #file(quota: Quota): FileNode {
    return { kind: "file", inode: this.#nextInode(), data: new Uint8Array(0), size: 0, changed: false, quota };
  }

  #directory(parent: DirectoryNode | undefined, quota: Quota | undefined): DirectoryNode {
    return { kind: "directory", inode: this.#nextInode(), entries: new Map(), parent, quota };
  }

  #nextInode(): bigint {
    if (this.#nodes >= MAX_NODES) throw new Errno("nospc");
    return BigInt(++this.#nodes);
  }
}

function writableQuota(directory: DirectoryNode): Quota {
  if (directory.quota === undefined) throw new Errno("rofs");
  return directory.quota;
}
