import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import type { Random } from "../../../src/ports/random.ts";
import { seededRandom, type SeededRandom } from "../seeded-random.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createSimulatedLedger, type SimulatedLedger } from "./ledger.ts";
import { rememberPast } from "./lag.ts";
import { simulatedLedgerLink } from "./network.ts";
import type { SimulationPlan } from "./plan.ts";
import { createTrace, type Trace } from "./trace.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
import { createWatch, type Watch } from "./watch.ts";

const START_MS = 1_800_000_000_000;
const LIMIT_MS = 3_600_000;
const SEEDS = 2 ** 32;
/** Neighbouring seeds begin alike; this takes them apart. */
const SPREAD = 0x85ebca6b;
const BYTE = 256;

/** What everybody in a simulation lives in. */
export interface World {
  readonly plan: SimulationPlan;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly logger: Logger;
  readonly ledger: SimulatedLedger;
  readonly watch: Watch;
  readonly faults: Faults;
  readonly scratchDirectory: string;
  /** Luck of one's own, so that what one does leaves the others' as it is. */
  fork(): SeededRandom;
  bytes(): Random;
  /** The ledger as one process reaches it; what it submits is watched. */
  linkTo(who: string): Ledger;
  /** A store of content that asks the machines which are up. */
  content(): Promise<CollectingContentStore>;
  /** Lets the content of a machine be asked for while it is up. */
  serve(content: CollectingContentStore, isUp: () => boolean): void;
}

/** All that is random in it follows from `seed`. */
export function createWorld(seed: number, plan: SimulationPlan, scratchDirectory: string): World {
  const random = seededRandom(seed * SPREAD);
  const fork = (): SeededRandom => seededRandom(random.below(SEEDS));
  const clock = createVirtualClock({ startMs: START_MS, limitMs: LIMIT_MS, random: fork() });
  const trace = createTrace(() => clock.now());
  const logger = createMemoryLogger();
  const ledger = createSimulatedLedger({ clock, logger });
  const watch = createWatch(ledger, trace);
  const faults = createFaults(clock, fork(), plan.rates);
  const past = plan.lags.length === 0 ? undefined : rememberPast(ledger);
  const served: { readonly content: CollectingContentStore; readonly isUp: () => boolean }[] = [];

  const isOut = (): boolean => {
    const now = clock.now() - START_MS;
    return plan.outages.some(({ fromMs, toMs }) => now >= fromMs && now < toMs);
  };

  /** Ledgers by which the service of this process is late now. */
  const behind = (who: string): number => {
    const now = clock.now() - START_MS;
    const lags = plan.lags.filter((lag) => lag.who === who && now >= lag.fromMs && now < lag.toMs);
    return Math.max(0, ...lags.map(({ ledgers }) => ledgers));
  };

  return {
    plan,
    clock,
    trace,
    logger,
    ledger,
    watch,
    faults,
    scratchDirectory,
    fork,
    bytes() {
      const own = fork();
      return { bytes: (length) => Uint8Array.from({ length }, () => own.below(BYTE)) };
    },
    linkTo(who) {
      const seen = past?.seenLate(() => behind(who)) ?? ledger.port;
      return watched(simulatedLedgerLink(seen, faults, isOut), who, watch);
    },
    async content() {
      const peers = (): CollectingContentStore[] => served.filter(({ isUp }) => isUp()).map(({ content }) => content);
      const content = createMemoryContentStore({ peers, clock, logger });
      await content.start();
      return content;
    },
    serve: (content, isUp) => void served.push({ content, isUp }),
  };
}

function watched(ledger: Ledger, who: string, watch: Watch): Ledger {
  return {
    ...ledger,
    async submit(envelopeXdr, options) {
      const result = await ledger.submit(envelopeXdr, options);
      watch.submitted(who, result);
      return result;
    },
  };
}
