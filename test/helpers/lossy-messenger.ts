import type { Messenger } from "../../src/ports/messenger.ts";

export interface LossyMessenger extends Messenger {
  /** The share of messages that is lost, 0 to 1, of those sent and of those that arrive. */
  loss: number;
  /** How many were lost so far. */
  readonly lost: { sent: number; received: number };
}

/**
 * A messenger that loses messages in both directions, as its seed says. Who sends is told that peers took the message, as gossip
 * does when it is lost further on.
 */
export function createLossyMessenger(inner: Messenger, { loss, seed }: { loss: number; seed: number }): LossyMessenger {
  // Each direction has its own, so that how messages interleave does not decide which are lost.
  const [onSend, onReceive] = [mulberry32(seed), mulberry32(seed + 1)];
  const lost = { sent: 0, received: 0 };
  const self: LossyMessenger = {
    ...inner,
    loss,
    lost,
    async publish(message, options) {
      if (onSend() >= self.loss) return await inner.publish(message, options);
      lost.sent += 1;
      return { recipients: 1 };
    },
    subscribe: async (subscription, handler) =>
      await inner.subscribe(subscription, async (message) => {
        if (onReceive() >= self.loss) return await handler(message);
        lost.received += 1;
      }),
  };
  return self;
}

/** Numbers from 0 to 1 that are the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
