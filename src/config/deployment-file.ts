import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { devnetFilePath } from "./devnet-file.ts";

type Addresses = Readonly<Record<string, string>>;

/** Writes down the addresses of a market, and of the grid beside it, for people and tools, beside devnet's file; returns the file. */
export async function writeDeployment(chainId: bigint, contracts: Addresses, grid?: Addresses): Promise<string> {
  const folder = join(dirname(devnetFilePath()), "deployments");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${chainId}.json`);
  await writeFile(path, `${JSON.stringify({ chainId: chainId.toString(), contracts, grid }, undefined, 2)}\n`);
  return path;
}
