import { Errno, ProgramStop } from "./errno.ts";

/** Limits of a state that is a directory. */
export interface DirectoryLimits {
  readonly maxEntries: number;
  readonly maxDirectoryEntries: number;
  readonly maxDepth: number;
  readonly maxNameBytes: number;
  readonly entryBytes: number;
}

/** What the files of one place may take together, and take. */
export interface Quota {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly maxNameBytes: number;
  /** What an entry counts besides a file's bytes. */
  readonly entryBytes: number;
  readonly maxDirectoryEntries: number;
  readonly maxDepth: number;
  usedBytes: number;
  usedEntries: number;
  /** The state stops the program, so that it cannot hide the excess; scratch space is full as a disk is. */
  readonly excess: "state-limit" | "nospc";
}

const MAX_SCRATCH_ENTRIES = 4096;
const MAX_SCRATCH_DEPTH = 64;
const MAX_SCRATCH_NAME_BYTES = 255;

export function stateQuota(maxBytes: number, limits: DirectoryLimits): Quota {
  return { ...limits, maxBytes, usedBytes: 0, usedEntries: 0, excess: "state-limit" };
}

export function scratchQuota(maxBytes: number): Quota {
  return {
    maxBytes,
    maxEntries: MAX_SCRATCH_ENTRIES,
    maxDirectoryEntries: MAX_SCRATCH_ENTRIES,
    maxDepth: MAX_SCRATCH_DEPTH,
    maxNameBytes: MAX_SCRATCH_NAME_BYTES,
    entryBytes: 0,
    usedBytes: 0,
    usedEntries: 0,
    excess: "nospc",
  };
}

/** Counts one more entry. */
export function takeEntry(quota: Quota): void {
  const usedBytes = quota.usedBytes + quota.entryBytes;
  if (quota.usedEntries >= quota.maxEntries || usedBytes > quota.maxBytes) throw excess(quota);
  quota.usedEntries += 1;
  quota.usedBytes = usedBytes;
}

/** Gives back an entry and the bytes of its file. */
export function freeEntry(quota: Quota, bytes: number): void {
  quota.usedEntries -= 1;
  quota.usedBytes -= quota.entryBytes + bytes;
}

/** Names of a state must be names everywhere. */
export function checkName(quota: Quota, name: string): void {
  if (Buffer.byteLength(name) > quota.maxNameBytes) throw new Errno("nametoolong");
  if (quota.excess !== "state-limit") return;
  if ([...Buffer.from(name)].some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x5c)) throw new Errno("inval");
}

/** What tells the program, or its end, that there is no more room. */
export function excess({ excess: kind }: Quota): Error {
  return kind === "state-limit" ? new ProgramStop("state-limit", 0) : new Errno("nospc");
}
