import { Errno } from "./errno.ts";
import { writeFileStat } from "./host-files.ts";
import type { HostContext, HostFunctions } from "./host-context.ts";

const OPEN_CREATE = 1;
const OPEN_DIRECTORY = 2;
const OPEN_EXCLUSIVE = 4;
const OPEN_TRUNCATE = 8;
const RIGHT_READ = 1n << 1n;
const RIGHT_WRITE = 1n << 6n;

type PathFunction =
  | "path_create_directory"
  | "path_filestat_get"
  | "path_filestat_set_times"
  | "path_link"
  | "path_open"
  | "path_readlink"
  | "path_remove_directory"
  | "path_rename"
  | "path_symlink"
  | "path_unlink_file";

/** What programs do with paths. There are no links of either kind. */
export function pathFunctions(context: HostContext): HostFunctions<PathFunction> {
  const { memory, files, descriptors } = context;
  const unsupported = (): void => {
    throw new Errno("notsup");
  };
  return {
    path_link: unsupported,
    path_symlink: unsupported,
    path_readlink(fd: number, path: number, length: number) {
      files.lookup(descriptors.directory(fd), memory.text(path, length));
      throw new Errno("inval");
    },
    path_create_directory(fd: number, path: number, length: number) {
      files.createDirectory(descriptors.directory(fd), memory.text(path, length));
    },
    path_remove_directory(fd: number, path: number, length: number) {
      files.remove(descriptors.directory(fd), memory.text(path, length), "directory");
    },
    path_unlink_file(fd: number, path: number, length: number) {
      files.remove(descriptors.directory(fd), memory.text(path, length), "file");
    },
    path_rename(fd: number, path: number, length: number, toFd: number, toPath: number, toLength: number) {
      const target = descriptors.directory(toFd);
      files.rename(descriptors.directory(fd), memory.text(path, length), target, memory.text(toPath, toLength));
    },
    path_filestat_get(fd: number, _flags: number, path: number, length: number, result: number) {
      writeFileStat(context, result, files.lookup(descriptors.directory(fd), memory.text(path, length)));
    },
    path_filestat_set_times(fd: number, _flags: number, path: number, length: number) {
      files.lookup(descriptors.directory(fd), memory.text(path, length));
    },
    path_open(
      fd: number,
      _lookup: number,
      path: number,
      length: number,
      open: number,
      rights: bigint,
      _inheriting: bigint,
      flags: number,
      result: number,
    ) {
      memory.bytes(result, 4);
      const from = descriptors.directory(fd);
      const { directory, name, mustBeDirectory } = files.parentOf(from, memory.text(path, length));
      let node = name === "" ? directory : directory.entries.get(name);
      const wantsDirectory = mustBeDirectory || (open & OPEN_DIRECTORY) !== 0;
      const access = { read: (rights & RIGHT_READ) !== 0n, write: (rights & RIGHT_WRITE) !== 0n };
      if (node === undefined) {
        if ((open & OPEN_CREATE) === 0) throw new Errno("noent");
        if (wantsDirectory) throw new Errno("inval");
        node = files.createFile(directory, name);
      } else if ((open & OPEN_CREATE) !== 0 && (open & OPEN_EXCLUSIVE) !== 0) {
        throw new Errno("exist");
      }
      if (wantsDirectory && node.kind !== "directory") throw new Errno("notdir");
      if (node.kind === "directory" && (open & OPEN_TRUNCATE) !== 0) throw new Errno("isdir");
      const opened = descriptors.open(node, access, flags & 0x1f);
      if (node.kind === "file" && (open & OPEN_TRUNCATE) !== 0) files.resize(node, 0);
      memory.writeU32(result, opened);
    },
  };
}
