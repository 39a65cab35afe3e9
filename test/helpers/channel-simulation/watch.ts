import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import type { PlayedRecord } from "../../../src/channel/player.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import type { Trace } from "../simulation/trace.ts";
import type { Life } from "./time.ts";

/** A record that some honest node has called committed. */
export interface KnownRecord {
  readonly hash: string;
  readonly term: number;
  readonly kind: number;
  readonly input: Uint8Array;
  readonly timeMs: number;
  /** Who said so first. */
  readonly by: string;
}

/** What a client was told of a call that is committed. */
export interface ToldOutcome {
  readonly user: number;
  /** Of the call. */
  readonly data: string;
  readonly height: number;
  readonly hash: string;
}

/** Sees what all nodes and clients say, and holds it against each other. */
export interface Watch {
  readonly breaches: readonly string[];
  /** By height, from 1. */
  readonly committed: ReadonlyMap<number, KnownRecord>;
  readonly told: readonly ToldOutcome[];
  /** Users whose node does not know any more what became of a call; they stop there. */
  readonly unsure: Set<number>;
  /** Failing over: from when a term was begun by the chain, or its leader before died, to its first committed record. */
  readonly failOverMs: readonly number[];
  breach(what: string): void;
  /** An honest node was started. */
  follow(who: string, node: ChannelNode, life: Life): void;
  tell(outcome: ToldOutcome): void;
  termBegan(term: number): void;
  /** Whoever leads `term` has died; the next one is another's. */
  leaderDied(term: number): void;
  /** Called when an honest node sees a lie. */
  onLie: () => void;
}

export function createWatch(trace: Trace, now: () => number): Watch {
  const breaches: string[] = [];
  const committed = new Map<number, KnownRecord>();
  const told: ToldOutcome[] = [];
  const termAtMs = new Map<number, number>();
  const deaths = new Map<number, number>();
  const failOverMs: number[] = [];

  const breach = (what: string): void => {
    breaches.push(what);
    trace.event("BREACH", what);
  };

  function see(who: string, { header, hash, body }: PlayedRecord): void {
    const { height, term, kind, timeMs } = header;
    const known = committed.get(height);
    const name = toHex(hash);
    if (known === undefined) {
      committed.set(height, { hash: name, term, kind, input: body.input, timeMs, by: who });
      const beganMs = termAtMs.get(term);
      let isAfterDeath = false;
      for (const [of, diedMs] of deaths) {
        if (of >= term) continue;
        deaths.delete(of);
        failOverMs.push(now() - diedMs);
        isAfterDeath = true;
      }
      termAtMs.delete(term);
      // Failing over has begun before the chain named the next leader.
      if (beganMs === undefined || isAfterDeath) return;
      failOverMs.push(now() - beganMs);
    } else if (known.hash !== name) {
      breach(
        `C1: height ${height} is committed as ${known.hash.slice(0, 8)} (${known.by}) and ${name.slice(0, 8)} (${who})`,
      );
    }
  }

  const watch: Watch = {
    breaches,
    committed,
    told,
    unsure: new Set(),
    failOverMs,
    breach,
    follow(who, node, life) {
      let upTo = 0;
      node.watch((news) => {
        if (!life.isAlive) return;
        if (news.kind === "rollback") {
          trace.event(who, `takes back to ${news.toHeight}`);
          if (news.toHeight < upTo)
            breach(`C6: ${who} takes back to ${news.toHeight} what it called committed to ${upTo}`);
        }
        if (news.kind === "fault") {
          trace.event(who, `sees a lie at ${news.height}: ${news.message}`);
          watch.onLie();
        }
        if (news.kind === "final") trace.event(who, `final to ${news.height}`);
        if (news.kind === "snapshot") upTo = Math.max(upTo, news.height);
        if (news.kind !== "committed") return;
        for (let height = upTo + 1; height <= news.height; height += 1) {
          const record = node.record(height);
          if (record !== undefined) see(who, record);
        }
        trace.event(who, `committed to ${news.height}`);
        upTo = news.height;
      });
    },
    tell: (outcome) => void told.push(outcome),
    termBegan(term) {
      if (!termAtMs.has(term)) termAtMs.set(term, now());
    },
    leaderDied(term) {
      if (!deaths.has(term)) deaths.set(term, now());
    },
    onLie: () => undefined,
  };
  return watch;
}
