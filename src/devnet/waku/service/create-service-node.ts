import type { GossipsubMessage } from "@libp2p/gossipsub";

import type { Libp2pNode } from "../../../adapters/libp2p/node.ts";
import { contentTopicOf, shardOf } from "../../../adapters/messenger/envelope.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { Startable } from "../../../ports/startable.ts";
import { createArchive } from "./archive.ts";
import { serveFilter } from "./filter.ts";
import { serveLightPush } from "./light-push.ts";
import { serveStore } from "./store.ts";

export interface ServiceNodeInit {
  /** A relay node that runs, with its messenger started: that one decides what is relayed. */
  readonly node: Libp2pNode;
  readonly clusterId: number;
  readonly shard: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes a relay node of ours serve light clients: filter, light push and store. */
export function createServiceNode(init: ServiceNodeInit): Startable {
  const { node, clock } = init;
  const logger = init.logger.child({ component: "service-node" });
  const shard = shardOf(init.clusterId, init.shard);
  const { pubsub } = node.libp2p.services;
  let closers: (() => Promise<void>)[] | undefined;
  return {
    async start() {
      if (closers !== undefined) return;
      closers = [];
      const archive = createArchive(shard.pubsubTopic);
      const filter = await serveFilter(node, { shard, clock, logger });
      closers.push(async () => await filter.close());

      const deliver = (wire: Uint8Array): number => {
        const topic = contentTopicOf(wire);
        if (topic === undefined) return 0;
        archive.add(wire);
        return filter.deliver(wire, topic);
      };
      const onGossip = ({ detail }: CustomEvent<GossipsubMessage>): void => {
        if (detail.msg.topic === shard.pubsubTopic) deliver(detail.msg.data);
      };
      pubsub.addEventListener("gossipsub:message", onGossip);
      closers.push(async () => pubsub.removeEventListener("gossipsub:message", onGossip));

      const publish = async (wire: Uint8Array): Promise<number> => {
        const { recipients } = await pubsub.publish(shard.pubsubTopic, wire);
        return recipients.length + deliver(wire);
      };
      closers.push(await serveLightPush(node, { shard, publish, logger }));
      closers.push(await serveStore(node, { shard, archive, logger }));
    },
    async stop() {
      for (const close of (closers ?? []).splice(0).reverse()) await close();
      closers = undefined;
    },
  };
}
