import type { Descriptor } from "./descriptors.ts";
import { Errno } from "./errno.ts";
import type { FileNode, Node } from "./file-system.ts";
import type { HostContext, HostFunctions } from "./host-context.ts";

/** File types of WASI preview 1. Streams are `unknown`, so that a C library buffers them as it does pipes. */
const TYPE_UNKNOWN = 0;
const TYPE_DIRECTORY = 3;
const TYPE_FILE = 4;
const ALL_RIGHTS = 0x1fff_ffffn;
const FLAG_APPEND = 1;
const WHENCE_SET = 0;
const WHENCE_CURRENT = 1;
const WHENCE_END = 2;
const DIRENT_BYTES = 24;

type FileFunction =
  | "fd_advise"
  | "fd_allocate"
  | "fd_close"
  | "fd_datasync"
  | "fd_fdstat_get"
  | "fd_fdstat_set_flags"
  | "fd_fdstat_set_rights"
  | "fd_filestat_get"
  | "fd_filestat_set_size"
  | "fd_filestat_set_times"
  | "fd_pread"
  | "fd_prestat_get"
  | "fd_prestat_dir_name"
  | "fd_pwrite"
  | "fd_read"
  | "fd_readdir"
  | "fd_renumber"
  | "fd_seek"
  | "fd_sync"
  | "fd_tell"
  | "fd_write";

/** What programs do with open descriptors. */
export function fileFunctions(context: HostContext): HostFunctions<FileFunction> {
  const { memory, files, descriptors } = context;
  const exists = (fd: number): void => {
    descriptors.get(fd);
  };
  return {
    fd_advise: exists,
    fd_datasync: exists,
    fd_sync: exists,
    fd_fdstat_set_rights: exists,
    // Times of files are fixed.
    fd_filestat_set_times: exists,
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      const { node } = descriptors.writableFile(fd);
      const end = toPosition(offset) + toPosition(length);
      if (end > node.size) files.resize(node, end);
    },
    fd_close(fd: number) {
      descriptors.close(fd);
    },
    fd_renumber(from: number, to: number) {
      descriptors.renumber(from, to);
    },
    fd_fdstat_get(fd: number, result: number) {
      const descriptor = descriptors.get(fd);
      memory.bytes(result, 24).fill(0);
      memory.writeU8(result, typeOf(descriptor));
      memory.writeU16(result + 2, descriptor.kind === "file" ? descriptor.flags : 0);
      memory.writeU64(result + 8, ALL_RIGHTS);
      memory.writeU64(result + 16, ALL_RIGHTS);
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const descriptor = descriptors.get(fd);
      if (descriptor.kind === "file") descriptor.flags = flags & 0x1f;
    },
    fd_filestat_get(fd: number, result: number) {
      const descriptor = descriptors.get(fd);
      writeFileStat(context, result, "node" in descriptor ? descriptor.node : undefined);
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      files.resize(descriptors.writableFile(fd).node, toPosition(size));
    },
    fd_prestat_get(fd: number, result: number) {
      const name = preopenedName(descriptors.get(fd));
      memory.writeU32(result, 0);
      memory.writeU32(result + 4, name.length);
    },
    fd_prestat_dir_name(fd: number, pointer: number, length: number) {
      const name = preopenedName(descriptors.get(fd));
      if (length >>> 0 < name.length) throw new Errno("nametoolong");
      memory.bytes(pointer, name.length).set(name);
    },
    fd_read(fd: number, list: number, count: number, result: number) {
      const buffers = memory.vectors(list, count);
      const descriptor = descriptors.get(fd);
      if (descriptor.kind === "stdin") return memory.writeU32(result, readInput(context, buffers));
      if (descriptor.kind !== "file") throw new Errno(descriptor.kind === "directory" ? "isdir" : "badf");
      if (!descriptor.access.read) throw new Errno("badf");
      const read = readAt(context, descriptor.node, descriptor.position, buffers);
      descriptor.position += read;
      memory.writeU32(result, read);
    },
    fd_pread(fd: number, list: number, count: number, offset: bigint, result: number) {
      const descriptor = descriptors.file(fd);
      if (!descriptor.access.read) throw new Errno("badf");
      memory.writeU32(result, readAt(context, descriptor.node, toPosition(offset), memory.vectors(list, count)));
    },
    fd_write(fd: number, list: number, count: number, result: number) {
      const buffers = memory.vectors(list, count);
      const descriptor = descriptors.get(fd);
      if (descriptor.kind === "stdin" || descriptor.kind === "directory") throw new Errno("badf");
      if (descriptor.kind !== "file") {
        const stream = descriptor.kind === "stdout" ? context.output : context.stderr;
        for (const buffer of buffers) stream.write(buffer);
      } else {
        const { node, flags } = descriptors.writableFile(fd);
        if (flags & FLAG_APPEND) descriptor.position = node.size;
        descriptor.position = writeAt(context, node, descriptor.position, buffers);
      }
      memory.writeU32(result, lengthOf(buffers));
    },
    fd_pwrite(fd: number, list: number, count: number, offset: bigint, result: number) {
      const buffers = memory.vectors(list, count);
      writeAt(context, descriptors.writableFile(fd).node, toPosition(offset), buffers);
      memory.writeU32(result, lengthOf(buffers));
    },
    fd_seek(fd: number, offset: bigint, whence: number, result: number) {
      const descriptor = descriptors.file(fd);
      const base =
        whence === WHENCE_SET
          ? 0
          : whence === WHENCE_CURRENT
            ? descriptor.position
            : whence === WHENCE_END
              ? descriptor.node.size
              : undefined;
      if (base === undefined) throw new Errno("inval");
      descriptor.position = toPosition(BigInt(base) + offset);
      memory.writeU64(result, BigInt(descriptor.position));
    },
    fd_tell(fd: number, result: number) {
      memory.writeU64(result, BigInt(descriptors.file(fd).position));
    },
    fd_readdir(fd: number, pointer: number, length: number, cookie: bigint, result: number) {
      const target = memory.bytes(pointer, length);
      const entries = directoryEntries(descriptors.directory(fd)).slice(toPosition(cookie));
      let used = 0;
      entries.forEach(([name, node], index) => {
        const entry = Buffer.alloc(DIRENT_BYTES + name.length);
        entry.writeBigUInt64LE(cookie + BigInt(index + 1), 0);
        entry.writeBigUInt64LE(node.inode, 8);
        entry.writeUInt32LE(name.length, 16);
        entry.writeUInt8(node.kind === "file" ? TYPE_FILE : TYPE_DIRECTORY, 20);
        name.copy(entry, DIRENT_BYTES);
        // The last entry is cut: a full buffer tells the program to ask again with a later cookie.
        const room = target.length - used;
        if (room <= 0) return;
        target.set(entry.subarray(0, room), used);
        used += Math.min(room, entry.length);
      });
      memory.writeU32(result, used);
    },
  };
}

