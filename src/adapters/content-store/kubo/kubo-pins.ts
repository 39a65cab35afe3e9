import PQueue from "p-queue";
import { z } from "zod";

import { isSprfError } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { Store } from "../../../ports/store.ts";
import { isRecord, parseCid } from "../cid.ts";
import { createPins, type Pins } from "../pins.ts";
import { parseAnswer } from "./kubo-blocks.ts";
import type { KuboRpc } from "./rpc.ts";

/** Our pins in a daemon that may have others. */
const PIN_NAME = "sprf";

const DEFERRED_TIMEOUT_MS = 30_000;

const pinSchema = z.object({ Cid: z.string(), Name: z.string().optional(), Type: z.string() });

export interface PinChange {
  readonly signal: AbortSignal;
  readonly holder?: string | undefined;
}

export interface KuboPins {
  readonly counts: Pins;
  /** Counts one more, and makes sure that Kubo keeps it. The blocks are on its disk. */
  add(cid: string, options: PinChange): Promise<void>;
  release(cid: string, options: PinChange): Promise<void>;
  /** Runs an import that pins by itself: until it is counted, no release takes its pin away. */
  whileImporting<T>(work: () => Promise<T>): Promise<T>;
  /** Takes away what a crash left pinned without a count, and says what is counted without a pin. */
  reconcile(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** Kubo knows pinned or not; how often is counted here. A record is pinned by itself: its links are no part of it. */
export function createKuboPins({
  rpc,
  store,
  logger,
}: {
  readonly rpc: KuboRpc;
  readonly store: Store;
  readonly logger: Logger;
}): KuboPins {
  const counts = createPins(store);
  // One change at a time: count and pin go together.
  const changes = new PQueue({ concurrency: 1 });
  const deferred = new Set<string>();
  let importing = 0;

  const parametersOf = (cid: string) => ({ arg: cid, recursive: !isRecord(parseCid(cid)) });
  const removePin = async (cid: string, signal: AbortSignal): Promise<void> => {
    try {
      await rpc.read("pin/rm", parametersOf(cid), { signal });
    } catch (error) {
      if (!isSprfError(error, "KUBO_REFUSED") || !error.message.includes("not pinned")) throw error;
    }
  };
  const removeUncounted = async (cid: string, signal: AbortSignal): Promise<void> => {
    await changes.add(async () => {
      if ((await counts.count(cid)) === 0) await removePin(cid, signal);
    });
  };
  const ours = async (signal: AbortSignal): Promise<Set<string>> => {
    const found = new Set<string>();
    // Each kind by itself: "all" also lists every block below a pin.
    for (const type of ["recursive", "direct"]) {
      for await (const line of rpc.lines("pin/ls", { type, names: true, stream: true }, { signal })) {
        const { Cid: cid, Name: name } = parseAnswer(pinSchema, line);
        if (name === PIN_NAME) found.add(cid);
      }
    }
    return found;
  };

  return {
    counts,
    async add(cid, { signal, holder }) {
      await changes.add(async () => {
        await rpc.read("pin/add", { ...parametersOf(cid), name: PIN_NAME }, { signal });
        await counts.add(cid, holder);
      });
    },
    async release(cid, { signal, holder }) {
      if ((await counts.count(cid)) === 0) return;
      await changes.add(async () => {
        await counts.release(cid, holder);
        if ((await counts.count(cid)) > 0) return;
        if (importing > 0) deferred.add(cid);
        else await removePin(cid, signal);
      });
    },
    async whileImporting(work) {
      importing += 1;
      try {
        return await work();
      } finally {
        importing -= 1;
        if (importing === 0 && deferred.size > 0) {
          const free = [...deferred];
          deferred.clear();
          for (const cid of free) {
            // What fails now is found when the store starts again.
            await removeUncounted(cid, AbortSignal.timeout(DEFERRED_TIMEOUT_MS)).catch((error: unknown) =>
              logger.warn("a pin stays until the next start", { cid, error: String(error) }),
            );
          }
        }
      }
    },
    async reconcile({ signal }) {
      const pinned = await ours(signal);
      for (const cid of pinned) await removeUncounted(cid, signal);
      for await (const cid of counts.roots()) {
        if (!pinned.has(cid)) logger.error("Kubo has lost a pin", { cid });
      }
    },
  };
}
