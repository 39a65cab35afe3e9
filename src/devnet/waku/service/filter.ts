import { WakuMessage, proto_filter_v2 } from "@waku/proto";
import { pbStream } from "@libp2p/utils";
import type { PeerId } from "@libp2p/interface";

import { answerRequests } from "../../../adapters/libp2p/answer-requests.ts";
import type { Libp2pNode } from "../../../adapters/libp2p/node.ts";
import { createBoundedQueue } from "../../../adapters/messenger/bounded-queue.ts";
import type { BoundedQueue } from "../../../adapters/messenger/bounded-queue.ts";
import type { Shard } from "../../../adapters/messenger/envelope.ts";
import { messageOf } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import { isContentTopic } from "../../../wire/topics.ts";

const SUBSCRIBE_PROTOCOL = "/vac/waku/filter-subscribe/2.0.0-beta1";
const PUSH_PROTOCOL = "/vac/waku/filter-push/2.0.0-beta1";

const MAX_SUBSCRIBERS = 1_000;
const MAX_TOPICS_A_SUBSCRIBER = 1_000;
const MAX_TOPICS_A_REQUEST = 100;
const MAX_REQUEST_BYTES = 32 * 1_024;
/** Messages that wait for one subscriber; one that is slower loses some, as any message may be lost. */
const MAX_WAITING_PUSHES = 256;
const PUSH_TIMEOUT_MS = 5_000;

const OK = 200;
const BAD_REQUEST = 400;
const NOT_SUBSCRIBED = 404;
const NO_ROOM = 503;

interface Subscriber {
  readonly peerId: PeerId;
  readonly topics: Set<string>;
  readonly pushes: BoundedQueue;
}

export interface FilterService {
  /** Pushes an encoded message to those who listen on `topic`. @returns to how many it will be sent */
  deliver(wire: Uint8Array, topic: string): number;
  close(): Promise<void>;
}

const Kind = proto_filter_v2.FilterSubscribeRequest.FilterSubscribeType;

type Request = proto_filter_v2.FilterSubscribeRequest;
type Status = { readonly statusCode: number; readonly statusDesc: string };

/** Serves 12/WAKU2-FILTER: light clients name content topics and are sent what is published on them, while they are connected. */
export async function serveFilter(
  { libp2p }: Libp2pNode,
  { shard, clock, logger }: { readonly shard: Shard; readonly clock: Clock; readonly logger: Logger },
): Promise<FilterService> {
  const subscribers = new Map<string, Subscriber>();

  const remove = (peer: string): void => {
    const subscriber = subscribers.get(peer);
    subscribers.delete(peer);
    void subscriber?.pushes.close();
  };

  const subscribe = (peerId: PeerId, { pubsubTopic, contentTopics }: Request): Status => {
    const peer = peerId.toString();
    if (pubsubTopic !== shard.pubsubTopic) return status(BAD_REQUEST, "another shard");
    if (contentTopics.length === 0 || contentTopics.length > MAX_TOPICS_A_REQUEST) {
      return status(BAD_REQUEST, `1 to ${MAX_TOPICS_A_REQUEST} content topics a request`);
    }
    if (!contentTopics.every(isContentTopic)) return status(BAD_REQUEST, "not a content topic");
    const topics = subscribers.get(peer)?.topics ?? new Set();
    const added = contentTopics.filter((topic) => !topics.has(topic)).length;
    if (topics.size + added > MAX_TOPICS_A_SUBSCRIBER) return status(NO_ROOM, "too many content topics");
    if (!subscribers.has(peer)) {
      if (subscribers.size >= MAX_SUBSCRIBERS) return status(NO_ROOM, "too many subscribers");
      const pushes = createBoundedQueue({
        capacity: MAX_WAITING_PUSHES,
        overloaded: "oldest",
        what: "messages to a light client",
        clock,
        logger,
      });
      subscribers.set(peer, { peerId, topics, pushes });
    }
    for (const topic of contentTopics) topics.add(topic);
    return status(OK, "OK");
  };

  const unsubscribe = (peer: string, contentTopics: readonly string[]): Status => {
    const subscriber = subscribers.get(peer);
    if (subscriber === undefined) return status(NOT_SUBSCRIBED, "no subscription");
    for (const topic of contentTopics) subscriber.topics.delete(topic);
    if (subscriber.topics.size === 0) remove(peer);
    return status(OK, "OK");
  };

  const answer = (request: Request, peerId: PeerId): Status => {
    const peer = peerId.toString();
    switch (request.filterSubscribeType) {
      case Kind.SUBSCRIBER_PING:
        return subscribers.has(peer) ? status(OK, "OK") : status(NOT_SUBSCRIBED, "no subscription");
      case Kind.SUBSCRIBE:
        return subscribe(peerId, request);
      case Kind.UNSUBSCRIBE:
        return unsubscribe(peer, request.contentTopics);
      case Kind.UNSUBSCRIBE_ALL:
        return unsubscribe(peer, [...(subscribers.get(peer)?.topics ?? [])]);
    }
  };

  const push = async (peerId: PeerId, wakuMessage: WakuMessage): Promise<void> => {
    const signal = AbortSignal.timeout(PUSH_TIMEOUT_MS);
    try {
      const [connection] = libp2p.getConnections(peerId);
      if (connection === undefined) return remove(peerId.toString());
      const stream = await connection.newStream(PUSH_PROTOCOL, { signal });
      const message = { pubsubTopic: shard.pubsubTopic, wakuMessage };
      await pbStream(stream).write(message, proto_filter_v2.MessagePush, { signal });
      await stream.close({ signal });
    } catch (error) {
      logger.debug("a message could not be pushed", { reason: messageOf(error) });
    }
  };

  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => remove(detail.toString());
  libp2p.addEventListener("peer:disconnect", onDisconnect);
  await answerRequests(libp2p, {
    protocol: SUBSCRIBE_PROTOCOL,
    maxRequestBytes: MAX_REQUEST_BYTES,
    request: proto_filter_v2.FilterSubscribeRequest,
    response: proto_filter_v2.FilterSubscribeResponse,
    answer: async (request, from) => ({ requestId: request.requestId, ...answer(request, from) }),
    logger,
  });
  return {
    deliver(wire, topic) {
      let receivers = 0;
      // Not by asking libp2p for its peers: that decompresses the key of each of them, for each message of the mesh.
      for (const { peerId, topics, pushes } of subscribers.values()) {
        if (!topics.has(topic)) continue;
        pushes.offer(async () => await push(peerId, WakuMessage.decode(wire)));
        receivers += 1;
      }
      return receivers;
    },
    async close() {
      libp2p.removeEventListener("peer:disconnect", onDisconnect);
      await libp2p.unhandle(SUBSCRIBE_PROTOCOL);
      for (const peer of subscribers.keys()) remove(peer);
    },
  };
}

function status(statusCode: number, statusDesc: string): Status {
  return { statusCode, statusDesc };
}
