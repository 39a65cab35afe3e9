import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { NetworkHelpers } from "@nomicfoundation/hardhat-network-helpers/types";
import { type ContractTransactionReceipt, type ContractTransactionResponse, id, type Signer } from "ethers";

import type { GridContracts, GridRegistry, PriceBook, ScriptedFeed, Twins } from "../../../typechain-types/index.ts";
import { type Market, makeTwin } from "./market.ts";

/** Values of enums as the contracts number them. */
export const Kind = { Node: 0n, Rent: 1n, Name: 2n } as const;
export const State = { Created: 0n, Deployed: 1n, GracePeriod: 2n, Deleted: 3n } as const;
export const Cause = { None: 0n, ByUser: 1n, ByNode: 2n, OutOfFunds: 3n, Expired: 4n, NodeRetired: 5n } as const;
export const Reported = {
  Accepted: 0n,
  Kept: 1n,
  Foreign: 2n,
  Over: 3n,
  NotDeployed: 4n,
  NotNewer: 5n,
  FromTheFuture: 6n,
  OutOfFunds: 7n,
  RateTooHigh: 8n,
} as const;

export const GIB = 2n ** 30n;
export const HOUR = 3_600n;
export const GRAIN = 2n ** 52n;
export const NEVER = 2n ** 40n - 1n;
export const PRICES = {
  cu: 305_600n,
  su: 194_400n,
  nu: 50_000n,
  ipu: 69_400n,
  uniqueName: 13_900n,
  dedicationDiscountPercent: 50n,
};
export const SHARES = { farm: 7_000n, treasury: 2_000n, burn: 1_000n };
export const RESOURCES = { cru: 16n, sru: 1_000n * GIB, hru: 4_000n * GIB, mru: 64n * GIB };
/** Of a deployment: 2 compute units, half a storage unit. */
export const LIMITS = {
  resources: { cru: 4n, sru: 100n * GIB, hru: 0n, mru: 8n * GIB },
  nruPerHour: 10n ** 9n,
};
export const GRACE_SECONDS = 14n * 24n * HOUR;
export const GRACE_SHARE = 50n;
/** 3,000 USD with 8 decimals. */
export const ANSWER = 3_000n * 10n ** 8n;
/** A rate is 2^-20 of 1e-7 USD per hour. */
export const RATE = 2n ** 20n;

const LOCATION = { country: "0x4245", latitude: 51_000_000n, longitude: 3_700_000n, city: "Ghent" };

export interface Consumed {
  contractId: bigint;
  timestamp: bigint;
  cru: bigint;
  sru: bigint;
  hru: bigint;
  mru: bigint;
  nru: bigint;
}

/** A grid with one farm of one node, and a clock that stands still between blocks. */
export interface Grid {
  ethers: HardhatEthers;
  twins: Twins;
  feed: ScriptedFeed;
  registry: GridRegistry;
  prices: PriceBook;
  contracts: GridContracts;
  farmer: Signer;
  payout: string;
  treasury: Signer;
  node: Signer;
  user: Signer;
  stranger: Signer;
  /** Of the user. */
  userTwinId: bigint;
  nodeTwinId: bigint;
  /** The start of an interval. */
  start: bigint;
  /** Sets the time of the next block, in seconds after `start`. */
  at(second: bigint): Promise<void>;
  /** Mines an empty block then, so that views see that time. */
  lookAt(second: bigint): Promise<void>;
}

/** Deploys everything; the farm has `publicIps` addresses, and the user's balance is `balance` wei. */
export async function deployGrid(
  ethers: HardhatEthers,
  networkHelpers: NetworkHelpers,
  options: { publicIps?: number; balance?: bigint } = {},
): Promise<Grid> {
  const { publicIps = 4, balance = 10n ** 18n } = options;
  const [deployer, farmer, node, user, stranger, treasury, payee] = await ethers.getSigners();
  if (!deployer || !farmer || !node || !user || !stranger || !treasury || !payee) throw new Error("too few accounts");
  const twins = await ethers.deployContract("Twins");
  const payout = await payee.getAddress();
  const registry = await ethers.deployContract("GridRegistry", [
    twins,
    HOUR,
    { prices: PRICES, shares: SHARES, treasury: await treasury.getAddress() },
  ]);
  const feed = await ethers.deployContract("ScriptedFeed");
  await feed.setAnswer(ANSWER, 0n);
  const prices = await ethers.deployContract("PriceBook", [feed, HOUR]);
  const contracts = await ethers.deployContract("GridContracts", [twins, registry, prices, GRACE_SECONDS, GRACE_SHARE], {
    libraries: await deployGridLibraries(ethers),
  });
  const start = (BigInt(await networkHelpers.time.latest()) / HOUR + 2n) * HOUR;
  const grid: Grid = {
    ...{ ethers, twins, feed, registry, prices, contracts, farmer, payout, treasury, node, user, stranger, start },
    userTwinId: 0n,
    nodeTwinId: 0n,
    at: async (second) => await networkHelpers.time.setNextBlockTimestamp(start + second),
    lookAt: async (second) => await networkHelpers.time.increaseTo(start + second),
  };
  await makeGridTwin(grid, farmer);
  grid.nodeTwinId = await makeGridTwin(grid, node);
  grid.userTwinId = await makeGridTwin(grid, user);
  await registry.connect(farmer).createFarm("farm", 1n, payout);
  for (let index = 0; index < publicIps; index += 1) {
    await registry.connect(farmer).addPublicIp(1n, publicIpOf(index));
  }
  await makeNode(grid, node, 1n);
  await contracts.connect(user).deposit({ value: balance });
  return grid;
}

