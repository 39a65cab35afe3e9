import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ReceivedMessage } from "../../ports/messenger.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/topics.ts";
import { createBoundedQueue } from "./bounded-queue.ts";
import type { BoundedQueue } from "./bounded-queue.ts";
import { ciphertextIdOf, contentTopicOf, openEnvelope } from "./envelope.ts";
import type { Shard } from "./envelope.ts";
import { createSubscriptions, handOver } from "./subscriptions.ts";
import type { Subscription, Subscriptions } from "./subscriptions.ts";

/** Each attempt to decrypt costs about 2 ms of processor time, so few may wait: this is half a second of it. */
const MAX_WAITING_DECRYPTIONS = 256;
/** Ciphertexts that a subscription knows, so that one which is sent again costs nothing. */
const MAX_KNOWN = 512;
/** Larger payloads are not kept. */
const MAX_KEPT_BYTES = 4_096;

/** What became of a ciphertext: it waits, it was not for us, or it held a message. */
type Known = "waiting" | "foreign" | ReceivedMessage;

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
  const knownOf = new WeakMap<Subscription, Map<string, Known>>();
  let decryptions: BoundedQueue | undefined;

  const takeFor = (subscription: Subscription, wire: Uint8Array): void => {
    const known = knownOf.get(subscription) ?? new Map<string, Known>();
    knownOf.set(subscription, known);
    const id = ciphertextIdOf(wire);
    const before = known.get(id);
    if (before === "waiting" || before === "foreign") return;
    if (before !== undefined) return void handOver(subscription, copyOf(before), logger);
    if (decryptions === undefined) return;
    known.set(id, "waiting");
    const decrypt = async (): Promise<void> => {
      const opened = await openEnvelope(wire, { shard, ...subscription });
      if (opened === undefined) logger.debug("message not for us, or damaged", { topic: subscription.topic });
      if (opened !== undefined && opened.payload.length > MAX_KEPT_BYTES) known.delete(id);
      else known.set(id, opened ?? "foreign");
      // Not awaited: a slow handler must not hold up the decryption of what follows.
      if (opened !== undefined) void handOver(subscription, copyOf(opened), logger);
    };
    decryptions.offer(decrypt, () => known.delete(id));
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  };

  return {
    subscriptions,
    get isOpen() {
      return decryptions !== undefined;
    },
    open() {
      decryptions ??= createBoundedQueue({
        capacity: MAX_WAITING_DECRYPTIONS,
        overloaded: "newest",
        what: "messages",
        clock: init.clock,
        logger,
      });
    },
    take(wire) {
      if (wire.length > MAX_MESSAGE_BYTES) return;
      const contentTopic = contentTopicOf(wire);
      if (contentTopic === undefined) return;
      for (const subscription of subscriptions.on(contentTopic)) takeFor(subscription, wire);
    },
    async close() {
      const closing = decryptions;
      decryptions = undefined;
      subscriptions.clear();
      await closing?.close();
    },
  };
}

/** Handlers own what they are given. */
function copyOf({ payload, signer }: ReceivedMessage): ReceivedMessage {
  return { payload: payload.slice(), signer: signer.slice() };
}