/** Writes a `filestat`: inode, type and size; device 1, one link, all times fixed. */
export function writeFileStat({ memory, time }: HostContext, result: number, node: Node | undefined): void {
  memory.bytes(result, 64).fill(0);
  memory.writeU64(result, 1n);
  memory.writeU64(result + 8, node?.inode ?? 0n);
  memory.writeU8(
    result + 16,
    node === undefined ? TYPE_UNKNOWN : node.kind === "directory" ? TYPE_DIRECTORY : TYPE_FILE,
  );
  memory.writeU64(result + 24, 1n);
  memory.writeU64(result + 32, node?.kind === "file" ? BigInt(node.size) : 0n);
  for (const offset of [40, 48, 56]) memory.writeU64(result + offset, time);
}

function directoryEntries(node: Extract<Node, { kind: "directory" }>): [Buffer, Node][] {
  const named: [string, Node][] = [
    [".", node],
    ["..", node.parent ?? node],
    ...[...node.entries].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  ];
  return named.map(([name, entry]) => [Buffer.from(name), entry]);
}

function preopenedName(descriptor: Descriptor): Buffer {
  if (descriptor.kind !== "directory" || descriptor.preopened === undefined) throw new Errno("badf");
  return Buffer.from(descriptor.preopened);
}

function typeOf({ kind }: Descriptor): number {
  return kind === "file" ? TYPE_FILE : kind === "directory" ? TYPE_DIRECTORY : TYPE_UNKNOWN;
}

function readInput({ input }: HostContext, buffers: readonly Uint8Array[]): number {
  let read = 0;
  for (const buffer of buffers) {
    const piece = input.bytes.subarray(input.position, input.position + buffer.length);
    buffer.set(piece);
    input.position += piece.length;
    read += piece.length;
  }
  return read;
}

function readAt({ files }: HostContext, file: FileNode, position: number, buffers: readonly Uint8Array[]): number {
  let read = 0;
  for (const buffer of buffers) read += files.read(file, position + read, buffer);
  return read;
}

function writeAt({ files }: HostContext, file: FileNode, position: number, buffers: readonly Uint8Array[]): number {
  let at = position;
  for (const buffer of buffers) {
    files.write(file, at, buffer);
    at += buffer.length;
  }
  return at;
}

function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}

function toPosition(value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Errno("inval");
  return Number(value);
}
