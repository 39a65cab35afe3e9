import { hexlify, type TransactionReceipt } from "ethers";

import { SprfError } from "../../../errors.ts";
import type { ConsumptionReport, GridContracts, ReportOutcome } from "../../../ports/grid-contracts.ts";
import type { GridOptions } from "../../../ports/grid-registry.ts";
import type { Connection } from "../connection.ts";
import type { UnsignedCall } from "../sender.ts";
import { isRevert } from "../errors.ts";
import { IGridContracts__factory } from "../factories.ts";
import { requiredEventOf } from "../values.ts";
import { createContractLogs } from "./contract-logs.ts";
import { accountOf, contractOf, limitsStruct, outcomeOf, stateOf } from "./values.ts";

/** The contract's MAX_PAGE. */
const PAGE = 100;
/**
 * A report takes up to 43,000, and 26,000 more when its user's money was not looked at for some intervals. What an estimate says is
 * not to be trusted: it may be of the block before, to whose time a new report is one from the future, which costs next to nothing.
 */
const GAS_OF_A_REPORT = 74_000n;
const GAS_OF_A_BATCH = 200_000n;
/** The contract takes 1,000, a transaction only what its gas pays (EIP-7825). */
const MAX_REPORTS = 200;
/** Contracts whose states one call asks for: a node's answer must not cost it more gas than it gives a call. */
const STATES_AT_ONCE = 200;

/** Contracts and their money (contracts/interfaces/IGridContracts.sol). */
export function createGridContracts(connection: Connection, address: string): GridContracts {
  const grid = IGridContracts__factory.connect(address, connection.provider);
  const events = { address, interface: grid.interface };
  const { read, send } = connection;

  async function create(call: () => Promise<UnsignedCall>, event: string, options?: GridOptions): Promise<number> {
    const receipt = await send(call, options);
    return Number(requiredEventOf(receipt, events, event)["contractId"]);
  }

  async function idOrNone(call: () => Promise<bigint>, options?: GridOptions): Promise<number | undefined> {
    const contractId = await read(call, options);
    return contractId === 0n ? undefined : Number(contractId);
  }

  /** In the order of the reports: each of them emits exactly one of the two events. */
  function outcomesIn(receipt: TransactionReceipt): ReportOutcome[] {
    return receipt.logs.flatMap((log) => {
      if (log.address.toLowerCase() !== address.toLowerCase()) return [];
      const parsed = grid.interface.parseLog(log);
      if (parsed?.name === "ConsumptionReported") return ["accepted" as const];
      return parsed?.name === "ReportSkipped" ? [outcomeOf(parsed.args["outcome"] as bigint)] : [];
    });
  }

  return {
    async depositWei(valueWei, options) {
      await send(() => grid.deposit.populateTransaction({ value: valueWei }), options);
    },
    async withdrawWei(amountWei, options) {
      await send(() => grid.withdraw.populateTransaction(amountWei), options);
    },
    account: async (twinId, options) => accountOf(await read(() => grid.accountOf(twinId), options)),

    createContract: ({ nodeId, deploymentHash, data, publicIps, limits }, options) =>
      create(
        () =>
          grid.createContract.populateTransaction(
            nodeId,
            hexlify(deploymentHash),
            hexlify(data),
            publicIps,
            limitsStruct(limits),
          ),
        "ContractCreated",
        options,
      ),
    createRentContract: (nodeId, options) =>
      create(() => grid.createRentContract.populateTransaction(nodeId), "RentContractCreated", options),
    createNameContract: (name, options) =>
      create(() => grid.createNameContract.populateTransaction(name), "NameContractCreated", options),
    async updateContract(contractId, { deploymentHash, data }, options) {
      await send(
        () => grid.updateContract.populateTransaction(contractId, hexlify(data), hexlify(deploymentHash)),
        options,
      );
    },
    async cancelContract(contractId, options) {
      await send(() => grid.cancelContract.populateTransaction(contractId), options);
    },
    async closeContract(contractId, options) {
      await send(() => grid.close.populateTransaction(contractId), options);
    },

    async confirmDeployment(contractId, options) {
      await send(() => grid.confirmDeployment.populateTransaction(contractId), options);
    },
    async addReports(nodeId, reports, options) {
      const gasAtLeast = GAS_OF_A_BATCH + BigInt(reports.length) * GAS_OF_A_REPORT;
      const call = async (): Promise<UnsignedCall> => ({
        ...(await grid.addReports.populateTransaction(nodeId, reports.map(structOf))),
        gasAtLeast,
      });
      return outcomesIn(await send(call, options));
    },
    maxReports: MAX_REPORTS,

    async settleUser(twinId, options) {
      await send(() => grid.settleUser.populateTransaction(twinId), options);
    },
    async settleContracts(contractIds, options) {
      await send(() => grid.settleContracts.populateTransaction([...contractIds]), options);
    },
    async withdrawRevenue(farmId, options) {
      const receipt = await send(() => grid.withdrawRevenue.populateTransaction(farmId), options);
      return requiredEventOf(receipt, events, "RevenueWithdrawn")["amount"] as bigint;
    },
    revenueGrains: (farmId, options) => read(() => grid.revenueOf(farmId), options),

    async contract(contractId, options) {
      try {
        return contractOf(await read(() => grid.contractOf(contractId), options));
      } catch (error) {
        if (isRevert(error, "GridContracts_UnknownContract")) return undefined;
        throw error;
      }
    },
    async statesOf(contractIds, options) {
      const states: bigint[] = [];
      for (let i = 0; i < contractIds.length; i += STATES_AT_ONCE) {
        const page = contractIds.slice(i, i + STATES_AT_ONCE);
        states.push(...(await read(() => grid.statesOf(page), options)));
      }
      return states.map(stateOf);
    },
    async contractsOf(twinId, options) {
      const ids: number[] = [];
      for (;;) {
        const page = await read(() => grid.contractsOf(twinId, ids.length, PAGE), options);
        ids.push(...page.map(Number));
        if (page.length < PAGE) return ids;
      }
    },
    contractOfHash: (twinId, nodeId, deploymentHash, options) =>
      idOrNone(() => grid.contractOfHash(twinId, nodeId, hexlify(deploymentHash)), options),
    contractOfName: (name, options) => idOrNone(() => grid.contractOfName(name), options),
    rentContractOf: (nodeId, options) => idOrNone(() => grid.rentContractOf(nodeId), options),
    async headSeconds(options) {
      const block = await read(() => connection.provider.getBlock("latest"), options);
      if (block === null) throw new SprfError("CHAIN_UNREACHABLE", "the node has no newest block");
      return block.timestamp;
    },
    ...createContractLogs(connection, grid, address),
  };
}

function structOf(report: ConsumptionReport): {
  contractId: number;
  timestamp: number;
  cru: number;
  sru: bigint;
  hru: bigint;
  mru: bigint;
  nru: bigint;
} {
  return {
    contractId: report.contractId,
    timestamp: report.timestampSeconds,
    cru: report.cruCores,
    sru: report.sruBytes,
    hru: report.hruBytes,
    mru: report.mruBytes,
    nru: report.nruBytes,
  };
}
