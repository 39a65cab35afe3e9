import { existsSync } from "node:fs";

import { devnetFilePath } from "./devnet-file.ts";

/** The network of hardhat.config.ts that `npm run devnet` keeps up. */
const DEVNET = "devnet";

/**
 * Where a script under `hardhat run --network <name>` finds its settings: on devnet in what that has written, unless the
 * environment says where the chain is and there is no such file; on any other network in the environment alone, so that the known
 * accounts of devnet are never used there.
 */
export function scriptSettings(
  network: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { readonly devnetFile?: string } {
  if (network !== DEVNET) return {};
  const path = devnetFilePath(environment);
  return environment["SPRF_CHAIN_URL"] === undefined || existsSync(path) ? { devnetFile: path } : {};
}
