import type { ChannelListener, ChannelNetwork } from "../../../src/ports/channel-network.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Life, SimulatedTime } from "./time.ts";

const PER_MILLE = 1_000;
const CAPACITY = 1_024;
const SLOW_FACTOR = 30;
const DIAL_MS = 400;
const CRASH_SEEN_MS = 60;
const SILENCE_SEEN_MS = 6_000;

/** What links do to messages; shares in per mille. */
export interface NetworkRates {
  /** A message takes 1 ms to this. */
  readonly delayMs: number;
  /** Messages that take thirty times as long. */
  readonly slow: number;
  /** Messages at which the link breaks, with all that is under way. */
  readonly broken: number;
  /** Messages that are lost, while the link stays: as when the sender's queue is full. */
  readonly lost: number;
  /** Messages that arrive twice. */
  readonly doubled: number;
  /** Messages that later ones may overtake. */
  readonly overtaken: number;
}

/** Links between nodes, each of which hears of its end at a time of its own. */
export interface SimulatedNetwork {
  join(self: string, life: Life): ChannelNetwork;
  /** Nodes reach only those of their own side. */
  part(sides: readonly ReadonlySet<string>[]): void;
  /** All reach all; only delays are left. */
  heal(): void;
  readonly messages: number;
}

interface Endpoint {
  readonly self: string;
  readonly life: Life;
  listener: ChannelListener | undefined;
  isUp: boolean;
  peers: ReadonlySet<string>;
  readonly links: Map<string, Link>;
}

/** One connection; there is at most one that lives between two nodes. */
interface Link {
  readonly ends: readonly [Endpoint, Endpoint];
  isAlive: boolean;
  readonly ways: ReadonlyMap<string, Way>;
}

/** What goes to one end of a link. */
interface Way {
  readonly to: Endpoint;
  readonly from: string;
  readonly arrived: Uint8Array[];
  under: number;
  isBusy: boolean;
  lastAtMs: number;
}

export function createSimulatedNetwork(init: {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly rates: NetworkRates;
}): SimulatedNetwork {
  const { time, random } = init;
  let { rates } = init;
  let sides: readonly ReadonlySet<string>[] = [];
  let messages = 0;
  const endpoints = new Map<string, Endpoint>();
  const living = new Map<string, Link>();
  const dialling = new Set<string>();

  const strikes = (share: number): boolean => share > 0 && random.below(PER_MILLE) < share;
  const keyOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
  const reach = (a: string, b: string): boolean => sides.every((side) => side.has(a) === side.has(b));
  const want = (a: string, b: string): boolean => {
    const [one, other] = [endpoints.get(a), endpoints.get(b)];
    if (one?.isUp !== true || other?.isUp !== true || !one.life.isAlive || !other.life.isAlive) return false;
    return one.peers.has(b) && other.peers.has(a) && reach(a, b);
  };

  function dial(a: string, b: string): void {
    const key = keyOf(a, b);
    if (dialling.has(key) || living.has(key) || !want(a, b)) return;
    dialling.add(key);
    time.after(1 + random.below(DIAL_MS), () => {
      dialling.delete(key);
      const [one, other] = [endpoints.get(a), endpoints.get(b)];
      if (one === undefined || other === undefined || !want(a, b)) return;
      // As long as one side still takes the link before for good there is no other.
      if (one.links.has(b) || other.links.has(a)) return dial(a, b);
      const way = (to: Endpoint, from: string): Way => ({
        to,
        from,
        arrived: [],
        under: 0,
        isBusy: false,
        lastAtMs: 0,
      });
      const link: Link = {
        ends: [one, other],
        isAlive: true,
        ways: new Map([
          [b, way(other, a)],
          [a, way(one, b)],
        ]),
      };
      living.set(key, link);
      for (const [end, peer] of [
        [one, b],
        [other, a],
      ] as const) {
        end.links.set(peer, link);
        end.listener?.onLink(peer, true);
      }
    });
  }

  /** Both ends hear of it within `seenMs`, each when it does, and then try again. */
  function cut(link: Link, seenMs: number): void {
    if (!link.isAlive) return;
    link.isAlive = false;
    const [one, other] = link.ends;
    living.delete(keyOf(one.self, other.self));
    for (const [end, peer] of [
      [one, other.self],
      [other, one.self],
    ] as const) {
      time.after(1 + random.below(seenMs), () => {
        if (end.links.get(peer) !== link) return;
        end.links.delete(peer);
        if (end.life.isAlive && end.isUp) end.listener?.onLink(peer, false);
        dial(one.self, other.self);
      });
    }
  }

  function look(): void {
    for (const link of living.values()) {
      const [one, other] = link.ends;
      if (!want(one.self, other.self)) cut(link, reach(one.self, other.self) ? CRASH_SEEN_MS : SILENCE_SEEN_MS);
    }
    const names = [...endpoints.keys()];
    for (const [index, a] of names.entries()) for (const b of names.slice(index + 1)) dial(a, b);
  }

  async function hear(link: Link, way: Way): Promise<void> {
    if (way.isBusy) return;
    way.isBusy = true;
    for (let next = way.arrived.shift(); next !== undefined; next = way.arrived.shift()) {
      if (!link.isAlive || !way.to.life.isAlive) return;
      messages += 1;
      // A message that a node cannot deal with changes nothing.
      await way.to.listener?.onMessage(way.from, next).catch(() => undefined);
    }
    way.isBusy = false;
  }

  function carry(link: Link, way: Way, message: Uint8Array): void {
    const delayMs = (1 + random.below(rates.delayMs)) * (strikes(rates.slow) ? SLOW_FACTOR : 1);
    const isOvertaken = strikes(rates.overtaken);
    const atMs = isOvertaken ? time.now() + 3 * delayMs : Math.max(way.lastAtMs, time.now() + delayMs);
    if (!isOvertaken) way.lastAtMs = atMs;
    way.under += 1;
    // Those of one instant arrive in order too: each takes its place when it is sent.
    time.after(atMs - time.now(), () => {
      way.under -= 1;
      if (!link.isAlive) return;
      way.arrived.push(message);
      void hear(link, way);
    });
    if (!isOvertaken) way.lastAtMs += 1;
  }

  return {
    part(next) {
      sides = next;
      look();
    },
    heal() {
      sides = [];
      rates = { ...rates, slow: 0, broken: 0, lost: 0, doubled: 0, overtaken: 0 };
      look();
    },
    get messages() {
      return messages;
    },
    join(self, life) {
      const endpoint: Endpoint = { self, life, listener: undefined, isUp: false, peers: new Set(), links: new Map() };
      life.cut.catch(() => look());
      return {
        self,
        listen: (listener) => void (endpoint.listener = listener),
        keepLinks(peers) {
          if (!life.isAlive) return;
          endpoint.peers = new Set(peers);
          look();
        },
        send(to, message) {
          if (!life.step()) return false;
          const link = endpoint.links.get(to);
          const way = link?.ways.get(to);
          if (link === undefined || way === undefined) return false;
          if (way.under + way.arrived.length >= CAPACITY || strikes(rates.lost)) return false;
          if (!link.isAlive) return true;
          if (strikes(rates.broken)) {
            cut(link, CRASH_SEEN_MS);
            return true;
          }
          const bytes = new Uint8Array(message);
          carry(link, way, bytes);
          if (strikes(rates.doubled)) carry(link, way, bytes);
          return true;
        },
        async start() {
          if (!life.isAlive) return;
          endpoint.isUp = true;
          endpoints.set(self, endpoint);
          look();
        },
        async stop() {
          endpoint.isUp = false;
          look();
        },
      };
    },
  };
}
