import { getAddress, toQuantity } from "ethers";
import { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { BlockHeader, EventLog, EventLogOptions, LoggedEvent, MarketConstants } from "../../ports/event-log.ts";
import type { AgreementTerms } from "../../ports/market-events.ts";
import { agreementContract } from "./agreement-contract.ts";
import { connectToRead, type ReadConnection } from "./connection.ts";
import { readAgreementTerms } from "./agreement-terms.ts";
import { EVENT_TOPICS, decodeEvent, type DecodedEvent, type EventSource } from "./event-decoders.ts";
import { createEventRange, readPage } from "./event-range.ts";
import { ITesterRegistry__factory, IWorkerDispatcher__factory, IWorkerRecords__factory } from "./factories.ts";
import type { MarketContracts } from "./ethers.ts";

const DEFAULT_POLLING_INTERVAL_MS = 1_000;
/** Requests for single blocks and agreements at the same time. */
const REQUESTS_AT_ONCE = 8;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,12}$/)
  .transform(Number);
const data = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);

const headerSchema = z.object({ number: quantity, hash, parentHash: hash, timestamp: quantity });
const logSchema = z.object({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  topics: z.array(hash).max(4),
  data,
  blockNumber: quantity,
  blockHash: hash,
  // Newer nodes say it; that saves asking for each block.
  blockTimestamp: quantity.optional(),
  transactionHash: hash,
  logIndex: quantity,
});

type Header = z.output<typeof headerSchema>;
type Log = z.output<typeof logSchema>;
type DecodedLog = Omit<LoggedEvent, "event"> & { readonly event: DecodedEvent };

export interface EthersEventLogInit {
  readonly rpcUrl: string;
  readonly contracts: MarketContracts;
  /** @default 50,000; less for a node that is known to refuse long ranges */
  readonly maxBlocksPerRequest?: number;
}

/** An {@link EventLog} over JSON-RPC. */
export interface EthersEventLog extends EventLog {
  /** Ends what waits in the provider; safe to repeat. */
  close(): void;
}

/**
 * Reads a market's events from a node by `eth_getLogs`, in ranges as long as the node gives.
 *
 * @throws SprfError `CHAIN_UNREACHABLE` when the node does not answer, `CHAIN_REVERTED` when there is no market at these addresses
 */