/** What the code of GridContracts is linked with. */
export async function deployGridLibraries(ethers: HardhatEthers): Promise<Record<string, string>> {
  const libraries: Record<string, string> = {};
  for (const name of ["GridReports", "GridOpenings", "GridEndings"]) {
    libraries[name] = await (await ethers.deployContract(name)).getAddress();
  }
  return libraries;
}

export async function makeGridTwin(grid: Grid, signer: Signer): Promise<bigint> {
  return await makeTwin({ ethers: grid.ethers, twins: grid.twins } as Market, signer);
}

/** Takes a node into a farm of the farmer, with its consent. */
export async function makeNode(grid: Grid, node: Signer, farmId: bigint, resources = RESOURCES): Promise<bigint> {
  const account = await node.getAddress();
  const deadline = NEVER;
  const consent = await grid.farmer.signTypedData(
    {
      name: "SPRF GridRegistry",
      version: "1",
      chainId: (await grid.ethers.provider.getNetwork()).chainId,
      verifyingContract: await grid.registry.getAddress(),
    },
    {
      NodeConsent: [
        { name: "farmId", type: "uint256" },
        { name: "twinId", type: "uint256" },
        { name: "cru", type: "uint32" },
        { name: "sru", type: "uint64" },
        { name: "hru", type: "uint64" },
        { name: "mru", type: "uint64" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    {
      farmId,
      twinId: await grid.twins.twinOf(account),
      ...resources,
      nonce: await grid.registry.nonces(account),
      deadline,
    },
  );
  await grid.registry.connect(node).createNode(farmId, resources, LOCATION, deadline, consent);
  return await grid.registry.nodeCount();
}

/** 185.206.122.x */
export function publicIpOf(index: number): { ip: string; gateway: string; prefix: bigint } {
  const address = (last: number): string => `0x00000000000000000000ffffb9ce7a${last.toString(16).padStart(2, "0")}`;
  return { ip: address(index + 2), gateway: address(1), prefix: 24n };
}

/** Makes a deployment's contract for the user, and confirms it in the same second unless told not to. */
export async function deploy(
  grid: Grid,
  second: bigint,
  options: { publicIps?: bigint; label?: string; limits?: typeof LIMITS; confirm?: boolean; user?: Signer; nodeId?: bigint } = {},
): Promise<bigint> {
  const { publicIps = 0n, label = "workload", limits = LIMITS, confirm = true, user = grid.user, nodeId = 1n } = options;
  await grid.at(second);
  await grid.contracts.connect(user).createContract(nodeId, id(label), "0x", publicIps, limits);
  const contractId = await grid.contracts.contractCount();
  if (confirm) {
    await grid.at(second + 1n);
    await grid.contracts.connect(grid.node).confirmDeployment(contractId);
  }
  return contractId;
}

/** One report by the node, of what is told and else of what the limits allow without traffic. */
export async function report(
  grid: Grid,
  second: bigint,
  contractId: bigint,
  used: Partial<Consumed> = {},
): Promise<ContractTransactionReceipt> {
  await grid.at(second);
  const item = { contractId, timestamp: grid.start + second, ...LIMITS.resources, nru: 0n, ...used };
  return await mined(grid.contracts.connect(grid.node).addReports(1n, [item]));
}

export async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  return (await (await sent).wait()) as ContractTransactionReceipt;
}

/** Arguments of events of the grid's contracts in a receipt, by name. */
export function eventsIn(grid: Grid, receipt: ContractTransactionReceipt, name: string): Record<string, unknown>[] {
  return receipt.logs.flatMap((log) => {
    const parsed = grid.contracts.interface.parseLog(log);
    return parsed?.name === name ? [parsed.args.toObject()] : [];
  });
}

/** Grains that a rate costs in a second at a price of ether with 8 decimals, for each percent that is paid. */
export function grainPrice(answer: bigint): bigint {
  const numerator = (10n ** 19n * GRAIN) / (RATE * HOUR * 100n);
  return (numerator + answer / 2n) / answer;
}

/** Grains for a rate over some seconds, at a discount in percent. */
export function costOf(rate: bigint, seconds: bigint, discount = 0n, answer = ANSWER): bigint {
  return rate * seconds * (100n - discount) * grainPrice(answer);
}
