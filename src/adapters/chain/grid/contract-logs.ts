import { getBytes, toBeHex, zeroPadValue, type Log } from "ethers";

import { SprfError } from "../../../errors.ts";
import type { GridChange, GridContracts } from "../../../ports/grid-contracts.ts";
import type { GridOptions } from "../../../ports/grid-registry.ts";
import type { Connection } from "../connection.ts";
import type { IGridContracts } from "../contract-types.ts";
import { createEventRange, readPage } from "../event-range.ts";

/** Events after which a node may have something to do. */
const CONTRACT_EVENTS = ["ContractCreated", "RentContractCreated", "ContractUpdated", "ContractClosed"] as const;
const USER_EVENTS = ["OutOfFunds", "Recovered", "GraceEnded"] as const;

/** Ids that one request for events names. */
const IDS_AT_ONCE = 100;

interface Grains {
  readonly grains?: bigint;
  /** Of a report only. */
  readonly trafficGrains?: bigint;
}

type LogMethods = Pick<GridContracts, "deploymentData" | "contractsOnNode" | "changes" | "settledGrains">;

/** What only the grid's events say. */
export function createContractLogs(connection: Connection, grid: IGridContracts, address: string): LogMethods {
  const { provider, read } = connection;
  const topicOf = (name: string): string => {
    const event = grid.interface.getEvent(name as "ContractCreated");
    return event.topicHash;
  };

  async function logs(
    topics: readonly (string | readonly string[] | null)[],
    fromBlock: number,
    toBlock: number,
    options?: GridOptions,
  ): Promise<Log[]> {
    const range = createEventRange();
    const found: Log[] = [];
    for (let from = fromBlock; from <= toBlock;) {
      const page = await readPage(range, { from, to: toBlock, signal: options?.signal }, async (last) => {
        const filter = { address, fromBlock: from, toBlock: last, topics: topics.map(mutable) };
        return await read(() => provider.getLogs(filter), options);
      });
      found.push(...page.found);
      from = page.to + 1;
    }
    return found;
  }

  return {
    async deploymentData({ contractId, dataBlock }, options) {
      const topics = [topicOf("DeploymentData"), word(contractId)];
      const newest = (await logs(topics, dataBlock, dataBlock, options)).at(-1);
      if (newest === undefined) {
        throw new SprfError("CHAIN_UNREACHABLE", `the node has no event of block ${dataBlock} any more`);
      }
      return getBytes(grid.interface.parseLog(newest)?.args["data"] as string);
    },
    async contractsOnNode(nodeId, options) {
      const head = await read(() => provider.getBlockNumber(), options);
      const created = [topicOf("ContractCreated"), topicOf("RentContractCreated")];
      const found = await logs([created, null, null, word(nodeId)], 0, head, options);
      return found.map(({ topics }) => Number(topics[1]));
    },
    async settledGrains(contractIds, options) {
      const sums = new Map(contractIds.map((id) => [id, 0n]));
      if (sums.size === 0) return sums;
      const head = await read(() => provider.getBlockNumber(), options);
      const events = [topicOf("ContractSettled"), topicOf("ConsumptionReported")];
      for (let at = 0; at < contractIds.length; at += IDS_AT_ONCE) {
        const ids = contractIds.slice(at, at + IDS_AT_ONCE).map(word);
        for (const log of await logs([events, ids], 0, head, options)) {
          const { grains = 0n, trafficGrains = 0n }: Grains = grid.interface.parseLog(log)?.args.toObject() ?? {};
          const id = Number(log.topics[1]);
          sums.set(id, (sums.get(id) ?? 0n) + grains + trafficGrains);
        }
      }
      return sums;
    },
    async changes(fromBlock, toBlock, options) {
      const wanted = [...CONTRACT_EVENTS, ...USER_EVENTS].map(topicOf);
      const userTopics = new Set(USER_EVENTS.map(topicOf));
      const found = await logs([wanted], fromBlock, toBlock, options);
      return found.map(({ topics }): GridChange => {
        const id = Number(topics[1]);
        if (userTopics.has(topics[0] ?? "")) return { kind: "user", twinId: id };
        return { kind: "contract", contractId: id };
      });
    },
  };
}

function mutable(topic: string | readonly string[] | null): string | string[] | null {
  return topic === null || typeof topic === "string" ? topic : [...topic];
}

function word(id: number): string {
  return zeroPadValue(toBeHex(id), 32);
}
