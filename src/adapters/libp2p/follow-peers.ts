import { peerIdFromString } from "@libp2p/peer-id";

import { messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Libp2pNode } from "./node.ts";
import { parseMultiaddr, peerIdIn } from "./parse-peer.ts";

const DIAL_TIMEOUT_MS = 5_000;

export interface FollowPeersInit {
  readonly node: Libp2pNode;
  /** For each peer its multiaddrs, which name it; asked each time. */
  readonly peers: () => Promise<readonly (readonly string[])[]>;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Keeps a connection to peers whose addresses may change, until `signal` aborts. */
export async function followPeers({ node, peers, everyMs, clock, logger, signal }: FollowPeersInit): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const addresses of await peers()) await connect(addresses);
    } catch (error) {
      if (!signal.aborted) logger.debug("peers cannot be dialled now", { reason: messageOf(error) });
    }
    await clock.sleep(everyMs, { signal }).catch(() => undefined);
  }

  async function connect(addresses: readonly string[]): Promise<void> {
    const dialable = addresses.map((text) => parseMultiaddr(text, "INVALID_INPUT"));
    const named = dialable.map(peerIdIn).find((id) => id !== undefined);
    if (named === undefined || node.libp2p.getConnections(peerIdFromString(named)).length > 0) return;
    try {
      await node.libp2p.dial(dialable, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]),
      });
      logger.info("connected to a worker", { peer: named });
    } catch (error) {
      logger.debug("a worker cannot be reached", { peer: named, reason: messageOf(error) });
    }
  }
}
