import { existsSync } from "node:fs";

import { SprfError } from "../errors.ts";
import { devnetFilePath } from "./devnet-file.ts";
import { firstIssue } from "./first-issue.ts";
import { address } from "./schema.ts";

/** The network of hardhat.config.ts that `npx sprf devnet` keeps up. */
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

/** What a deployment of the grid needs to know besides its defaults. */
export interface GridDeployment {
  /** A feed of ether's price in USD, with Chainlink's interface. */
  readonly priceFeed: string;
  /** Whom the first policy's share goes to; the deployer when it is absent. */
  readonly treasury?: string;
}

/**
 * `SPRF_PRICE_FEED` and `SPRF_TREASURY`, for a deployment beyond devnet; `undefined` when no feed is named: then there is
 * nothing that a grid could be priced by.
 *
 * @throws SprfError `CONFIG_INVALID` when one of them is no address
 */
export function gridDeployment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): GridDeployment | undefined {
  const priceFeed = addressIn(environment, "SPRF_PRICE_FEED");
  const treasury = addressIn(environment, "SPRF_TREASURY");
  if (priceFeed === undefined) return undefined;
  return { priceFeed, ...(treasury !== undefined && { treasury }) };
}

function addressIn(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = environment[name];
  if (value === undefined || value === "") return undefined;
  const parsed = address.safeParse(value);
  if (!parsed.success) throw new SprfError("CONFIG_INVALID", `${name}${firstIssue(parsed.error)}`);
  return parsed.data;
}
