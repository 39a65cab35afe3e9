import { SprfError } from "../../errors.ts";

/** Files and directories of a state that is a directory, without itself. */
export const MAX_STATE_ENTRIES = 16_384;
/** Entries of one directory; with names of at most 200 bytes its block stays below what UnixFS would split into shards. */
export const MAX_DIRECTORY_ENTRIES = 1_024;
/** Directories in each other, the state itself not counted. */
export const MAX_STATE_DEPTH = 16;
/** Bytes of one name in UTF-8. */
export const MAX_STATE_NAME_BYTES = 200;
/** What an entry counts besides the bytes of a file, so that names and empty files are no free storage. */
export const STATE_ENTRY_BYTES = 512;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The rules of a state that is a directory, and what of them is used up. They are the same for every engine and machine. */
export interface StateRules {
  /** Bytes of files, and `STATE_ENTRY_BYTES` for each entry. */
  readonly bytes: number;
  /** @returns the name as text @throws SprfError `STATE_REFUSED` */
  name(raw: Uint8Array): string;
  /** A directory with as many entries, at a depth (0 is the state itself). @throws SprfError `STATE_REFUSED` */
  directory(entries: number, depth: number): void;
  /** @throws SprfError `STATE_REFUSED` */
  file(bytes: number): void;
  /** What is neither a file nor a directory. @throws SprfError `STATE_REFUSED` */
  other(name: string): never;
}

export function createStateRules(maxBytes: number): StateRules {
  let entriesLeft = MAX_STATE_ENTRIES;
  let bytes = 0;
  const spend = (more: number): void => {
    bytes += more;
    if (bytes > maxBytes) throw refused("is larger than its limit");
  };
  return {
    get bytes() {
      return bytes;
    },
    name(raw) {
      const name = stateName(raw);
      if (name === undefined) throw refused(`holds a name that is not allowed: ${JSON.stringify(latin1(raw))}`);
      return name;
    },
    directory(entries, depth) {
      if (depth > MAX_STATE_DEPTH) throw refused(`is nested deeper than ${MAX_STATE_DEPTH} directories`);
      if (entries > MAX_DIRECTORY_ENTRIES) {
        throw refused(`has a directory of more than ${MAX_DIRECTORY_ENTRIES} entries`);
      }
      entriesLeft -= entries;
      if (entriesLeft < 0) throw refused(`has more than ${MAX_STATE_ENTRIES} entries`);
      spend(entries * STATE_ENTRY_BYTES);
    },
    file: spend,
    other(name) {
      throw refused(`holds ${JSON.stringify(name)}, which is neither a file nor a directory`);
    },
  };
}

/**
 * The name of an entry as text, or undefined when a state may not have it: UTF-8 of 1 to 200 bytes that every file system
 * and every tool takes for a name and nothing else, so no `.` or `..`, slash, backslash or control character.
 */
export function stateName(raw: Uint8Array): string | undefined {
  if (raw.length === 0 || raw.length > MAX_STATE_NAME_BYTES) return undefined;
  if (raw.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x2f || byte === 0x5c)) return undefined;
  let name: string;
  try {
    name = UTF8.decode(raw);
  } catch {
    return undefined;
  }
  return name === "." || name === ".." ? undefined : name;
}

/** The one order of names: by the bytes of their UTF-8. */
export function compareStateNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function refused(how: string): SprfError {
  return new SprfError("STATE_REFUSED", `the state ${how}`);
}

function latin1(raw: Uint8Array): string {
  return Buffer.from(raw.subarray(0, MAX_STATE_NAME_BYTES)).toString("latin1");
}
