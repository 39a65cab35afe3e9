/** What waits in a queue: who brought it, and whose it is. */
export interface Origin {
  readonly peer: string;
  readonly account: string;
}

/** What waits for its turn, of many who do not trust each other. */
export interface FairQueue<T> {
  readonly size: number;
  /** False when the peer or the account has as much in it as it may. */
  push(origin: Origin, item: T): boolean;
  /** What is next. */
  peek(): T | undefined;
  shift(): T | undefined;
  /** Takes all out, in the order of its turns. */
  drain(): T[];
}

/** What came through one peer. */
interface Lines<T> {
  size: number;
  readonly ofAccounts: Map<string, T[]>;
}

/**
 * Peers take turns, and at each peer its accounts; what one account brings keeps its order. A peer may have as much waiting as there
 * is room left then, and an account as much as that leaves it: however many fill the queue, there is room for one more. An account is
 * known by its peer alone: whoever forwards could say that a call is of anybody.
 */
export function createFairQueue<T>(capacity: number): FairQueue<T> {
  // Whoever's turn it is comes first: a Map keeps the order in which keys were set.
  const peers = new Map<string, Lines<T>>();
  let size = 0;

  const queue: FairQueue<T> = {
    get size() {
      return size;
    },
    push({ peer, account }, item) {
      const lines = peers.get(peer) ?? { size: 0, ofAccounts: new Map<string, T[]>() };
      const line = lines.ofAccounts.get(account) ?? [];
      if (capacity - size - lines.size <= line.length) return false;
      line.push(item);
      lines.ofAccounts.set(account, line);
      lines.size += 1;
      peers.set(peer, lines);
      size += 1;
      return true;
    },
    peek: () => firstOf(peers)?.[1].ofAccounts.values().next().value?.[0],
    shift() {
      const first = firstOf(peers);
      const line = first === undefined ? undefined : firstOf(first[1].ofAccounts);
      if (first === undefined || line === undefined) return undefined;
      const [peer, lines] = first;
      const [account, items] = line;
      const item = items.shift();
      // Both stand at the end of their lines now.
      peers.delete(peer);
      lines.ofAccounts.delete(account);
      if (items.length > 0) lines.ofAccounts.set(account, items);
      lines.size -= 1;
      size -= 1;
      if (lines.size > 0) peers.set(peer, lines);
      return item;
    },
    drain() {
      const all: T[] = [];
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) all.push(next);
      return all;
    },
  };
  return queue;
}

function firstOf<K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined {
  return map.entries().next().value;
}
