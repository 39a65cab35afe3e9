import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";

import { WakuMessage } from "@waku/proto";
import { waku } from "@waku/sdk";

import { createSeenIds } from "../../../domain/seen-ids.ts";
import { SprfError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { Messenger } from "../../../ports/messenger.ts";
import { raceAbort, throwIfAborted } from "../../../utils/abort.ts";
import { MAX_MESSAGE_BYTES, isContentTopic } from "../../../wire/topics.ts";
import { parsePeer } from "../../libp2p/parse-peer.ts";
import { checkMessage } from "../check-message.ts";
import { shardOf } from "../envelope.ts";
import { createInbox } from "../inbox.ts";
import { createSealer } from "../sealer.ts";
import { createFilter, createLightNode } from "./light-node.ts";
import type { LightNode } from "./light-node.ts";
import { encodeRaw } from "./raw-codec.ts";
import { createServiceLink } from "./service-link.ts";
import type { ServiceLink } from "./service-link.ts";

/** Several service nodes push the same message, and a store returns it once more. */
const MAX_REMEMBERED = 2_048;
const REMEMBERED_MS = 120_000;

export interface WakuLightMessengerInit {
  /** Multiaddrs of service nodes, each ending in `/p2p/<peer id>`; at least one. */
  readonly serviceNodes: readonly string[];
  /** Signs what is published, 32 bytes. Service nodes see another identity, made at each start. */
  readonly messageKey: Uint8Array;
  readonly clusterId: number;
  readonly shard: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Running {
  readonly node: LightNode;
  readonly filter: waku.FilterCore;
  readonly links: readonly ServiceLink[];
  readonly loops: Promise<void>[];
  readonly stop: AbortController;
}

/**
 * Messages through Waku service nodes (12/WAKU2-FILTER, 19/WAKU2-LIGHTPUSH, 13/WAKU2-STORE), for those who cannot relay. It dials
 * the service nodes that it is given and nobody else, listens nowhere, and checks whom it has dialled.
 *
 * @throws SprfError `CONFIG_INVALID` for no service node, or an address without its peer id.
 */
export function createWakuLightMessenger(init: WakuLightMessengerInit): Messenger {
  const { clock } = init;
  const logger = init.logger.child({ component: "messenger" });
  const shard = shardOf(init.clusterId, init.shard);
  const services = init.serviceNodes.map((text) => ({ address: text, peerId: parsePeer(text).peerId.toString() }));
  if (services.length === 0) throw new SprfError("CONFIG_INVALID", "a light messenger needs a service node");
  const inbox = createInbox({ shard, clock, logger });
  const seal = createSealer({ shard, signingKey: init.messageKey, clock });
  const seen = createSeenIds<true>({ capacity: MAX_REMEMBERED });
  const wanted = new Map<string, number>();
  const serving = new EventEmitter();
  let running: Running | undefined;

  const isNew = (wire: Uint8Array): boolean => {
    const id = createHash("sha256").update(wire).digest("base64");
    if (seen.get(id, clock.now()) !== undefined) return false;
    seen.set(id, true, clock.now() + REMEMBERED_MS, clock.now());
    return true;
  };
  const takeOnce = (wire: Uint8Array): void => {
    if (wire.length <= MAX_MESSAGE_BYTES && isNew(wire)) inbox.take(wire);
  };

  return {
    async start() {
      if (running !== undefined) return;
      const node = await createLightNode(init.clusterId);
      const filter = createFilter(node, (pubsubTopic, message) => {
        if (pubsubTopic === shard.pubsubTopic) takeOnce(encodeRaw(message));
      });
      const protocols = {
        node,
        filter,
        lightPush: new waku.LightPushCore(node),
        store: new waku.StoreCore(node),
      };
      await node.start();
      await filter.start();
      inbox.open();
      const links = services.map((service) =>
        createServiceLink({
          protocols,
          service,
          shard,
          wanted,
          onMissed: takeOnce,
          onServing: () => serving.emit("serving"),
          clock,
          logger,
        }),
      );
      const stop = new AbortController();
      running = { node, filter, links, loops: links.map(async (link) => await link.run(stop.signal)), stop };
    },
    async stop() {
      if (running === undefined) return;
      const { node, filter, loops, stop } = running;
      running = undefined;
      stop.abort();
      wanted.clear();
      await Promise.all(loops);
      await inbox.close();
      await filter.stop();
      await node.stop();
    },
    async publish(message, { signal } = {}) {
      throwIfAborted(signal);
      checkMessage(message);
      if (running === undefined) throw new SprfError("MESSENGER_UNREACHABLE", "the messenger is not running");
      const { links } = running;
      const wire = await seal(message, { signal });
      throwIfAborted(signal);
      // A service node pushes our own messages back to us when we listen on their topic.
      isNew(encodeRaw(WakuMessage.decode(wire)));
      const taken = await Promise.all(links.map(async (link) => await link.push(wire, signal)));
      return { recipients: taken.filter(Boolean).length };
    },
    async subscribe({ topic, privateKey }, handler) {
      if (!isContentTopic(topic)) throw new SprfError("INVALID_INPUT", `not a content topic: ${topic}`);
      const remove = inbox.subscriptions.add({ topic, privateKey, handler });
      if (!wanted.has(topic)) wanted.set(topic, clock.now());
      await Promise.all((running?.links ?? []).map(async (link) => await link.tell()));
      return async () => {
        remove();
        if (inbox.subscriptions.on(topic).length > 0 || !wanted.delete(topic)) return;
        await Promise.all((running?.links ?? []).map(async (link) => await link.takeBack(topic)));
      };
    },
    async ready({ signal } = {}) {
      throwIfAborted(signal);
      while (running?.links.some((link) => link.isServing) !== true) await raceAbort(once(serving, "serving"), signal);
    },
  };
}
