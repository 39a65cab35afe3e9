import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { messageOf } from "../../src/errors.ts";

const run = promisify(execFile);

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/** Mounts one of so many KiB; this wants root. */
export async function createSmallDisk(kib: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "sprf-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "sprf-test", path]);
  } catch (error) {
    await rm(path, { recursive: true });
    throw error;
  }
  return {
    path,
    async remove() {
      await run("umount", [path]);
      await rm(path, { recursive: true });
    },
  };
}

/** Why none can be mounted here, or undefined when they can. */
export async function smallDiskAbsence(): Promise<string | undefined> {
  try {
    await (await createSmallDisk(64)).remove();
    return undefined;
  } catch (error) {
    return messageOf(error).trim();
  }
}
