export interface GridOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a machine has, or a contract is limited to. */
export interface GridResources {
  readonly cruCores: number;
  readonly sruBytes: bigint;
  readonly hruBytes: bigint;
  readonly mruBytes: bigint;
}

/** What a farm sells by; never changes. Prices in 1e-7 USD for an hour of one unit, as contracts/types/GridTypes.sol has them. */
export interface PricingPolicy {
  readonly prices: {
    readonly cu: number;
    readonly su: number;
    readonly nu: number;
    readonly ipu: number;
    readonly uniqueName: number;
    readonly dedicationDiscountPercent: number;
  };
  /** Parts of 10,000 that sum to 10,000. */
  readonly shares: { readonly farm: number; readonly treasury: number; readonly burn: number };
  /** Absent when it has no share. */
  readonly treasury?: string | undefined;
}

export interface Farm {
  readonly farmId: number;
  readonly name: string;
  readonly twinId: number;
  readonly owner: string;
  readonly payoutAddress: string;
  /** 0: it sells nothing. */
  readonly pricingPolicyId: number;
  /** The policy that takes over, and when; absent when none is to. */
  readonly nextPolicy?: { readonly pricingPolicyId: number; readonly fromSeconds: number };
  readonly publicIps: number;
  readonly freePublicIps: number;
}

/** IPv4 or IPv6 as text. */
export interface PublicIp {
  readonly ip: string;
  readonly gateway: string;
  /** Bits of the network's prefix: 1 to 32, or to 128 for IPv6. */
  readonly prefix: number;
}

export interface ListedPublicIp extends PublicIp {
  /** What it is reserved for; absent when it is free. */
  readonly contractId?: number;
}

export type NodeStatus = "up" | "standby";

export interface NodeLocation {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** Degrees, north and east positive. */
  readonly latitude: number;
  readonly longitude: number;
  readonly city: string;
}

export interface GridNode {
  readonly nodeId: number;
  readonly farmId: number;
  readonly twinId: number;
  readonly account: string;
  readonly status: NodeStatus;
  readonly resources: GridResources;
  /** Sum of the limits of the contracts on it. */
  readonly claimed: GridResources;
  /** Seconds since 1970; absent unless the node was deleted. */
  readonly retiresAtSeconds?: number;
  readonly location: NodeLocation;
}

/** A farm owner's word that a node may join. */
export interface NodeConsent {
  readonly deadlineSeconds: number;
  /** EIP-712; empty when the node's twin owns the farm. */
  readonly signature: Uint8Array;
}

/**
 * Farms, public IPs, nodes and pricing policies (contracts/interfaces/IGridRegistry.sol), as seen by one account. Ids count
 * from 1; what does not exist is `undefined`. Errors as those of the port `chain`.
 */
export interface GridRegistry {
  intervalSeconds(options?: GridOptions): Promise<number>;
  /** Names are sold by the first. */
  createPricingPolicy(policy: PricingPolicy, options?: GridOptions): Promise<number>;
  pricingPolicy(pricingPolicyId: number, options?: GridOptions): Promise<PricingPolicy | undefined>;
  pricingPolicyCount(options?: GridOptions): Promise<number>;

  createFarm(
    farm: { readonly name: string; readonly pricingPolicyId: number; readonly payoutAddress: string },
    options?: GridOptions,
  ): Promise<number>;
  setPricingPolicy(farmId: number, pricingPolicyId: number, options?: GridOptions): Promise<void>;
  setPayoutAddress(farmId: number, payoutAddress: string, options?: GridOptions): Promise<void>;
  addPublicIp(farmId: number, publicIp: PublicIp, options?: GridOptions): Promise<void>;
  removePublicIp(farmId: number, ip: string, options?: GridOptions): Promise<void>;
  farm(farmId: number, options?: GridOptions): Promise<Farm | undefined>;
  farmOfName(name: string, options?: GridOptions): Promise<number | undefined>;
  /** Farms from an id on; the contract gives at most a page. */
  farms(fromId: number, count: number, options?: GridOptions): Promise<readonly Farm[]>;
  publicIps(farmId: number, offset: number, count: number, options?: GridOptions): Promise<readonly ListedPublicIp[]>;

  /** This account, the farm's owner, lets a twin's node join with these resources at most. It counts once. */
  consentToNode(
    consent: {
      readonly farmId: number;
      readonly twinId: number;
      readonly nodeAccount: string;
      readonly resources: GridResources;
      readonly deadlineSeconds: number;
    },
    options?: GridOptions,
  ): Promise<NodeConsent>;
  /** Makes a node of this account's twin. */
  createNode(
    node: {
      readonly farmId: number;
      readonly resources: GridResources;
      readonly location: NodeLocation;
      readonly consent: NodeConsent;
    },
    options?: GridOptions,
  ): Promise<number>;
  updateNode(nodeId: number, resources: GridResources, consent: NodeConsent, options?: GridOptions): Promise<void>;
  setNodeLocation(nodeId: number, location: NodeLocation, options?: GridOptions): Promise<void>;
  setNodeStatus(nodeId: number, status: NodeStatus, options?: GridOptions): Promise<void>;
  /** @returns when it retires, in seconds since 1970. */
  deleteNode(nodeId: number, options?: GridOptions): Promise<number>;
  node(nodeId: number, options?: GridOptions): Promise<GridNode | undefined>;
  nodeOfTwin(twinId: number, options?: GridOptions): Promise<number | undefined>;
  /** Nodes from an id on, deleted ones included; the contract gives at most a page. */
  nodes(fromId: number, count: number, options?: GridOptions): Promise<readonly GridNode[]>;
}
