import type { HardhatPlugin } from "hardhat/types/plugins";

/**
 * Puts the artifacts of a build in order before types are generated from them: Hardhat gives them in the order in which they were
 * written, and the committed types would differ from machine to machine. Must come before the plugin that generates types.
 */
export const sortedArtifacts: HardhatPlugin = {
  id: "sprf-sorted-artifacts",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        processArtifactsAfterSuccessfulBuild: async (_context, artifactPaths) => {
          // The handlers that follow get this very array.
          (artifactPaths as string[]).sort();
        },
      }),
    }),
  },
};
