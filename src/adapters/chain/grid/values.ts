import { toUtf8String, hexlify, toUtf8Bytes } from "ethers";

import { SprfError } from "../../../errors.ts";
import type {
  ContractKind,
  ContractLimits,
  ContractState,
  DeletionCause,
  GridAccount,
  GridContract,
  ReportOutcome,
} from "../../../ports/grid-contracts.ts";
import type {
  Farm,
  GridNode,
  GridResources,
  NodeLocation,
  NodeStatus,
  PricingPolicy,
} from "../../../ports/grid-registry.ts";
import { fromHex } from "../../../utils/bytes.ts";
import type {
  AccountViewStructOutput,
  ContractViewStructOutput,
  FarmViewStructOutput,
  NodeViewStructOutput,
  PricingPolicyStructOutput,
} from "../contract-types.ts";
import { member } from "../values.ts";
import { publicIpOf } from "./public-ips.ts";

/** The members of contracts/types/GridTypes.sol and GridContractTypes.sol in their order. */
export const NODE_STATUSES: readonly NodeStatus[] = ["up", "standby"];
const KINDS: readonly ContractKind[] = ["node", "rent", "name"];
const STATES: readonly ContractState[] = ["created", "deployed", "grace-period", "deleted"];
const CAUSES: ReadonlyArray<DeletionCause | undefined> = [
  undefined,
  "by-user",
  "by-node",
  "out-of-funds",
  "expired",
  "node-retired",
];
const OUTCOMES: readonly ReportOutcome[] = [
  "accepted",
  "kept",
  "foreign",
  "over",
  "not-deployed",
  "not-newer",
  "from-the-future",
  "out-of-funds",
  "rate-too-high",
];

/** What the contracts call NEVER. */
const NEVER = 2n ** 40n - 1n;
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const MICRODEGREES = 1_000_000;

export const stateOf = (value: bigint): ContractState => member(STATES, value);
export const outcomeOf = (value: bigint): ReportOutcome => member(OUTCOMES, value);

export function resourcesStruct(resources: GridResources): { cru: number; sru: bigint; hru: bigint; mru: bigint } {
  const { cruCores, sruBytes, hruBytes, mruBytes } = resources;
  return { cru: cruCores, sru: sruBytes, hru: hruBytes, mru: mruBytes };
}

function resourcesOf(struct: {
  readonly cru: bigint;
  readonly sru: bigint;
  readonly hru: bigint;
  readonly mru: bigint;
}): GridResources {
  return { cruCores: Number(struct.cru), sruBytes: struct.sru, hruBytes: struct.hru, mruBytes: struct.mru };
}

export function limitsStruct(limits: ContractLimits): {
  resources: ReturnType<typeof resourcesStruct>;
  nruPerHour: bigint;
} {
  return { resources: resourcesStruct(limits), nruPerHour: limits.nruBytesPerHour };
}

export function locationStruct(location: NodeLocation): {
  country: string;
  latitude: number;
  longitude: number;
  city: string;
} {
  const { country, latitude, longitude, city } = location;
  if (country.length !== 2) throw new SprfError("INVALID_INPUT", `expected a country of two letters, not ${country}`);
  return {
    country: hexlify(toUtf8Bytes(country)),
    latitude: Math.round(latitude * MICRODEGREES),
    longitude: Math.round(longitude * MICRODEGREES),
    city,
  };
}

export function policyStruct({ prices, shares, treasury }: PricingPolicy): {
  prices: PricingPolicy["prices"];
  shares: PricingPolicy["shares"];
  treasury: string;
} {
  return { prices, shares, treasury: treasury ?? ZERO_ADDRESS };
}

export function policyOf({ prices, shares, treasury }: PricingPolicyStructOutput): PricingPolicy {
  return {
    prices: {
      cu: Number(prices.cu),
      su: Number(prices.su),
      nu: Number(prices.nu),
      ipu: Number(prices.ipu),
      uniqueName: Number(prices.uniqueName),
      dedicationDiscountPercent: Number(prices.dedicationDiscountPercent),
    },
    shares: { farm: Number(shares.farm), treasury: Number(shares.treasury), burn: Number(shares.burn) },
    ...(treasury === ZERO_ADDRESS ? {} : { treasury }),
  };
}

export function farmOf(view: FarmViewStructOutput): Farm {
  return {
    farmId: Number(view.farmId),
    name: view.name,
    twinId: Number(view.twinId),
    owner: view.owner,
    payoutAddress: view.payoutAddress,
    pricingPolicyId: Number(view.pricingPolicyId),
    ...(view.nextPolicyId === view.pricingPolicyId
      ? {}
      : { nextPolicy: { pricingPolicyId: Number(view.nextPolicyId), fromSeconds: Number(view.nextPolicyFrom) } }),
    publicIps: Number(view.publicIpCount),
    freePublicIps: Number(view.freePublicIpCount),
  };
}

export function nodeOf(view: NodeViewStructOutput): GridNode {
  const { country, latitude, longitude, city } = view.location;
  return {
    nodeId: Number(view.nodeId),
    farmId: Number(view.farmId),
    twinId: Number(view.twinId),
    account: view.account,
    status: member(NODE_STATUSES, view.status),
    resources: resourcesOf(view.resources),
    claimed: resourcesOf(view.claimed),
    ...optional("retiresAtSeconds", view.retiresAt === NEVER ? 0n : view.retiresAt),
    location: {
      country: toUtf8String(country),
      latitude: Number(latitude) / MICRODEGREES,
      longitude: Number(longitude) / MICRODEGREES,
      city,
    },
  };
}

export function contractOf(view: ContractViewStructOutput): GridContract {
  const kind = member(KINDS, view.kind);
  const cause = member(CAUSES, view.cause);
  return {
    contractId: Number(view.contractId),
    kind,
    state: stateOf(view.state),
    ...(cause === undefined ? {} : { cause }),
    userTwinId: Number(view.userTwinId),
    ...optional("nodeId", view.nodeId),
    ...optional("farmId", view.farmId),
    pricingPolicyId: Number(view.pricingPolicyId),
    ...(kind === "node" ? { deploymentHash: fromHex(view.deploymentHash) } : {}),
    ...(kind === "name" ? { name: view.name } : {}),
    limits: { ...resourcesOf(view.limits.resources), nruBytesPerHour: view.limits.nruPerHour },
    publicIpCount: Number(view.publicIpCount),
    publicIps: view.publicIps.map(publicIpOf),
    ...optional("rentContractId", view.rentContractId),
    createdAt: Number(view.createdAt),
    ...optional("endsAt", view.endsAt),
    ...optional("reportedAt", view.reportedAt),
    ...optional("billedUntil", view.billedUntil),
    rate: view.rate,
    unsettledGrains: view.unsettledGrains,
    dataBlock: Number(view.dataBlock),
    isClosed: view.isClosed,
  };
}

export function accountOf(view: AccountViewStructOutput): GridAccount {
  return {
    balanceWei: view.balance,
    nodeRate: view.nodeRate,
    nameRate: view.nameRate,
    discountPercent: Number(view.discountPercent),
    grainsPerSecond: view.grainsPerSecond,
    ...optional("fundedUntil", view.fundedUntil === NEVER ? 0n : view.fundedUntil),
    ...(view.isInGrace ? { grace: { untilSeconds: Number(view.graceUntil), recoveryCostWei: view.recoveryCost } } : {}),
  };
}

/** Zero means that there is none. */
function optional<Name extends string>(name: Name, value: bigint): { readonly [key in Name]?: number } {
  return value === 0n ? {} : ({ [name]: Number(value) } as { readonly [key in Name]: number });
}
