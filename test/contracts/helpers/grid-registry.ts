import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { id, Result, type Signer } from "ethers";

import type { GridRegistry, Twins } from "../../../typechain-types/index.ts";
import { messageKeyOf, messageWallet, proveKey } from "./market.ts";

const GIB = 2n ** 30n;
/** Seconds; calendar intervals are as long. */
export const INTERVAL = 3_600n;
/** When a node retires that was not deleted. */
export const NEVER = 2n ** 40n - 1n;
/** As `NodeStatus`. */
export const NodeStatus = { Up: 0n, Standby: 1n } as const;

export const PRICES = {
  cu: 305_600n,
  su: 194_400n,
  nu: 50_000n,
  ipu: 69_400n,
  uniqueName: 13_900n,
  dedicationDiscountPercent: 50n,
};
export const SHARES = { farm: 7_000n, treasury: 2_000n, burn: 1_000n };
export const RESOURCES = { cru: 16n, sru: 512n * GIB, hru: 4_096n * GIB, mru: 64n * GIB };
export const LOCATION = { country: "0x4245", latitude: 51_054_340n, longitude: 3_717_424n, city: "Gent" };

export type ResourceAmounts = typeof RESOURCES;

export interface Registry {
  readonly twins: Twins;
  readonly registry: GridRegistry;
}

/** A registry with policy 1, whose treasury is given. */
export async function deployRegistry(ethers: HardhatEthers, treasury: string): Promise<Registry> {
  const twins = await ethers.deployContract("Twins");
  const registry = await ethers.deployContract("GridRegistry", [
    twins,
    INTERVAL,
    { prices: PRICES, shares: SHARES, treasury },
  ]);
  return { twins, registry };
}

/** What an account registers its twin with. */
export async function twinArguments(twins: Twins, account: string): Promise<[string, string, string]> {
  const wallet = messageWallet(account);
  const ledgerKey = id(`ledger key of ${account}`);
  return [messageKeyOf(wallet), ledgerKey, await proveKey(twins, wallet, { account, ledgerKey, nonce: 0n })];
}

/** Makes a twin of an account. */
export async function makeGridTwin(twins: Twins, signer: Signer): Promise<bigint> {
  const account = await signer.getAddress();
  await twins.connect(signer).register(...(await twinArguments(twins, account)));
  return await twins.twinOf(account);
}

/** Makes a farm; the account must have a twin. */
export async function makeFarm(
  registry: GridRegistry,
  owner: HardhatEthersSigner,
  name: string,
  pricingPolicyId = 1n,
): Promise<bigint> {
  await registry.connect(owner).createFarm(name, pricingPolicyId, owner.address);
  return await registry.farmCount();
}

export interface Consent {
  readonly farmId: bigint;
  readonly twinId: bigint;
  readonly resources: ResourceAmounts;
  readonly nonce: bigint;
  readonly deadline: bigint;
  /** @default the registry */
  readonly verifyingContract?: string;
}

/** The farm owner's signature under a node, as `IGridRegistry` describes it. */
export async function signConsent(registry: GridRegistry, owner: Signer, consent: Consent): Promise<string> {
  const { chainId } = (await owner.provider?.getNetwork()) ?? { chainId: 0n };
  const { farmId, twinId, resources, nonce, deadline, verifyingContract } = consent;
  return await owner.signTypedData(
    {
      name: "SPRF GridRegistry",
      version: "1",
      chainId,
      verifyingContract: verifyingContract ?? (await registry.getAddress()),
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
    { farmId, twinId, ...resources, nonce, deadline },
  );
}

/** Makes a node of an account's twin in a farm, with the consent of the farm's owner. */
export async function makeNode(
  { twins, registry }: Registry,
  owner: Signer,
  account: HardhatEthersSigner,
  farmId: bigint,
  resources: ResourceAmounts = RESOURCES,
): Promise<bigint> {
  const twinId = await twins.twinOf(account.address);
  const nonce = await registry.nonces(account.address);
  const consent = await signConsent(registry, owner, { farmId, twinId, resources, nonce, deadline: NEVER });
  await registry.connect(account).createNode(farmId, resources, LOCATION, NEVER, consent);
  return await registry.nodeCount();
}

/** An IPv4 address as the registry has it. */
export function ipv4(text: string): string {
  const bytes = text.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `0x${"0".repeat(20)}ffff${bytes.join("")}`;
}

/** A farm's n-th IP in tests. */
export function publicIp(index: number): { ip: string; gateway: string; prefix: bigint } {
  return { ip: ipv4(`127.0.10.${index}`), gateway: ipv4("127.0.0.1"), prefix: 8n };
}

/** A struct that a contract returned, with the structs in it, as objects that deep equality can compare. */
export function named(value: unknown): Record<string, unknown> {
  if (!(value instanceof Result)) throw new Error("not a struct");
  return value.toObject(true);
}
