import { createHash } from "node:crypto";

import type { BlockHeader, EventLog, LoggedEvent, MarketConstants } from "../../src/ports/event-log.ts";
import type { MarketEvent } from "../../src/ports/market-events.ts";

/** One event of a block, and the address that it comes from. */
export interface SimulatedEvent {
  readonly address: string;
  readonly event: MarketEvent;
}

export const CONSTANTS: MarketConstants = { priorWeightWei: 1_000n, missPenaltyWei: 7n };

/** A chain that can be replaced from any block on, also between two questions about it. */
export interface SimulatedChain {
  readonly eventLog: EventLog;
  /** Puts other blocks in the place of those from `from` on. */
  replace(from: number, blocks: ReadonlyArray<readonly SimulatedEvent[]>): void;
  /** Called before every answer. */
  onQuestion: () => void;
}

/** @param pageBlocks Blocks that one page of events has at most, one number after the other, again and again. */
export function createSimulatedChain(pageBlocks: readonly number[]): SimulatedChain {
  let blocks: { readonly header: BlockHeader; readonly events: readonly SimulatedEvent[] }[] = [];
  let fork = 0;
  let pages = 0;

  function replace(from: number, added: ReadonlyArray<readonly SimulatedEvent[]>): void {
    blocks = blocks.slice(0, from);
    fork++;
    for (const events of added) {
      const number = blocks.length;
      const parentHash = blocks.at(-1)?.header.hash ?? hashOf("before the first");
      blocks.push({ header: { number, parentHash, hash: hashOf(`${parentHash} ${number} ${fork}`) }, events });
    }
  }

  const simulated: SimulatedChain = {
    replace,
    onQuestion: () => undefined,
    eventLog: {
      market: "simulated",
      constants: CONSTANTS,
      async head() {
        simulated.onQuestion();
        return blocks.at(-1)!.header;
      },
      async header(number) {
        simulated.onQuestion();
        return blocks[number]?.header;
      },
      async events(from, to) {
        simulated.onQuestion();
        const last = Math.min(to, from + pageBlocks[pages++ % pageBlocks.length]! - 1);
        return {
          to: last,
          events: blocks.slice(from, last + 1).flatMap(({ header, events }) => logged(header, events)),
        };
      },
    },
  };
  return simulated;
}

/** Events as they stand in their block. */
function logged({ number, hash }: BlockHeader, events: readonly SimulatedEvent[]): LoggedEvent[] {
  return events.map(({ address, event }, logIndex) => ({
    block: number,
    blockHash: hash,
    logIndex,
    timeSeconds: number * 12,
    transaction: hashOf(`${hash} ${logIndex}`),
    address,
    event,
  }));
}

function hashOf(text: string): string {
  return `0x${createHash("sha256").update(text).digest("hex")}`;
}
