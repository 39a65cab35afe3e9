import { JsonRpcProvider } from "ethers";

import type { GridAddresses } from "../../src/adapters/chain/ethers.ts";
import { IGridContracts__factory } from "../../typechain-types/factories/interfaces/IGridContracts__factory.ts";

const GRAIN_BITS = 52n;

/** All money of a grid at one block, in grains of 2^-52 wei. */
export interface GridLedger {
  readonly block: number;
  /** Of the contract, in wei. */
  readonly etherWei: bigint;
  /** Deposits less everything that was taken out, by the contract's events, in wei. */
  readonly flowWei: bigint;
  readonly balances: readonly bigint[];
  /** What contracts earned that nobody settled. */
  readonly unsettled: bigint;
  readonly revenues: readonly bigint[];
  readonly treasury: bigint;
  readonly unburnt: bigint;
}

export interface GridLedgerInit {
  readonly rpcUrl: string;
  readonly grid: Pick<GridAddresses, "contracts">;
  readonly twinIds: readonly number[];
  readonly farmIds: readonly number[];
  readonly treasury: string;
}

/** Reads the balances of these twins, the revenue of these farms and all contracts, all of them as they stood at the latest block. */
export async function readGridLedger(init: GridLedgerInit): Promise<GridLedger> {
  const provider = new JsonRpcProvider(init.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  try {
    const address = init.grid.contracts;
    const grid = IGridContracts__factory.connect(address, provider);
    const block = await provider.getBlockNumber();
    // Everything follows the time, so it has to be that of one block.
    const at = { blockTag: block };
    const ids = Array.from({ length: Number(await grid.contractCount(at)) }, (_, index) => index + 1);
    const contracts = await Promise.all(ids.map(async (id) => await grid.contractOf(id, at)));
    const logs = await provider.getLogs({ address, fromBlock: 0, toBlock: block });
    const flows = logs.map((log) => flowOf(grid.interface.parseLog(log)));
    return {
      block,
      etherWei: await provider.getBalance(address, block),
      flowWei: sum(flows),
      balances: await Promise.all(init.twinIds.map(async (id) => (await grid.accountOf(id, at)).balanceGrains)),
      unsettled: sum(contracts.map(({ unsettledGrains }) => unsettledGrains)),
      revenues: await Promise.all(init.farmIds.map(async (id) => await grid.revenueOf(id, at))),
      treasury: await grid.treasuryOf(init.treasury, at),
      unburnt: await grid.unburnt(at),
    };
  } finally {
    provider.destroy();
  }
}

/** What belongs to somebody, in grains: G2 says that it is all the ether that the contract has. */
export function owned({ balances, unsettled, revenues, treasury, unburnt }: GridLedger): bigint {
  return sum(balances) + unsettled + sum(revenues) + treasury + unburnt;
}

export function grainsOf(wei: bigint): bigint {
  return wei << GRAIN_BITS;
}

/** Rounded down. */
export function weiOfGrains(grains: bigint): bigint {
  return grains >> GRAIN_BITS;
}

export function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function flowOf(event: { readonly name: string; readonly args: Readonly<Record<string, unknown>> } | null): bigint {
  switch (event?.name) {
    case "Deposited":
      return event.args["amount"] as bigint;
    case "Withdrawn":
    case "RevenueWithdrawn":
    case "TreasuryWithdrawn":
    case "Burnt":
      return -(event.args["amount"] as bigint);
    default:
      return 0n;
  }
}
