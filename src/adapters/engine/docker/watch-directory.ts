import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

import { SprfError } from "../../../errors.ts";

const INTERVAL_MS = 200;
const MAX_ENTRIES = 200_000;

/**
 * Aborts its signal when a directory that a program writes to outgrows `maxBytes`. The kernel limits the size of a file, not
 * that of a directory, so this keeps a run from filling the disk; when it strikes depends on the machine, so it is a failure
 * and no result.
 */
export function watchDirectory(path: string, maxBytes: number): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const used = { bytes: 0, entries: 0 };
    await measure(path, used, () => stopped || used.bytes > maxBytes || used.entries > MAX_ENTRIES);
    if (stopped) return;
    if (used.bytes > maxBytes || used.entries > MAX_ENTRIES) {
      controller.abort(
        new SprfError("ENGINE_FAILED", "the program filled its state with more than this machine takes"),
      );
    } else {
      timer = setTimeout(() => void look(), INTERVAL_MS);
    }
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

/** Never throws: the program changes the directory meanwhile. */
async function measure(path: string, used: { bytes: number; entries: number }, isEnough: () => boolean): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) {
    if (isEnough()) return;
    const stats = await lstat(join(path, name)).catch(() => undefined);
    used.entries++;
    // What is allocated, not what is claimed: a sparse file takes no disk.
    used.bytes += (stats?.blocks ?? 0) * 512;
    if (stats?.isDirectory()) await measure(join(path, name), used, isEnough);
  }
}
