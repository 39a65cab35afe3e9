/** How many connections there may be, in all and of one address. */
export interface ConnectionShares {
  /** An address may have as many as are left free: however many it opens, there is room for another address. */
  hasRoom(address: string): boolean;
  /** Counts one; returns what ends that. */
  enter(address: string): () => void;
}

export function createConnectionShares(max: number): ConnectionShares {
  const ofAddresses = new Map<string, number>();
  let all = 0;
  const add = (address: string, change: number): void => {
    const count = (ofAddresses.get(address) ?? 0) + change;
    all += change;
    if (count === 0) ofAddresses.delete(address);
    else ofAddresses.set(address, count);
  };
  return {
    hasRoom: (address) => (ofAddresses.get(address) ?? 0) < max - all,
    enter(address) {
      add(address, 1);
      let isIn = true;
      return () => {
        if (isIn) add(address, -1);
        isIn = false;
      };
    },
  };
}
