import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Engine } from "../ports/engine.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Messenger } from "../ports/messenger.ts";
import type { Store } from "../ports/store.ts";
import type { ReadinessCheck } from "./readiness.ts";

const MS_PER_SECOND = 1_000;
/** Of no bytes, as a raw leaf: whether it is there does not matter, only that the store can tell. */
const EMPTY_CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

/** The head of a chain. */
export interface ChainHead {
  readonly block: number;
  /** Seconds since the Unix epoch. */
  readonly timeSeconds: number;
}

export interface PeerCheckComponents {
  readonly chain: { head(options: { readonly signal: AbortSignal }): Promise<ChainHead> };
  readonly ledger: Ledger;
  readonly messenger: Messenger;
  readonly content: ContentStore;
  readonly store: Store;
  readonly clock: Clock;
}

/** What every daemon that is a peer needs. */
export function peerChecks({
  chain,
  ledger,
  messenger,
  content,
  store,
  clock,
}: PeerCheckComponents): readonly ReadinessCheck[] {
  return [
    chainCheck({ chain, clock }),
    {
      part: "ledger",
      async look({ signal }) {
        const { sequence } = await ledger.latest({ signal });
        const header = await ledger.header(sequence, { signal });
        return { ledger: sequence, ...(header === undefined ? {} : ageOf(header.closeTime, clock)) };
      },
    },
    {
      part: "messages",
      async look(options) {
        await messenger.ready(options);
        return {};
      },
    },
    contentCheck(content),
    storeCheck({ store, clock }),
  ];
}

function chainCheck({ chain, clock }: Pick<PeerCheckComponents, "chain" | "clock">): ReadinessCheck {
  return {
    part: "chain",
    async look(options) {
      const { block, timeSeconds } = await chain.head(options);
      return { block, ...ageOf(timeSeconds, clock) };
    },
  };
}

/** Reads: what is there does not matter. */
export function contentCheck(content: ContentStore): ReadinessCheck {
  return {
    part: "content",
    async look(options) {
      await content.has(EMPTY_CID, options);
      return {};
    },
  };
}

/** Writes: a full disk can still be read. */
export function storeCheck({ store, clock }: Pick<PeerCheckComponents, "store" | "clock">): ReadinessCheck {
  return {
    part: "store",
    async look() {
      const value = new TextEncoder().encode(String(clock.now()));
      await store.apply([{ kind: "put", table: "readiness", key: "written", value }]);
      return {};
    },
  };
}

/** All engines that the settings name. */
export function engineCheck(engines: ReadonlyMap<string, Engine>): ReadinessCheck {
  return {
    part: "engine",
    async look(options) {
      for (const engine of engines.values()) await engine.check(options);
      return { kinds: [...engines.keys()].join(",") };
    },
  };
}

/** What waits and runs, and what keeps this daemon from taking part in it. */
export function queueCheck(
  look: () => Promise<{
    readonly waiting: number;
    readonly running: number;
    readonly oldestMs: number;
    readonly problem?: string | undefined;
  }>,
): ReadinessCheck {
  return {
    part: "queue",
    async look() {
      const { waiting, running, oldestMs, problem } = await look();
      return { waiting, running, oldestMs, problem };
    },
  };
}

function ageOf(timeSeconds: number, clock: Clock): { readonly ageSeconds: number } {
  return { ageSeconds: Math.max(0, Math.floor(clock.now() / MS_PER_SECOND) - timeSeconds) };
}
