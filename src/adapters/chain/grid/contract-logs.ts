import { getBytes, toBeHex, zeroPadValue, type Log } from "ethers";

import { SprfError } from "../../../errors.ts";
import type { ConsumptionReport, CountedReport, GridChange, GridContracts } from "../../../ports/grid-contracts.ts";
import type { GridOptions } from "../../../ports/grid-registry.ts";
import type { Connection } from "../connection.ts";
import type { IGridContracts } from "../contract-types.ts";
import { firstBlockOf } from "../block-of-time.ts";
import { createEventRange, readPage } from "../event-range.ts";
import { createBoundedCache } from "../../../utils/bounded-cache.ts";

/** Events after which a node may have something to do. */
const CONTRACT_EVENTS = ["ContractCreated", "RentContractCreated", "ContractUpdated", "ContractClosed"] as const;
const USER_EVENTS = ["OutOfFunds", "Recovered", "GraceEnded"] as const;

/** Events that say what a contract cost. */
const SETTLING_EVENTS = ["ContractSettled", "ConsumptionReported"] as const;

/** Transactions whose reports are kept. */
const MAX_SAID = 2_000;

/** Ids that one request for events names. */
const IDS_AT_ONCE = 100;

interface Grains {
  readonly grains?: bigint;
  /** Of a report only. */
  readonly trafficGrains?: bigint;
}

interface Counted {
  readonly timestamp: bigint;
  readonly rate: bigint;
  readonly grains: bigint;
  readonly trafficGrains: bigint;
}

/** A report as `addReports` takes it. */
interface Said {
  readonly contractId: bigint;
  readonly timestamp: bigint;
  readonly cru: bigint;
  readonly sru: bigint;
  readonly hru: bigint;
  readonly mru: bigint;
  readonly nru: bigint;
}

type LogMethods = Pick<
  GridContracts,
  "deploymentData" | "contractsOnNode" | "changes" | "settledGrains" | "clippedReports" | "reports"
>;

/** What only the grid's events say. */
export function createContractLogs(
  connection: Pick<Connection, "provider" | "read">,
  grid: IGridContracts,
  address: string,
): LogMethods {
  const { provider, read } = connection;
  const created = new Map<number, number>();
  const said = createBoundedCache<ReadonlyMap<number, ConsumptionReport>>(MAX_SAID);
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

  /** The block before which there is no event of this contract, nor of any later one. */
  async function createdIn(contractId: number, options?: GridOptions): Promise<number> {
    const known = created.get(contractId);
    if (known !== undefined) return known;
    const { createdAt } = await read(() => grid.contractOf(contractId), options);
    const block = await firstBlockOf(connection, Number(createdAt), options);
    created.set(contractId, block);
    return block;
  }

  /** What a transaction of a node says of its contracts, which the events do not repeat. */
  async function saidIn(hash: string, options?: GridOptions): Promise<ReadonlyMap<number, ConsumptionReport>> {
    const known = said.get(hash);
    if (known !== undefined) return known;
    const transaction = await read(() => provider.getTransaction(hash), options);
    const call = transaction === null ? null : grid.interface.parseTransaction(transaction);
    const reports = call?.name === "addReports" ? (call.args[1] as readonly Said[]).map(reportOf) : [];
    const byContract = new Map(reports.map((report) => [report.contractId, report]));
    said.set(hash, byContract);
    return byContract;
  }

  /** Events of contracts from their creation on, with the contract's id. */
  async function* eventsOf(
    contractIds: readonly number[],
    events: readonly string[],
    options?: GridOptions & { readonly fromBlock?: number | undefined },
  ): AsyncGenerator<{ readonly contractId: number; readonly log: Log }> {
    const head = await read(() => provider.getBlockNumber(), options);
    const oldestFirst = contractIds.toSorted((a, b) => a - b);
    for (let at = 0; at < oldestFirst.length; at += IDS_AT_ONCE) {
      const ids = oldestFirst.slice(at, at + IDS_AT_ONCE);
      const from = Math.max(await createdIn(ids[0] ?? 1, options), options?.fromBlock ?? 0);
      for (const log of await logs([events.map(topicOf), ids.map(word)], from, head, options)) {
        yield { contractId: Number(log.topics[1]), log };
      }
    }
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
      if ((await read(() => grid.contractCount(), options)) === 0n) return [];
      const events = [topicOf("ContractCreated"), topicOf("RentContractCreated")];
      const found = await logs([events, null, null, word(nodeId)], await createdIn(1, options), head, options);
      return found.map(({ topics }) => Number(topics[1]));
    },
    async settledGrains(contractIds, options) {
      const sums = new Map(contractIds.map((id) => [id, 0n]));
      for await (const { contractId, log } of eventsOf(contractIds, SETTLING_EVENTS, options)) {
        const { grains = 0n, trafficGrains = 0n }: Grains = grid.interface.parseLog(log)?.args.toObject() ?? {};
        sums.set(contractId, (sums.get(contractId) ?? 0n) + grains + trafficGrains);
      }
      return sums;
    },
    async clippedReports(contractIds, options) {
      const counts = new Map(contractIds.map((id) => [id, 0]));
      for await (const { contractId } of eventsOf(contractIds, ["ConsumptionClipped"], options)) {
        counts.set(contractId, (counts.get(contractId) ?? 0) + 1);
      }
      return counts;
    },
    async reports(contractIds, { most, ...options }) {
      const found: { readonly contractId: number; readonly log: Log }[] = [];
      for await (const each of eventsOf(contractIds, ["ConsumptionReported"], options)) found.push(each);
      const newest = found.toSorted((a, b) => a.log.blockNumber - b.log.blockNumber || a.log.index - b.log.index);
      const counted: CountedReport[] = [];
      for (const { contractId, log } of newest.slice(-most)) {
        const counts = grid.interface.parseLog(log)?.args.toObject() as Counted | undefined;
        if (counts === undefined) continue;
        const { timestamp, rate, grains, trafficGrains } = counts;
        const used = (await saidIn(log.transactionHash, options)).get(contractId);
        counted.push({
          contractId,
          block: log.blockNumber,
          timestampSeconds: Number(timestamp),
          rate,
          grains: grains + trafficGrains,
          ...(used?.timestampSeconds === Number(timestamp) && { used: usedOf(used) }),
        });
      }
      return counted;
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

function reportOf({ contractId, timestamp, cru, sru, hru, mru, nru }: Said): ConsumptionReport {
  return {
    contractId: Number(contractId),
    timestampSeconds: Number(timestamp),
    cruCores: Number(cru),
    sruBytes: sru,
    hruBytes: hru,
    mruBytes: mru,
    nruBytes: nru,
  };
}

function usedOf({ cruCores, sruBytes, hruBytes, mruBytes, nruBytes }: ConsumptionReport): CountedReport["used"] {
  return { cruCores, sruBytes, hruBytes, mruBytes, nruBytes };
}

function mutable(topic: string | readonly string[] | null): string | string[] | null {
  return topic === null || typeof topic === "string" ? topic : [...topic];
}

function word(id: number): string {
  return zeroPadValue(toBeHex(id), 32);
}
