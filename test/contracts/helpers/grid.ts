import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { NetworkHelpers } from "@nomicfoundation/hardhat-network-helpers/types";
import { type ContractTransactionReceipt, type ContractTransactionResponse, id } from "ethers";

import type { GridContracts, PriceBook, ScriptedFeed } from "../../../typechain-types/index.ts";
import {
  deployRegistry,
  INTERVAL,
  makeFarm,
  makeGridTwin,
  makeNode,
  PRICES,
  publicIp,
  type Registry,
} from "./grid-registry.ts";

/** Enums as the contracts number them. */
export const State = { Created: 0n, Deployed: 1n, GracePeriod: 2n, Deleted: 3n } as const;
export const Cause = { None: 0n, ByUser: 1n, ByNode: 2n, OutOfFunds: 3n, Expired: 4n, NodeRetired: 5n } as const;
export const Outcome = {
  Kept: 1n,
  Foreign: 2n,
  Over: 3n,
  NotDeployed: 4n,
  NotNewer: 5n,
  FromTheFuture: 6n,
  OutOfFunds: 7n,
  RateTooHigh: 8n,
} as const;

const GIB = 2n ** 30n;
const GRAIN_BITS = 52n;
const SECONDS_PER_HOUR = 3_600n;
export const GRAINS_PER_WEI = 2n ** GRAIN_BITS;
/** A rate of one 1e-7 USD per hour. */
export const RATE = 2n ** 20n;
/** 2 compute units and half a storage unit. */
export const LIMITS = { resources: { cru: 4n, sru: 100n * GIB, hru: 0n, mru: 8n * GIB }, nruPerHour: 10n ** 9n };
/** Of a deployment that uses all of LIMITS, and of one public IP. */
export const NODE_RATE = (2n * PRICES.cu + PRICES.su / 2n) * RATE;
export const IP_RATE = PRICES.ipu * RATE;
export const GRACE_SECONDS = 14n * 24n * SECONDS_PER_HOUR;
export const GRACE_SHARE = 50n;
/** 3,000 USD with 8 decimals. */
export const ANSWER = 3_000n * 10n ** 8n;
/** Of the user's first deposit. */
export const BALANCE = 10n ** 18n;
export const IPS = 4n;

export interface Consumed {
  contractId: bigint;
  timestamp: bigint;
  cru: bigint;
  sru: bigint;
  hru: bigint;
  mru: bigint;
  nru: bigint;
}

/** A farm of a farmer with one node, and a user with a balance. Seconds are counted from the start of an interval. */
export interface Grid extends Registry {
  ethers: HardhatEthers;
  feed: ScriptedFeed;
  prices: PriceBook;
  contracts: GridContracts;
  farmer: HardhatEthersSigner;
  node: HardhatEthersSigner;
  user: HardhatEthersSigner;
  /** With a twin and as much as the user has. */
  other: HardhatEthersSigner;
  /** Without a twin. */
  stranger: HardhatEthersSigner;
  treasury: HardhatEthersSigner;
  /** Twins. */
  userId: bigint;
  otherId: bigint;
  nodeTwinId: bigint;
  start: bigint;
  /** Sets the time of the next block. */
  at(second: bigint): Promise<void>;
  /** Mines a block then, so that views see that time. */
  lookAt(second: bigint): Promise<void>;
}

export async function deployGrid(ethers: HardhatEthers, networkHelpers: NetworkHelpers): Promise<Grid> {
  const [, farmer, node, user, other, stranger, treasury] = await ethers.getSigners();
  if (!farmer || !node || !user || !other || !stranger || !treasury) throw new Error("too few accounts");
  const base = await deployRegistry(ethers, treasury.address);
  const { registry, twins } = base;
  const feed = await ethers.deployContract("ScriptedFeed");
  await feed.setAnswer(ANSWER, 0n);
  const prices = await ethers.deployContract("PriceBook", [feed, INTERVAL]);
  const settings = [twins, registry, prices, GRACE_SECONDS, GRACE_SHARE];
  const contracts = await ethers.deployContract("GridContracts", settings, {
    libraries: await deployGridLibraries(ethers),
  });
  const [, nodeTwinId, userId, otherId] = [
    await makeGridTwin(twins, farmer),
    await makeGridTwin(twins, node),
    await makeGridTwin(twins, user),
    await makeGridTwin(twins, other),
  ];
  const farmId = await makeFarm(registry, farmer, "farm");
  for (let index = 1n; index <= IPS; index += 1n) {
    await registry.connect(farmer).addPublicIp(farmId, publicIp(Number(index)));
  }
  await makeNode(base, farmer, node, farmId);
  await contracts.connect(user).deposit({ value: BALANCE });
  await contracts.connect(other).deposit({ value: BALANCE });
  const start = (BigInt(await networkHelpers.time.latest()) / INTERVAL + 2n) * INTERVAL;
  return {
    ...base,
    ethers,
    feed,
    prices,
    contracts,
    farmer,
    node,
    user,
    other,
    stranger,
    treasury,
    userId,
    otherId,
    nodeTwinId,
    start,
    at: async (second) => await networkHelpers.time.setNextBlockTimestamp(start + second),
    lookAt: async (second) => await networkHelpers.time.increaseTo(start + second),
  };
}

