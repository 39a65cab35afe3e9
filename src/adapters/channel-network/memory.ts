import { messageOf } from "../../errors.ts";
import type { ChannelListener, ChannelNetwork } from "../../ports/channel-network.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const DEFAULT_CAPACITY = 1_024;
const LANES = ["usual", "urgent"] as const;

export interface MemoryMeshInit {
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a message takes, or "lost". @default no time at all */
  readonly delayMs?: (from: string, to: string) => number | "lost";
  /** Messages that a link holds. @default 1,024 */
  readonly capacity?: number;
}

/** Nodes of one process, linked among themselves. */
export interface MemoryMesh {
  /** The network of the node with this signer. */
  join(self: string): ChannelNetwork;
}

interface Endpoint {
  listener: ChannelListener | undefined;
  isUp: boolean;
  peers: ReadonlySet<string>;
  /** Times that it was started: what was sent to an earlier life is lost. */
  life: number;
}

interface Link {
  readonly queue: Uint8Array[];
  busy: boolean;
}

/** A network in memory: messages of a link in order, bounded, lost with the life of either side; its delays may be a seed's. */
export function createMemoryMesh({ logger, clock, delayMs, capacity = DEFAULT_CAPACITY }: MemoryMeshInit): MemoryMesh {
  const endpoints = new Map<string, Endpoint>();
  const links = new Map<string, Link>();

  const isLinked = (a: string, b: string): boolean => {
    const one = endpoints.get(a);
    const other = endpoints.get(b);
    return one?.isUp === true && other?.isUp === true && one.peers.has(b) && other.peers.has(a);
  };
  const told = new Set<string>();
  /** Tells both sides of a link what has changed about it. */
  const tell = (a: string, b: string): void => {
    const [first, second] = a < b ? [a, b] : [b, a];
    const key = `${first} ${second}`;
    const isUp = isLinked(a, b);
    if (told.has(key) === isUp) return;
    if (isUp) told.add(key);
    else {
      told.delete(key);
      for (const way of [`${a} ${b}`, `${b} ${a}`]) for (const lane of LANES) links.delete(`${way} ${lane}`);
    }
    endpoints.get(a)?.listener?.onLink(b, isUp);
    endpoints.get(b)?.listener?.onLink(a, isUp);
  };
  const tellAll = (self: string): void => {
    for (const other of endpoints.keys()) if (other !== self) tell(self, other);
  };

  async function deliver(from: string, to: string, key: string, link: Link): Promise<void> {
    const life = endpoints.get(to)?.life;
    while (links.get(key) === link) {
      const [message] = link.queue;
      if (message === undefined) break;
      const delay = delayMs?.(from, to) ?? 0;
      if (delay !== "lost" && delay > 0) await clock.sleep(delay);
      // Taken out when it has arrived, so that what is under way counts.
      link.queue.shift();
      const target = endpoints.get(to);
      if (delay === "lost" || target?.listener === undefined || !target.isUp || target.life !== life) continue;
      try {
        await target.listener.onMessage(from, message);
      } catch (error) {
        logger.warn("a message was not dealt with", { from, reason: messageOf(error) });
      }
    }
    link.busy = false;
  }

  return {
    join(self) {
      const endpoint: Endpoint = endpoints.get(self) ?? { listener: undefined, isUp: false, peers: new Set(), life: 0 };
      endpoints.set(self, endpoint);
      return {
        self,
        listen(listener) {
          endpoint.listener = listener;
        },
        keepLinks(peers) {
          endpoint.peers = new Set(peers);
          tellAll(self);
        },
        send(to, message, { isUrgent = false } = {}) {
          if (!isLinked(self, to)) return false;
          const key = `${self} ${to} ${LANES[isUrgent ? 1 : 0]}`;
          const link = links.get(key) ?? { queue: [], busy: false };
          links.set(key, link);
          if (link.queue.length >= capacity) return false;
          link.queue.push(new Uint8Array(message));
          if (!link.busy) {
            link.busy = true;
            void Promise.resolve().then(async () => await deliver(self, to, key, link));
          }
          return true;
        },
        async start() {
          if (endpoint.isUp) return;
          endpoint.isUp = true;
          endpoint.life += 1;
          tellAll(self);
        },
        async stop() {
          if (!endpoint.isUp) return;
          endpoint.isUp = false;
          tellAll(self);
          endpoint.listener = undefined;
        },
      };
    },
  };
}
