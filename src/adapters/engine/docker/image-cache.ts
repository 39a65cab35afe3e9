import type Docker from "dockerode";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";

import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { statusOf } from "./docker-errors.ts";

/** What was used last stays, whatever its size: a worker has that many runs at once. */
const KEPT_ALWAYS = 2;

const indexSchema = z.record(
  z.string(),
  z.object({
    bytes: z.number().nonnegative(),
    /** Later uses have higher numbers. */
    used: z.int().nonnegative(),
  }),
);

export interface ImageCacheInit {
  /** A file of one daemon, so that it knows after a restart what it pulled. */
  readonly path: string;
  readonly maxBytes: number;
}

/** Keeps what this worker pulled below a size; images of others on the same Docker Engine are not touched. */
export interface ImageCache {
  /** An image was pulled; older ones may go. */
  pulled(name: string, bytes: number): Promise<void>;
  /** An image was used; ignored unless this worker pulled it. */
  used(name: string): Promise<void>;
  /** Keeps an image, pulled or not yet, until what is returned is called: it is about to be used. */
  hold(name: string): Promise<() => void>;
  /** Some images may be in use no more: older ones may go. */
  trim(): Promise<void>;
}

export function createImageCache(
  { docker, logger }: { readonly docker: Docker; readonly logger: Logger },
  { path, maxBytes }: ImageCacheInit,
): ImageCache {
  const changes = new PQueue({ concurrency: 1 });
  const holders = new Map<string, number>();
  let opening: Promise<Map<string, { bytes: number; used: number }>> | undefined;

  async function open(): Promise<Map<string, { bytes: number; used: number }>> {
    try {
      return new Map(Object.entries(indexSchema.parse(JSON.parse(await readFile(path, "utf8")))));
    } catch {
      // None yet, or cut short by a crash: what was pulled before then stays until somebody removes it.
      return new Map();
    }
  }

  async function change(
    work: (index: Map<string, { bytes: number; used: number }>, next: number) => Promise<boolean>,
  ): Promise<void> {
    await changes.add(async () => {
      try {
        const index = await (opening ??= open());
        const next = Math.max(0, ...[...index.values()].map(({ used }) => used)) + 1;
        if (!(await work(index, next))) return;
        await mkdir(dirname(path), { recursive: true });
        await writeFile(`${path}.part`, JSON.stringify(Object.fromEntries(index)));
        await rename(`${path}.part`, path);
      } catch (error) {
        // No reason for a run to fail.
        logger.warn("the list of pulled images was not updated", { error: messageOf(error) });
      }
    });
  }

  /** @returns whether anything went */
  async function evict(index: Map<string, { bytes: number; used: number }>): Promise<boolean> {
    const before = index.size;
    const oldestFirst = [...index].toSorted(([, a], [, b]) => a.used - b.used);
    let total = oldestFirst.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    for (const [name, { bytes }] of oldestFirst.slice(0, -KEPT_ALWAYS)) {
      if (total <= maxBytes) break;
      if (holders.has(name) || !(await remove(name))) continue;
      index.delete(name);
      total -= bytes;
      logger.info("image removed to make room", { image: name, bytes });
    }
    return index.size < before;
  }

  /** @returns whether it is gone; a container may still use it */
  async function remove(name: string): Promise<boolean> {
    try {
      await docker.getImage(name).remove();
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return true;
      logger.debug("an image was not removed", { image: name, error: messageOf(error) });
      return false;
    }
  }

  return {
    async pulled(name, bytes) {
      await change(async (index, next) => {
        index.set(name, { bytes, used: next });
        await evict(index);
        return true;
      });
    },
    async used(name) {
      await change(async (index, next) => {
        const entry = index.get(name);
        if (entry === undefined || entry.used === next - 1) return await Promise.resolve(false);
        entry.used = next;
        return true;
      });
    },
    async hold(name) {
      // In turn, so that what is being removed is gone before somebody looks for it.
      await changes.add(() => holders.set(name, (holders.get(name) ?? 0) + 1));
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (holders.get(name) ?? 1) - 1;
        if (left > 0) holders.set(name, left);
        else holders.delete(name);
      };
    },
    async trim() {
      await change(async (index) => await evict(index));
    },
  };
}
