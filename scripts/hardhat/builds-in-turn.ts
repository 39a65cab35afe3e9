import { join } from "node:path";

import type { HardhatPlugin } from "hardhat/types/plugins";

import { inTurn } from "./in-turn.ts";

/**
 * Lets one process build at a time: each build, also one that finds nothing to do, writes its cache through one temporary file, and of
 * two at once the second does not find it any more.
 */
export const buildsInTurn: HardhatPlugin = {
  id: "sprf-builds-in-turn",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        build: async (context, rootFilePaths, options, next) =>
          await inTurn(
            join(context.config.paths.cache, "build.lock"),
            async () => await next(context, rootFilePaths, options),
          ),
      }),
    }),
  },
};
