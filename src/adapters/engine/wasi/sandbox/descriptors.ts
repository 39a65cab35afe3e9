import { Errno } from "./errno.ts";
import { releaseFile, type DirectoryNode, type FileNode, type Node } from "./file-system.ts";

/** What an open descriptor stands for. */
export type Descriptor =
  | { readonly kind: "stdin" | "stdout" | "stderr" }
  | { readonly kind: "file"; readonly node: FileNode; position: number; flags: number; readonly access: Access }
  | { readonly kind: "directory"; readonly node: DirectoryNode; readonly preopened: string | undefined };

export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

const MAX_DESCRIPTORS = 256;

/** The program's descriptors: 0 to 2 are the standard streams, 3 is `/`; new ones take the lowest free number. */
export class Descriptors {
  readonly #open: (Descriptor | undefined)[];

  constructor(root: DirectoryNode) {
    this.#open = [
      { kind: "stdin" },
      { kind: "stdout" },
      { kind: "stderr" },
      { kind: "directory", node: root, preopened: "/" },
    ];
  }

  get(fd: number): Descriptor {
    const descriptor = this.#open[fd >>> 0];
    if (descriptor === undefined) throw new Errno("badf");
    return descriptor;
  }

  file(fd: number): Extract<Descriptor, { kind: "file" }> {
    const descriptor = this.get(fd);
    if (descriptor.kind === "directory") throw new Errno("isdir");
    if (descriptor.kind !== "file") throw new Errno("spipe");
    return descriptor;
  }

  writableFile(fd: number): Extract<Descriptor, { kind: "file" }> {
    const descriptor = this.file(fd);
    if (!descriptor.access.write) throw new Errno("badf");
    return descriptor;
  }

  directory(fd: number): DirectoryNode {
    const descriptor = this.get(fd);
    if (descriptor.kind !== "directory") throw new Errno("notdir");
    return descriptor.node;
  }

  open(node: Node, access: Access, flags: number): number {
    let fd = this.#open.findIndex((descriptor) => descriptor === undefined);
    if (fd === -1) fd = this.#open.length;
    if (fd >= MAX_DESCRIPTORS) throw new Errno("mfile");
    if (node.kind === "file") node.opened += 1;
    this.#open[fd] =
      node.kind === "file"
        ? { kind: "file", node, position: 0, flags, access }
        : { kind: "directory", node, preopened: undefined };
    return fd;
  }

  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#open[fd >>> 0] = undefined;
    forget(descriptor);
  }

  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    const replaced = this.get(to);
    if (from >>> 0 === to >>> 0) return;
    this.#open[to >>> 0] = descriptor;
    this.#open[from >>> 0] = undefined;
    forget(replaced);
  }
}

function forget(descriptor: Descriptor): void {
  if (descriptor.kind !== "file") return;
  descriptor.node.opened -= 1;
  releaseFile(descriptor.node);
}
