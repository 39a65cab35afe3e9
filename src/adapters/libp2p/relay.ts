import { createHash } from "node:crypto";

import { gossipsub } from "@libp2p/gossipsub";
import type { GossipSub, GossipSubComponents } from "@libp2p/gossipsub";

/** 11/WAKU2-RELAY. */
const WAKU_RELAY_PROTOCOL = "/vac/waku/relay/2.0.0";

/** Room for the other messages and the control part that gossip sends along in one frame. */
const MAX_GOSSIP_FRAME_BYTES = 4 * 1024 * 1024;

/** Gossipsub, with the part of its class that its interface leaves out. */
export type WakuRelay = GossipSub & { getMeshPeers(topic: string): string[] };

/**
 * Gossip as 11/WAKU2-RELAY has it: unsigned frames (the payload carries its own signature), messages known by their hash.
 * The IP-colocation score is off: behind one address (a NAT, a test machine) more than ten peers would empty the mesh.
 */
export function wakuRelay(): (components: GossipSubComponents) => WakuRelay {
  const create = gossipsub({
    globalSignaturePolicy: "StrictNoSign",
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    floodPublish: true,
    emitSelf: false,
    maxInboundDataLength: MAX_GOSSIP_FRAME_BYTES,
    scoreParams: { IPColocationFactorWeight: 0 },
    msgIdFn: (message) => new Uint8Array(createHash("sha256").update(message.data).digest()),
  });
  return (components) => {
    const relay = create(components) as WakuRelay;
    relay.protocols = [WAKU_RELAY_PROTOCOL];
    return relay;
  };
}
