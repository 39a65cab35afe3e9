import { lstat, readdir, statfs } from "node:fs/promises";

import { SprfError } from "../../../errors.ts";

const INTERVAL_MS = 200;
const MAX_ENTRIES = 200_000;
const MIN_FREE_BYTES = 1024 ** 3;
const SLASH = Buffer.from("/");

/**
 * Aborts its signal when a directory that a program writes to outgrows `maxBytes`, or the disk is about to be full, which also
 * tells of files that were removed and are still written to. The kernel limits the size of a file, not that of a directory, so
 * this keeps a run from filling the disk; when it strikes depends on the machine, so it is a failure and no result.
 */
export function watchDirectory(
  path: string,
  maxBytes: number,
  { minFreeBytes = MIN_FREE_BYTES }: { minFreeBytes?: number } = {},
): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const used = { bytes: 0, entries: 0 };
    await measure(Buffer.from(path), used, () => stopped || used.bytes > maxBytes || used.entries > MAX_ENTRIES);
    const free = await freeBytes(path);
    if (stopped) return;
    if (used.bytes > maxBytes || used.entries > MAX_ENTRIES) {
      fail("the program filled its state with more than this machine takes");
    } else if (free < minFreeBytes) {
      fail(`the disk of the states has less than ${minFreeBytes} bytes left`);
    } else {
      timer = setTimeout(() => void look(), INTERVAL_MS);
    }
  }

  function fail(why: string): void {
    controller.abort(new SprfError("ENGINE_FAILED", why));
  }

  void look();
  return {
    signal: controller.signal,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Never throws: the program changes the directory meanwhile. Names are bytes, since a program may choose any. */
async function measure(path: Buffer, used: { bytes: number; entries: number }, isEnough: () => boolean): Promise<void> {
  for (const name of await readdir(path, { encoding: "buffer" }).catch(() => [])) {
    if (isEnough()) return;
    const child = Buffer.concat([path, SLASH, name]);
    const stats = await lstat(child).catch(() => undefined);
    used.entries++;
    // What is allocated, not what is claimed: a sparse file takes no disk.
    used.bytes += (stats?.blocks ?? 0) * 512;
    if (stats?.isDirectory()) await measure(child, used, isEnough);
  }
}

async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
