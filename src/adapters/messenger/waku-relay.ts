import { TopicValidatorResult } from "@libp2p/gossipsub";
import type { GossipsubMessage } from "@libp2p/gossipsub";

import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Messenger } from "../../ports/messenger.ts";
import { raceAbort, throwIfAborted } from "../../utils/abort.ts";
import { MAX_MESSAGE_BYTES, isContentTopic } from "../../wire/topics.ts";
import type { Libp2pNode } from "../libp2p/node.ts";
import { createBoundedQueue } from "./bounded-queue.ts";
import type { BoundedQueue } from "./bounded-queue.ts";
import { checkMessage, checkSize } from "./check-message.ts";
import { contentTopicOf, isRelayable, openEnvelope, sealEnvelope, shardOf } from "./envelope.ts";
import { createSubscriptions, handOver } from "./subscriptions.ts";

/** Each attempt to decrypt costs about 2 ms of processor time, so few may wait: this is half a second of it. */
const MAX_WAITING_DECRYPTIONS = 256;

export interface WakuRelayMessengerInit {
  readonly libp2p: Libp2pNode;
  /** Signs what is published, 32 bytes. */
  readonly messageKey: Uint8Array;
  readonly clusterId: number;
  readonly shard: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Messages over Waku relay (11/WAKU2-RELAY) on the daemon's own libp2p node, encrypted and signed as 26/WAKU2-PAYLOAD has it.
 * The node is started and stopped by whoever made it, before and after the messenger.
 */
export function createWakuRelayMessenger(init: WakuRelayMessengerInit): Messenger {
  const logger = init.logger.child({ component: "messenger" });
  const shard = shardOf(init.clusterId, init.shard);
  const subscriptions = createSubscriptions();
  const { pubsub } = init.libp2p.libp2p.services;
  let decryptions: BoundedQueue | undefined;

  const onGossip = (event: CustomEvent<GossipsubMessage>): void => {
    const { topic, data } = event.detail.msg;
    if (topic !== shard.pubsubTopic || data.length > MAX_MESSAGE_BYTES) return;
    const contentTopic = contentTopicOf(data);
    if (contentTopic === undefined) return;
    for (const subscription of subscriptions.on(contentTopic)) {
      decryptions?.offer(async () => {
        const opened = await openEnvelope(data, { shard, topic: contentTopic, privateKey: subscription.privateKey });
        if (opened === undefined) logger.debug("message not for us, or damaged", { topic: contentTopic });
        // Not awaited: a slow handler must not hold up the decryption of what follows.
        else void handOver(subscription, opened, logger);
      });
    }
  };

  return {
    async start() {
      if (decryptions !== undefined) return;
      decryptions = createBoundedQueue({
        concurrency: 1,
        capacity: MAX_WAITING_DECRYPTIONS,
        clock: init.clock,
        logger,
      });
      pubsub.topicValidators.set(shard.pubsubTopic, (_peer, message) =>
        message.data.length <= MAX_MESSAGE_BYTES && isRelayable(message.data)
          ? TopicValidatorResult.Accept
          : TopicValidatorResult.Reject,
      );
      pubsub.addEventListener("gossipsub:message", onGossip);
      pubsub.subscribe(shard.pubsubTopic);
    },
    async stop() {
      const closing = decryptions;
      if (closing === undefined) return;
      decryptions = undefined;
      subscriptions.clear();
      pubsub.removeEventListener("gossipsub:message", onGossip);
      // The node goes on to relay until it stops itself. Leaving the topic would make its peers refuse it for ten seconds, and a
      // daemon that has only restarted must be found at once.
      await closing.close();
    },
    async publish(message, { signal } = {}) {
      throwIfAborted(signal);
      checkMessage(message);
      if (decryptions === undefined) throw new SprfError("MESSENGER_UNREACHABLE", "the messenger is not running");
      const wire = await sealEnvelope(message, { shard, signingKey: init.messageKey, nowMs: init.clock.now() });
      checkSize(wire.length);
      throwIfAborted(signal);
      const { recipients } = await raceAbort(pubsub.publish(shard.pubsubTopic, wire), signal);
      return { recipients: recipients.length };
    },
    async subscribe({ topic, privateKey }, handler) {
      if (!isContentTopic(topic)) throw new SprfError("INVALID_INPUT", `not a content topic: ${topic}`);
      const remove = subscriptions.add({ topic, privateKey, handler });
      return async () => remove();
    },
    async ready({ signal } = {}) {
      const relayed = Promise.withResolvers<undefined>();
      const check = (): void => {
        if (pubsub.getMeshPeers(shard.pubsubTopic).length > 0) relayed.resolve(undefined);
      };
      pubsub.addEventListener("gossipsub:graft", check);
      pubsub.addEventListener("gossipsub:heartbeat", check);
      try {
        check();
        await raceAbort(relayed.promise, signal);
      } finally {
        pubsub.removeEventListener("gossipsub:graft", check);
        pubsub.removeEventListener("gossipsub:heartbeat", check);
      }
    },
  };
}
