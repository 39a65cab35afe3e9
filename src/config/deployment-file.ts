import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { devnetFilePath } from "./devnet-file.ts";

/** Writes down a market's addresses for people and tools, beside devnet's file; returns the file. */
export async function writeDeployment(chainId: bigint, contracts: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(dirname(devnetFilePath()), "deployments");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${chainId}.json`);
  await writeFile(path, `${JSON.stringify({ chainId: chainId.toString(), contracts }, undefined, 2)}\n`);
  return path;
}
