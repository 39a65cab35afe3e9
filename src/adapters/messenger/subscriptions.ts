import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ReceivedMessage } from "../../ports/messenger.ts";

export interface Subscription {
  readonly topic: string;
  readonly privateKey: Uint8Array;
  readonly handler: (message: ReceivedMessage) => void | Promise<void>;
}

export interface Subscriptions {
  /** @returns takes it out again. */
  add(subscription: Subscription): () => void;
  on(topic: string): readonly Subscription[];
  clear(): void;
}

/** Who listens on which topic. */
export function createSubscriptions(): Subscriptions {
  const byTopic = new Map<string, Set<Subscription>>();
  return {
    add(subscription) {
      const set = byTopic.get(subscription.topic) ?? new Set();
      byTopic.set(subscription.topic, set);
      set.add(subscription);
      return () => {
        set.delete(subscription);
        if (set.size === 0 && byTopic.get(subscription.topic) === set) byTopic.delete(subscription.topic);
      };
    },
    on: (topic) => [...(byTopic.get(topic) ?? [])],
    clear: () => byTopic.clear(),
  };
}

/** Hands a message over; what the handler throws goes to the log and nowhere else. */
export async function handOver(subscription: Subscription, message: ReceivedMessage, logger: Logger): Promise<void> {
  try {
    await subscription.handler(message);
  } catch (error) {
    logger.error("a message handler failed", { topic: subscription.topic, reason: messageOf(error) });
  }
}
