import type { GridOptions, GridResources } from "./grid-registry.ts";

/** What ether costs now, by the grid's book. */
export interface EtherPrice {
  /** 2^-52 wei a second for a rate of one (2^-20 of 1e-7 USD per hour), for each percent that the discount leaves. */
  readonly grainsPerRatePercent: bigint;
  /** Whether the price feed stands behind it; nothing new begins unless it does. */
  readonly isFresh: boolean;
}

/**
 * What things will cost, by the figures that contracts are billed by. Costs are in 1e-7 USD without discount, rounded once, half up.
 * Errors as those of the port `chain`.
 */
export interface GridQuotes {
  /** What resources and public IPs cost under a policy; on a node that the user rents, the IPs alone. */
  nodeCost(
    pricingPolicyId: number,
    used: GridResources & { readonly publicIps: number; readonly onRentedNode: boolean },
    durationSeconds: number,
    options?: GridOptions,
  ): Promise<bigint>;
  rentCost(
    pricingPolicyId: number,
    resources: GridResources,
    durationSeconds: number,
    options?: GridOptions,
  ): Promise<bigint>;
  /** What so many bytes of traffic within so many seconds cost. */
  trafficCost(pricingPolicyId: number, bytes: bigint, windowSeconds: number, options?: GridOptions): Promise<bigint>;
  nameCost(durationSeconds: number, options?: GridOptions): Promise<bigint>;
  etherPrice(options?: GridOptions): Promise<EtherPrice>;
}
