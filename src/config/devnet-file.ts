import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { firstIssue } from "./first-issue.ts";
import { networksSchema } from "./schema.ts";

/** Relative to the working directory. */
const DEFAULT_PATH = ".sprf/devnet.json";

/** Where `npx sprf devnet` says how it is reached: `SPRF_DEVNET_FILE`, else `.sprf/devnet.json`. */
export function devnetFilePath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = environment["SPRF_DEVNET_FILE"];
  return given === undefined || given === "" ? DEFAULT_PATH : given;
}

/** Where the daemons of that devnet keep their data, which means nothing on another devnet. */
export function devnetDataDirectory(path: string): string {
  return `${path.replace(/\.json$/, "")}-data`;
}

const devnetFileSchema = z.strictObject({
  networks: networksSchema,
  friendbotUrl: z.url(),
  contentMultiaddrs: z.array(z.string()),
  /** The words behind all accounts of devnet; known to everybody. */
  mnemonic: z.string(),
});

/** A running devnet, as other processes find it. */
export type DevnetFile = z.output<typeof devnetFileSchema>;

/** Writes the file whole or not at all. */
export async function writeDevnetFile(path: string, devnet: DevnetFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(devnet, undefined, 2)}\n`);
  await rename(draft, path);
}

/** @throws SprfError `CONFIG_INVALID` when no devnet has written it, or it is damaged */
export async function readDevnetFile(path: string): Promise<DevnetFile> {
  if (!existsSync(path))
    throw new SprfError("CONFIG_INVALID", `no devnet is up (\`npx sprf devnet\`): there is no ${path}`);
  const problem = `${path} does not describe a devnet`;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new SprfError("CONFIG_INVALID", `${problem}: ${messageOf(error)}`, { cause: error });
  }
  const result = devnetFileSchema.safeParse(json);
  if (result.success) return result.data;
  throw new SprfError("CONFIG_INVALID", `${problem}: ${firstIssue(result.error)}`, { cause: result.error });
}

export async function removeDevnetFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Has a running devnet's users work with another market, and with its grid, or without one: a grid belongs to the twins of its
 * market. The channels stay as they are unless there are others. False when the file is not that of the market's chain.
 */
export async function adoptMarket(
  path: string,
  {
    rpcUrl,
    contracts,
    grid,
    channels,
  }: Pick<DevnetFile["networks"]["chain"], "rpcUrl" | "contracts" | "grid" | "channels">,
): Promise<boolean> {
  if (!existsSync(path)) return false;
  const devnet = await readDevnetFile(path);
  const { networks } = devnet;
  if (networks.chain.rpcUrl !== rpcUrl) return false;
  const chain = { ...networks.chain, contracts, grid, ...(channels === undefined ? {} : { channels }) };
  await writeDevnetFile(path, { ...devnet, networks: { ...networks, chain } });
  return true;
}
