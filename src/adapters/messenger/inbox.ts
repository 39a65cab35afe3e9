import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/topics.ts";
import { createBoundedQueue } from "./bounded-queue.ts";
import type { BoundedQueue } from "./bounded-queue.ts";
import { contentTopicOf, openEnvelope } from "./envelope.ts";
import type { Shard } from "./envelope.ts";
import { createSubscriptions, handOver } from "./subscriptions.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Each attempt to decrypt costs about 2 ms of processor time, so few may wait: this is half a second of it. */
const MAX_WAITING_DECRYPTIONS = 256;

export interface Inbox {
  readonly subscriptions: Subscriptions;
  readonly isOpen: boolean;
  open(): void;
  /** Decrypts an encoded message for whoever listens on its topic; drops it when nobody does or too many wait. Never throws. */
  take(wire: Uint8Array): void;
  /** Forgets all subscriptions and resolves when nothing is being decrypted. */
  close(): Promise<void>;
}

/** What becomes of messages that arrive, by whichever protocol they came: decrypted one by one, then handed over. */
export function createInbox(init: { readonly shard: Shard; readonly clock: Clock; readonly logger: Logger }): Inbox {
  const { shard, logger } = init;
  const subscriptions = createSubscriptions();
  let decryptions: BoundedQueue | undefined;
  return {
    subscriptions,
    get isOpen() {
      return decryptions !== undefined;
    },
    open() {
      decryptions ??= createBoundedQueue({
        concurrency: 1,
        capacity: MAX_WAITING_DECRYPTIONS,
        clock: init.clock,
        logger,
      });
    },
    take(wire) {
      if (wire.length > MAX_MESSAGE_BYTES) return;
      const contentTopic = contentTopicOf(wire);
      if (contentTopic === undefined) return;
      for (const subscription of subscriptions.on(contentTopic)) {
        decryptions?.offer(async () => {
          const opened = await openEnvelope(wire, { shard, topic: contentTopic, privateKey: subscription.privateKey });
          if (opened === undefined) logger.debug("message not for us, or damaged", { topic: contentTopic });
          // Not awaited: a slow handler must not hold up the decryption of what follows.
          else void handOver(subscription, opened, logger);
        });
      }
    },
    async close() {
      const closing = decryptions;
      decryptions = undefined;
      subscriptions.clear();
      await closing?.close();
    },
  };
}
