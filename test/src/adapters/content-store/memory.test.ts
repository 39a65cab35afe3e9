import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { contentStoreCompliance } from "../../../compliance/content-store.ts";

const MAX_FILE_BYTES = 20 * 1024 * 1024;

contentStoreCompliance("memory", async () => {
  const both: CollectingContentStore[] = [];
  const make = (): CollectingContentStore =>
    createMemoryContentStore({
      peers: () => both,
      maxFileBytes: MAX_FILE_BYTES,
      clock: systemClock,
      logger: createMemoryLogger(),
    });
  const [a, b] = [make(), make()];
  both.push(a, b);
  await a.start();
  await b.start();
  return {
    a,
    b,
    async close() {
      await a.stop();
      await b.stop();
    },
  };
});
