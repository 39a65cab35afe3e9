import { FetchRequest, JsonRpcProvider, Network, Wallet, hexlify, type TransactionReceipt } from "ethers";

import type { ChainOptions } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import { raceAbort } from "../../utils/abort.ts";
import { chainError, isClosedConnection } from "./errors.ts";
import { createSender, type UnsignedCall } from "./sender.ts";

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_HTTP_ATTEMPTS = 3;
/** Calls made at the same instant go in one HTTP request; few enough for public nodes, which limit it. */
const MAX_CALLS_PER_REQUEST = 20;

/** One account's way to one node. */
export interface Connection {
  readonly provider: JsonRpcProvider;
  readonly wallet: Wallet;
  readonly chainId: bigint;
  readonly pollingIntervalMs: number;
  readonly clock: Clock;
  /** A read, with its errors translated. */
  read<T>(what: () => Promise<T>, options?: ChainOptions): Promise<T>;
  /** Sends a transaction and resolves once it is mined. */
  send(call: () => Promise<UnsignedCall>, options?: ChainOptions): Promise<TransactionReceipt>;
  close(): void;
}

export interface ConnectionInit {
  readonly rpcUrl: string;
  /** 32 bytes. */
  readonly privateKey: Uint8Array;
  readonly pollingIntervalMs: number;
  readonly clock: Clock;
}

/** A node without an account: enough to read. */
export type ReadConnection = Pick<Connection, "provider" | "chainId" | "read" | "close">;

/** @throws SprfError `CHAIN_UNREACHABLE` when the node does not answer */
export async function connectToRead(
  init: Pick<ConnectionInit, "rpcUrl" | "pollingIntervalMs">,
  options: ChainOptions = {},
): Promise<ReadConnection> {
  // The provider is told its network: left to find it, it would retry for ever and write to the console.
  const chainId = await raceAbort(fetchChainId(init.rpcUrl), options.signal);
  const network = Network.from(chainId);
  const provider = new JsonRpcProvider(requestTo(init.rpcUrl), network, {
    staticNetwork: network,
    batchMaxCount: MAX_CALLS_PER_REQUEST,
    batchStallTime: 0,
    cacheTimeout: -1,
    pollingInterval: init.pollingIntervalMs,
  });
  return {
    provider,
    chainId,
    async read(what, { signal } = {}) {
      try {
        return await raceAbort(what(), signal);
      } catch (error) {
        throw chainError(error, signal);
      }
    },
    close: () => provider.destroy(),
  };
}

/** @throws SprfError `CHAIN_UNREACHABLE` when the node does not answer */
export async function connect(init: ConnectionInit, options: ChainOptions = {}): Promise<Connection> {
  const reading = await connectToRead(init, options);
  const { provider } = reading;
  const wallet = new Wallet(hexlify(init.privateKey), provider);
  const { clock, pollingIntervalMs } = init;
  const sender = createSender({ provider, wallet, clock, pollingIntervalMs });
  return {
    ...reading,
    wallet,
    pollingIntervalMs,
    clock,
    send: (call, sendOptions) => sender.send(call, sendOptions),
  };
}

async function fetchChainId(rpcUrl: string): Promise<bigint> {
  const request = requestTo(rpcUrl);
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  try {
    const response = await request.send();
    response.assertOk();
    return BigInt((response.bodyJson as { result: string }).result);
  } catch (error) {
    throw chainError(error);
  }
}

const fetchOnce = FetchRequest.createGetUrlFunc();

/**
 * A kept connection that the node closes at this very moment fails without a word from it. Reads may be repeated, so a fresh
 * connection gets one try; whether a transaction was taken is the sender's question.
 */
const fetchKept: typeof fetchOnce = async (request, signal) => {
  try {
    return await fetchOnce(request, signal);
  } catch (error) {
    if (!isClosedConnection(error) || sendsTransaction(request.body)) throw error;
    return await fetchOnce(request, signal);
  }
};

function sendsTransaction(body: Uint8Array | null): boolean {
  return body !== null && Buffer.from(body).includes("eth_sendRawTransaction");
}

function requestTo(rpcUrl: string): FetchRequest {
  const request = new FetchRequest(rpcUrl);
  request.getUrlFunc = fetchKept;
  request.timeout = REQUEST_TIMEOUT_MS;
  request.setThrottleParams({ maxAttempts: MAX_HTTP_ATTEMPTS });
  return request;
}
