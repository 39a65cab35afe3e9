import type { Clock } from "../ports/clock.ts";

/** Questions to one peer that wait for their echo; older ones are lost. */
const MAX_OPEN = 4;
/** Of a new value; the rest is what was known: one slow answer is no slow link. */
const NEW_SHARE = 0.25;

/** How long a message takes to a peer and back, by heartbeats and their echoes. */
export interface RoundTrips {
  /** The number of a heartbeat that leaves now. */
  begin(peer: string): number;
  onEcho(peer: string, id: number): void;
  /** Smoothed; undefined while nothing came back. */
  of(peer: string): number | undefined;
  readonly all: ReadonlyMap<string, number>;
  forget(peer: string): void;
}

export function createRoundTrips(clock: Pick<Clock, "now">): RoundTrips {
  const open = new Map<string, Map<number, number>>();
  const measured = new Map<string, number>();
  let lastId = 0;
  return {
    begin(peer) {
      const id = (lastId += 1);
      const sent = open.get(peer) ?? new Map<number, number>();
      open.set(peer, sent.set(id, clock.now()));
      const [oldest] = sent.keys();
      if (sent.size > MAX_OPEN && oldest !== undefined) sent.delete(oldest);
      return id;
    },
    onEcho(peer, id) {
      const sentMs = open.get(peer)?.get(id);
      if (sentMs === undefined) return;
      open.get(peer)?.delete(id);
      const took = clock.now() - sentMs;
      const before = measured.get(peer);
      measured.set(peer, before === undefined ? took : (1 - NEW_SHARE) * before + NEW_SHARE * took);
    },
    of: (peer) => measured.get(peer),
    all: measured,
    forget(peer) {
      open.delete(peer);
      measured.delete(peer);
    },
  };
}
