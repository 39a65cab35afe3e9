import { JsonRpcProvider } from "ethers";

/** Has the development chain mine empty blocks at once: what on a real chain is waiting. */
export async function mineBlocks(rpcUrl: string, blocks: number): Promise<void> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  try {
    await provider.send("hardhat_mine", [`0x${blocks.toString(16)}`]);
  } finally {
    provider.destroy();
  }
}