export async function createEthersEventLog(
  init: EthersEventLogInit,
  options: EventLogOptions = {},
): Promise<EthersEventLog> {
  const { rpcUrl, contracts } = init;
  const connection = await connectToRead({ rpcUrl, pollingIntervalMs: DEFAULT_POLLING_INTERVAL_MS }, options);
  try {
    const { constants, sources } = await readMarket(connection, contracts, options);
    return {
      market: `${connection.chainId}/${contracts.dispatcher.toLowerCase()}`,
      constants,
      ...createReader(connection, sources, init),
      close: () => connection.close(),
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function createReader(
  connection: ReadConnection,
  sources: ReadonlyMap<string, EventSource>,
  { maxBlocksPerRequest }: EthersEventLogInit,
): Pick<EventLog, "head" | "header" | "events"> {
  const range = createEventRange(maxBlocksPerRequest === undefined ? {} : { maxBlocks: maxBlocksPerRequest });

  async function ask<T>(
    schema: z.ZodType<T, unknown>,
    method: string,
    parameters: readonly unknown[],
    { signal }: EventLogOptions = {},
  ): Promise<T> {
    const answer = await connection.read(
      async () => (await connection.provider.send(method, [...parameters])) as unknown,
      { signal },
    );
    const result = schema.safeParse(answer);
    if (result.success) return result.data;
    throw new SprfError("CHAIN_UNREACHABLE", `the node's answer to ${method} is not of its form`, {
      cause: result.error,
    });
  }

  async function block(tag: string, options?: EventLogOptions): Promise<Header | undefined> {
    return (await ask(headerSchema.nullable(), "eth_getBlockByNumber", [tag, false], options)) ?? undefined;
  }

  /** The logs of a range that begins with `from`, halved until the node gives it. */
  async function logs(
    from: number,
    to: number,
    options: EventLogOptions,
  ): Promise<{ readonly to: number; readonly logs: readonly Log[] }> {
    const page = await readPage(range, { from, to, signal: options.signal }, async (last) => {
      const filter = { fromBlock: toQuantity(from), toBlock: toQuantity(last), topics: [EVENT_TOPICS] };
      return await ask(z.array(logSchema), "eth_getLogs", [filter], options);
    });
    return { to: page.to, logs: page.found };
  }

  /** The time of each block, asked for only where the node leaves it out of its logs. */
  async function timesOf(found: readonly Log[], options: EventLogOptions): Promise<ReadonlyMap<number, number>> {
    const times = new Map<number, number>();
    for (const { blockNumber, blockTimestamp } of found) {
      if (blockTimestamp !== undefined) times.set(blockNumber, blockTimestamp);
    }
    const missing = [...new Set(found.map(({ blockNumber }) => blockNumber))].filter((number) => !times.has(number));
    for (let i = 0; i < missing.length; i += REQUESTS_AT_ONCE) {
      const headers = await Promise.all(
        missing.slice(i, i + REQUESTS_AT_ONCE).map(async (number) => await block(toQuantity(number), options)),
      );
      for (const header of headers) if (header !== undefined) times.set(header.number, header.timestamp);
    }
    return times;
  }

  return {
    async head(options) {
      const header = await block("latest", options);
      if (header === undefined) throw new SprfError("CHAIN_UNREACHABLE", "the node has no latest block");
      return nameOf(header);
    },
    async header(number, options) {
      const header = await block(toQuantity(number), options);
      return header === undefined ? undefined : nameOf(header);
    },
    async events(from, to, options = {}) {
      const page = await logs(from, to, options);
      const times = await timesOf(page.logs, options);
      const decoded = page.logs
        .map((log) => eventOf(log, sources, times.get(log.blockNumber) ?? 0))
        .filter((event) => event !== undefined);
      const events = await withTerms(connection, decoded, options);
      return { to: page.to, events: events.sort(inOrder) };
    },
  };
}

/** What a log says; undefined for one that is not of this market, and does not even imitate an agreement of it. */
function eventOf(log: Log, sources: ReadonlyMap<string, EventSource>, timeSeconds: number): DecodedLog | undefined {
  const source = sources.get(log.address.toLowerCase());
  const event = decodeEvent(source ?? "agreement", log.topics, log.data);
  if (event === undefined) return undefined;
  return {
    block: log.blockNumber,
    blockHash: log.blockHash,
    logIndex: log.logIndex,
    timeSeconds,
    transaction: log.transactionHash,
    address: getAddress(log.address),
    event,
  };
}

/** Puts the terms of new agreements into their events. */
async function withTerms(
  connection: ReadConnection,
  events: readonly DecodedLog[],
  options: EventLogOptions,
): Promise<LoggedEvent[]> {
  const created = events.filter(({ event }) => event.name === "AgreementCreated");
  const terms = new Map<DecodedLog, AgreementTerms>();
  for (let i = 0; i < created.length; i += REQUESTS_AT_ONCE) {
    const page = created.slice(i, i + REQUESTS_AT_ONCE);
    const read = await Promise.all(page.map(async (log) => await readAgreementTerms(connection, log, options)));
    for (const [index, log] of page.entries()) terms.set(log, read[index] as AgreementTerms);
  }
  return events.map((log) => {
    const own = terms.get(log);
    return (own === undefined ? log : { ...log, event: { ...log.event, terms: own } }) as LoggedEvent;
  });
}

function inOrder(a: LoggedEvent, b: LoggedEvent): number {
  return a.block - b.block || a.logIndex - b.logIndex;
}

function nameOf({ number, hash: own, parentHash }: Header): BlockHeader {
  return { number, hash: own, parentHash };
}

interface Market {
  readonly constants: MarketConstants;
  /** Which contract stands at an address, in lower case. */
  readonly sources: ReadonlyMap<string, EventSource>;
}

/** What the dispatcher says of itself and of the contracts that belong to it. */
async function readMarket(
  { provider, read }: ReadConnection,
  contracts: MarketContracts,
  options: EventLogOptions,
): Promise<Market> {
  const dispatcher = IWorkerDispatcher__factory.connect(contracts.dispatcher, provider);
  const testers = ITesterRegistry__factory.connect(contracts.testers, provider);
  const [recordsAddress, implementation, missPenaltyWei] = await Promise.all([
    read(() => dispatcher.records(), options),
    read(() => dispatcher.implementation(), options),
    read(() => testers.missPenalty(), options),
  ]);
  const records = IWorkerRecords__factory.connect(recordsAddress, provider);
  const agreement = agreementContract(implementation, provider);
  const [{ priorWeight }, disputes] = await Promise.all([
    read(() => records.settings(), options),
    read(() => agreement.disputes(), options),
  ]);
  return {
    constants: { priorWeightWei: priorWeight, missPenaltyWei },
    sources: new Map<string, EventSource>([
      [contracts.twins.toLowerCase(), "twins"],
      [contracts.dispatcher.toLowerCase(), "dispatcher"],
      [contracts.testers.toLowerCase(), "testers"],
      [recordsAddress.toLowerCase(), "records"],
      [disputes.toLowerCase(), "disputes"],
    ]),
  };
}