/** What the code of GridContracts is linked with. */
export async function deployGridLibraries(ethers: HardhatEthers): Promise<Record<string, string>> {
  const libraries: Record<string, string> = {};
  for (const name of ["GridReports", "GridOpenings", "GridEndings"]) {
    libraries[name] = await (await ethers.deployContract(name)).getAddress();
  }
  return libraries;
}

/** Makes a deployment's contract, and confirms it a second later unless told not to. */
export async function deploy(
  grid: Grid,
  second: bigint,
  options: {
    publicIps?: bigint;
    label?: string;
    limits?: typeof LIMITS;
    isConfirmed?: boolean;
    by?: HardhatEthersSigner;
  } = {},
): Promise<bigint> {
  const { publicIps = 0n, label = "workload", limits = LIMITS, isConfirmed = true, by = grid.user } = options;
  await grid.at(second);
  await grid.contracts.connect(by).createContract(1n, id(label), "0x", publicIps, limits);
  const contractId = await grid.contracts.contractCount();
  if (isConfirmed) {
    await grid.at(second + 1n);
    await grid.contracts.connect(grid.node).confirmDeployment(contractId);
  }
  return contractId;
}

/** A report of all that LIMITS allow and no traffic, unless told otherwise. */
export function consumed(grid: Grid, second: bigint, contractId: bigint, used: Partial<Consumed> = {}): Consumed {
  return { contractId, timestamp: grid.start + second, ...LIMITS.resources, nru: 0n, ...used };
}

/** One report by the node. */
export async function report(
  grid: Grid,
  second: bigint,
  contractId: bigint,
  used: Partial<Consumed> = {},
): Promise<ContractTransactionReceipt> {
  await grid.at(second);
  return await mined(grid.contracts.connect(grid.node).addReports(1n, [consumed(grid, second, contractId, used)]));
}

export async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  return (await (await sent).wait()) as ContractTransactionReceipt;
}

/** Arguments of events of the grid's contracts in a receipt. */
export function eventsIn(grid: Grid, receipt: ContractTransactionReceipt, name: string): Record<string, unknown>[] {
  return receipt.logs.flatMap((log) => {
    const parsed = grid.contracts.interface.parseLog(log);
    return parsed?.name === name ? [parsed.args.toObject()] : [];
  });
}

/** Grains for a rate over some seconds. */
export function costOf(rate: bigint, seconds: bigint, discount = 0n, answer = ANSWER): bigint {
  const perRate = (10n ** 19n * GRAINS_PER_WEI) / (RATE * SECONDS_PER_HOUR * 100n);
  return rate * seconds * (100n - discount) * ((perRate + answer / 2n) / answer);
}

/** The user withdraws at a second so that so many wei and less than one more are left. Nothing else may happen right before. */
export async function leave(grid: Grid, second: bigint, wei: bigint): Promise<void> {
  await grid.lookAt(second - 1n);
  const { balanceGrains, grainsPerSecond } = await grid.contracts.accountOf(grid.userId);
  await grid.at(second);
  await grid.contracts.connect(grid.user).withdraw((balanceGrains - grainsPerSecond) / GRAINS_PER_WEI - wei);
}

export async function balanceOf(grid: Grid): Promise<bigint> {
  return (await grid.contracts.accountOf(grid.userId)).balanceGrains;
}

export async function stateOf(grid: Grid, contractId: bigint): Promise<readonly bigint[]> {
  const { state, cause } = await grid.contracts.contractOf(contractId);
  return [state, cause];
}
