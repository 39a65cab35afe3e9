import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";

/** Where `npm run devnet` says how it is reached, relative to the working directory. */
export const DEVNET_FILE = ".sprf/devnet.json";

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

const devnetFileSchema = z.strictObject({
  networks: z.strictObject({
    chain: z.strictObject({
      rpcUrl: z.url(),
      contracts: z.strictObject({ twins: address, dispatcher: address, testers: address }),
      pollingIntervalMs: z.int().positive(),
    }),
    ledger: z.strictObject({ rpcUrl: z.url(), networkPassphrase: z.string().min(1) }),
    waku: z.strictObject({
      peers: z.array(z.string()),
      clusterId: z.int().min(0),
      shard: z.int().min(0),
    }),
  }),
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
