import type { MarketEvent } from "./market-events.ts";

/** What names a block and the one before it. */
export interface BlockHeader {
  readonly number: number;
  /** 32 bytes in lower-case hex with `0x`. */
  readonly hash: string;
  readonly parentHash: string;
}

/** One event of the market's contracts, and where it stands. */
export interface LoggedEvent {
  readonly block: number;
  readonly blockHash: string;
  /** Place among all logs of its block. */
  readonly logIndex: number;
  /** Of the block, in seconds since the Unix epoch. */
  readonly timeSeconds: number;
  /** Hash of the transaction. */
  readonly transaction: string;
  /** Checksummed address of the contract that emitted it. */
  readonly address: string;
  readonly event: MarketEvent;
}

/** The events of a range of blocks. */
export interface EventPage {
  /** Last block of the page: as far as the node gave at once, at most what was asked for. */
  readonly to: number;
  /** In the order in which they happened. */
  readonly events: readonly LoggedEvent[];
}

/** Numbers of a market that its events leave out; fixed when it was deployed. */
export interface MarketConstants {
  /** Wei of tester fees assumed good, and the same assumed bad, in every worker's reputation. */
  readonly priorWeightWei: bigint;
  /** What a challenge puts up, and what a report that was not made, or not shown, costs its tester. */
  readonly missPenaltyWei: bigint;
}

export interface EventLogOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What happened in one market, as a node tells it. Nothing here says that a block stays: whoever keeps what was read compares
 * hashes. Every call fails with `CHAIN_UNREACHABLE` when the node cannot be reached or does not answer what was asked.
 */
export interface EventLog {
  /** Chain and contracts in one line: what was read of one market means nothing in another. */
  readonly market: string;
  readonly constants: MarketConstants;
  /** The latest block. */
  head(options?: EventLogOptions): Promise<BlockHeader>;
  /** The canonical block of this number; undefined when there is none. */
  header(number: number, options?: EventLogOptions): Promise<BlockHeader | undefined>;
  /**
   * Events of the blocks from `from` on, at most to `to`, which must exist. Those of an agreement's form may come from any
   * contract that imitates one: the reader knows which agreements the market has made.
   */
  events(from: number, to: number, options?: EventLogOptions): Promise<EventPage>;
}
