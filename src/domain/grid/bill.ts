import type { GridAccount, GridContract } from "../../ports/grid-contracts.ts";
import type { EtherPrice } from "../../ports/grid-quotes.ts";
import { weiOfGrains, weiPerHourOfRate } from "./money.ts";

const HOURS_PER_MONTH = 720n;

/** What one contract cost and costs, in wei. */
export interface ContractBill {
  readonly contract: GridContract;
  /** Until now. */
  readonly costWei: bigint;
  /** As it was reported last, at today's price and discount; 0 when no bill runs. */
  readonly weiPerHour: bigint;
  /** 30 days of it. */
  readonly weiPerMonth: bigint;
  /** Reports of its node that said more than the contract's limits: the limits were billed. */
  readonly clippedReports: number;
}

/** A user's money on the grid. */
export interface Bill {
  readonly account: GridAccount;
  readonly contracts: readonly ContractBill[];
  /** Sum over all contracts, those that are over included. */
  readonly costWei: bigint;
  /** What the present second costs, for an hour. */
  readonly weiPerHour: bigint;
}

/** A bill of what the chain says; exact to a wei a contract. */
export function billOf(parts: {
  readonly account: GridAccount;
  readonly contracts: readonly GridContract[];
  /** 2^-52 wei by contract. */
  readonly settledGrains: ReadonlyMap<number, bigint>;
  /** By contract. */
  readonly clippedReports: ReadonlyMap<number, number>;
  readonly price: EtherPrice;
}): Bill {
  const { account, price } = parts;
  let grains = 0n;
  const contracts = parts.contracts.map((contract): ContractBill => {
    const cost = (parts.settledGrains.get(contract.contractId) ?? 0n) + contract.unsettledGrains;
    grains += cost;
    const discount = contract.kind === "name" ? 0 : account.discountPercent;
    const weiPerHour = runs(contract) ? weiPerHourOfRate(contract.rate, discount, price) : 0n;
    return {
      contract,
      costWei: weiOfGrains(cost),
      weiPerHour,
      weiPerMonth: weiPerHour * HOURS_PER_MONTH,
      clippedReports: parts.clippedReports.get(contract.contractId) ?? 0,
    };
  });
  return {
    account,
    contracts,
    costWei: weiOfGrains(grains),
    weiPerHour: weiOfGrains(account.grainsPerSecond * 3_600n),
  };
}

/** Names are billed without anybody reporting them. */
function runs({ state, kind, billedUntil }: GridContract): boolean {
  return state !== "deleted" && (kind === "name" || billedUntil !== undefined);
}
