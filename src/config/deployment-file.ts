import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { devnetFilePath } from "./devnet-file.ts";

type Addresses = Readonly<Record<string, string | undefined>>;

/** What stands beside a market on its chain. */
interface Beside {
  readonly grid?: Addresses | undefined;
  readonly channels?: Addresses | undefined;
}

/** Writes down the addresses of a market, and of what is beside it, for people and tools, beside devnet's file; returns the file. */
export async function writeDeployment(
  chainId: bigint,
  contracts: Addresses,
  { grid, channels }: Beside = {},
): Promise<string> {
  const folder = join(dirname(devnetFilePath()), "deployments");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${chainId}.json`);
  await writeFile(
    path,
    `${JSON.stringify({ chainId: chainId.toString(), contracts, grid, channels }, undefined, 2)}\n`,
  );
  return path;
}
