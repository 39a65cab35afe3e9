import { expect } from "chai";
import fc from "fast-check";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { applyEvent } from "../../../src/domain/read-model/apply-event.ts";
import { KEPT_BLOCKS, createIndexer } from "../../../src/indexer/indexer.ts";
import { createWorkingSet } from "../../../src/indexer/working-set.ts";
import { createReadModel } from "../../../src/indexer/read-model.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { EventLog } from "../../../src/ports/event-log.ts";
import type { Store } from "../../../src/ports/store.ts";
import { HAPPENING, eventsOf, type Happening } from "../../helpers/market-events.ts";
import { readModelOf } from "../../helpers/read-model-of.ts";
import { CONSTANTS, createSimulatedChain, type SimulatedEvent } from "../../helpers/simulated-chain.ts";

/** Waits for nothing: a simulated chain changes when it is asked. */
const CLOCK: Clock = { now: () => 0, sleep: async () => undefined };
const RUNS = 100;

type Block = readonly SimulatedEvent[];

/** What happens instead of the end of the chain. */
interface Fork {
  /** How many questions come before it. */
  readonly after: number;
  /** How much of what happened after the gap stays. */
  readonly keep: number;
  readonly happenings: readonly Happening[];
  readonly perBlock: number;
  readonly emptyBlocks: number;
}

const FORK: fc.Arbitrary<Fork> = fc.record({
  after: fc.nat(40),
  keep: fc.nat(5),
  happenings: fc.array(HAPPENING, { maxLength: 25 }),
  perBlock: fc.integer({ min: 1, max: 5 }),
  emptyBlocks: fc.nat(10),
});
const BASE = fc.array(HAPPENING, { minLength: 1, maxLength: 60 });
const PAGES = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

describe("indexer: replay", () => {
  it("should give the same model for any pages and any re-organisations as one replay of the last chain", async () => {
    let reorgs = 0;
    await fc.assert(
      fc.asyncProperty(BASE, fc.nat(2 * KEPT_BLOCKS), fc.array(FORK, { maxLength: 6 }), PAGES, async (...drawn) => {
        const [base, gap, forks, pages] = drawn;
        const settled = [...cut(eventsOf(base), 3), ...Array.from({ length: gap }, () => [])];
        const chain = createSimulatedChain(pages);
        chain.replace(0, settled);
        let tail: readonly Happening[] = [];
        let blocks: readonly Block[] = settled;
        const pending = [...forks];
        let questions = 0;
        chain.onQuestion = () => {
          const [fork] = pending;
          if (fork === undefined || questions++ < fork.after) return;
          pending.shift();
          questions = 0;
          tail = [...tail.slice(0, fork.keep), ...fork.happenings];
          const events = eventsOf([...base, ...tail]).slice(settled.flat().length);
          const next = [
            ...settled,
            ...cut(events, fork.perBlock),
            ...Array.from({ length: fork.emptyBlocks }, () => []),
          ];
          const start = firstDifference(blocks, next);
          // Deeper than any index takes back.
          if (blocks.length - start >= KEPT_BLOCKS) return;
          chain.replace(start, next.slice(start));
          blocks = next;
        };
        const store = createMemoryStore();
        const { eventLog } = chain;
        const indexer = createIndexer({ eventLog, store, clock: CLOCK, logger: createMemoryLogger() });
        while (pending.length > 0) reorgs += (await indexer.catchUp()).reorgs;
        reorgs += (await indexer.catchUp()).reorgs;
        expect(await readModelOf(store)).to.deep.equal(await replay(chain.eventLog));
      }),
      { numRuns: RUNS },
    );
    expect(reorgs).to.be.greaterThan(0);
  });

  it("should store rows and cursor together, so that whatever moment it is killed at, the store is at one block", async () => {
    await fc.assert(
      fc.asyncProperty(BASE, fc.nat(2 * KEPT_BLOCKS), BASE, PAGES, async (base, gap, rest, pages) => {
        const events = eventsOf([...base, ...rest]);
        const early = eventsOf(base).length;
        const gaps = Array.from({ length: gap }, () => []);
        const chain = createSimulatedChain(pages);
        chain.replace(0, [...cut(events.slice(0, early), 3), ...gaps, ...cut(events.slice(early), 2)]);
        const inner = createMemoryStore();
        const store: Store = {
          ...inner,
          async apply(changes) {
            await inner.apply(changes);
            const { block } = await createReadModel(inner).asOf();
            expect(await readModelOf(inner)).to.deep.equal(await replay(chain.eventLog, block));
          },
        };
        const { eventLog } = chain;
        await createIndexer({ eventLog, store, clock: CLOCK, logger: createMemoryLogger() }).catchUp();
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it("should keep undo for recent blocks only", async () => {
    const chain = createSimulatedChain([1_000]);
    chain.replace(0, [...cut(eventsOf([[0, 0, 5]]), 1), ...Array.from({ length: 2 * KEPT_BLOCKS }, () => [])]);
    const store = createMemoryStore();
    const { eventLog } = chain;
    await createIndexer({ eventLog, store, clock: CLOCK, logger: createMemoryLogger() }).catchUp();
    expect(await store.list("index-undo")).to.have.length(KEPT_BLOCKS);
    expect(await store.list("index-blocks")).to.have.length(KEPT_BLOCKS);
  });
});

/** The model of the events of the chain as it is, up to a block or its end: one after the other and nothing else. */
async function replay(eventLog: EventLog, upTo?: number): Promise<unknown> {
  const store = createMemoryStore();
  const rows = createWorkingSet(store);
  const number = upTo ?? (await eventLog.head()).number;
  for (let block = 0; block <= number;) {
    const page = await eventLog.events(block, number);
    for (const event of page.events) await applyEvent(rows, event, CONSTANTS);
    block = page.to + 1;
  }
  rows.endBlock();
  await store.apply(rows.changes());
  return await readModelOf(store);
}

function cut(events: readonly SimulatedEvent[], perBlock: number): Block[] {
  const count = Math.ceil(events.length / perBlock);
  return Array.from({ length: count }, (_, index) => events.slice(index * perBlock, (index + 1) * perBlock));
}

/** The first block that the chains do not share; at the latest their last ones, which are taken for different. */
function firstDifference(a: readonly Block[], b: readonly Block[]): number {
  const shared = Math.min(a.length, b.length);
  const texts = (blocks: readonly Block[]): string[] => blocks.map((block) => JSON.stringify(block, digits));
  const [own, other] = [texts(a), texts(b)];
  const found = own.findIndex((text, index) => text !== other[index]);
  return found === -1 ? shared : Math.min(found, shared);
}

function digits(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
