import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { networksSchema } from "./schema.ts";

/** Where `npm run devnet` says how it is reached, relative to the working directory. */
export const DEVNET_FILE = ".sprf/devnet.json";

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
  try {
    return devnetFileSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new SprfError(
      "CONFIG_INVALID",
      `${path} does not describe a devnet (is \`npm run devnet\` up?): ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

export async function removeDevnetFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Has a running devnet's users work with another market; false when no devnet is up. */
export async function adoptMarket(
  path: string,
  contracts: DevnetFile["networks"]["chain"]["contracts"],
): Promise<boolean> {
  if (!existsSync(path)) return false;
  const devnet = await readDevnetFile(path);
  const { networks } = devnet;
  await writeDevnetFile(path, { ...devnet, networks: { ...networks, chain: { ...networks.chain, contracts } } });
  return true;
}
