import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FOLDER = ".sprf/deployments";

/** Writes down a market's addresses for people and tools; returns the file. */
export async function writeDeployment(chainId: bigint, contracts: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const path = join(FOLDER, `${chainId}.json`);
  await writeFile(path, `${JSON.stringify({ chainId: chainId.toString(), contracts }, undefined, 2)}\n`);
  return path;
}
