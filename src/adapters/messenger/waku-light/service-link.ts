import type { waku } from "@waku/sdk";
import PQueue from "p-queue";

import { SprfError, messageOf } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import { raceAbort, withDeadline } from "../../../utils/abort.ts";
import { MAX_CLOCK_SKEW_MS } from "../../../wire/address.ts";
import { keepDialled } from "../../libp2p/keep-dialled.ts";
import type { Shard } from "../envelope.ts";
import { dialServiceNode, dropPeer, onPeerLost, pingPeer } from "./light-node.ts";
import type { LightNode, LightPeerId } from "./light-node.ts";
import { rawDecoder, rawEncoder } from "./raw-codec.ts";

/** The SDK's calls have no deadline of their own. */
const CALL_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
const PROBE_EVERY_MS = 10_000;
/** Content topics in one request, as nwaku allows (12/WAKU2-FILTER and 13/WAKU2-STORE). */
const MAX_TOPICS_A_SUBSCRIPTION = 100;
const MAX_TOPICS_A_QUERY = 10;
const MISSED_PAGE = 100;
const MAX_MISSED_PAGES = 5;
/** A topic that was told later than this after it was wanted may have missed something. */
const GAP_MS = 500;

const STORE_PROTOCOL = "/vac/waku/store-query/3.0.0";

type FilterResult = Awaited<ReturnType<waku.FilterCore["ping"]>>;

/** The SDK's protocols, on one node. */
export interface LightProtocols {
  readonly node: LightNode;
  readonly filter: waku.FilterCore;
  readonly lightPush: waku.LightPushCore;
  readonly store: waku.StoreCore;
}

export interface ServiceLinkInit {
  readonly protocols: LightProtocols;
  readonly service: { readonly address: string; readonly peerId: string };
  readonly shard: Shard;
  /** Topics that the messenger listens on, each with the time since when. */
  readonly wanted: ReadonlyMap<string, number>;
  /** Takes what the service node had stored while it was not told. */
  readonly onMissed: (wire: Uint8Array) => void;
  readonly onServing: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What ties the messenger to one service node; comes back by itself when the node was away. */
export interface ServiceLink {
  readonly isServing: boolean;
  /** Resolves when the service node knows all wanted topics, or has failed to. Never rejects. */
  tell(): Promise<void>;
  /** Takes back one topic, best effort. Never rejects. */
  takeBack(topic: string): Promise<void>;
  /** Whether the service node took an encoded message. Never rejects but for `signal`. */
  push(wire: Uint8Array, signal: AbortSignal | undefined): Promise<boolean>;
  /** Stays connected until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

interface Serving {
  readonly peerId: LightPeerId;
  readonly stores: boolean;
  readonly told: Set<string>;
  probedAtMs: number;
}

export function createServiceLink(init: ServiceLinkInit): ServiceLink {
  const { protocols, service, shard, wanted, clock, logger } = init;
  const { node, filter, lightPush, store } = protocols;
  let serving: Serving | undefined;
  /** Since when the service node may have forgotten our topics. */
  let lostAtMs: number | undefined;
  // The SDK may give two calls at a time the same stream, so that each protocol is called one at a time.
  const filterCalls = new PQueue({ concurrency: 1 });
  const pushCalls = new PQueue({ concurrency: 1 });
  let telling: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const fetching = new Set<Promise<void>>();
  let over: AbortSignal | undefined;

  const call = async <T>(work: Promise<T>, signal = over): Promise<T> =>
    await raceAbort(work, withDeadline(signal, CALL_TIMEOUT_MS));
  const callFilter = async (work: () => Promise<FilterResult>): Promise<FilterResult> =>
    await filterCalls.add(async () => await call(work()));

  const lose = (): void => {
    if (serving === undefined) return;
    serving = undefined;
    lostAtMs ??= clock.now();
  };

  const tellOnce = async (): Promise<void> => {
    const link = serving;
    if (link === undefined) return;
    const untold = [...wanted.keys()].filter((topic) => !link.told.has(topic));
    for (let at = 0; at < untold.length; at += MAX_TOPICS_A_SUBSCRIPTION) {
      const topics = untold.slice(at, at + MAX_TOPICS_A_SUBSCRIPTION);
      try {
        const { failure } = await callFilter(
          async () => await filter.subscribe(shard.pubsubTopic, link.peerId, topics),
        );
        if (failure !== null) return logger.debug("the service node refused topics", { reason: failure.error });
      } catch (error) {
        return logger.debug("the service node could not be told of topics", { reason: messageOf(error) });
      }
      for (const topic of topics) link.told.add(topic);
      if (link.stores) fetchMissed(link, topics);
    }
    lostAtMs = undefined;
  };

  const fetchMissed = (link: Serving, topics: readonly string[]): void => {
    const nowMs = clock.now();
    const missedSince = (topic: string): number => Math.max(lostAtMs ?? -Infinity, wanted.get(topic) ?? nowMs);
    const late = topics.filter((topic) => nowMs - missedSince(topic) > GAP_MS);
    for (let at = 0; at < late.length; at += MAX_TOPICS_A_QUERY) {
      const some = late.slice(at, at + MAX_TOPICS_A_QUERY);
      const sinceMs = Math.min(...some.map(missedSince)) - MAX_CLOCK_SKEW_MS;
      const work = fetchPages(link, some, sinceMs).catch((error: unknown) =>
        logger.debug("missed messages could not be fetched", { reason: messageOf(error) }),
      );
      fetching.add(work);
      void work.finally(() => fetching.delete(work));
    }
  };

  const fetchPages = async (link: Serving, topics: readonly string[], sinceMs: number): Promise<void> => {
    const decoders = new Map(topics.map((topic) => [topic, rawDecoder(topic, shard, init.onMissed)]));
    const pages = store.queryPerPage(
      {
        pubsubTopic: shard.pubsubTopic,
        contentTopics: [...topics],
        includeData: true,
        timeStart: new Date(sinceMs),
        timeEnd: new Date(clock.now() + MAX_CLOCK_SKEW_MS),
        paginationForward: true,
        paginationLimit: MISSED_PAGE,
      },
      decoders,
      link.peerId,
    );
    for (let page = 0; page < MAX_MISSED_PAGES; page += 1) {
      const next: IteratorResult<Promise<unknown>[], unknown> = await call(pages.next());
      if (next.done === true) return;
      await Promise.all(next.value);
    }
  };

  /** A service node that was restarted, or that has forgotten us, says so; one that hangs says nothing and is dialled anew. */
  const probe = async (link: Serving): Promise<void> => {
    link.probedAtMs = clock.now();
    try {
      if (link.told.size === 0) await pingPeer(node, link.peerId, withDeadline(over, CALL_TIMEOUT_MS));
      else if ((await callFilter(async () => await filter.ping(link.peerId))).failure !== null) {
        link.told.clear();
        lostAtMs ??= clock.now();
      }
    } catch (error) {
      logger.debug("the service node does not answer", { reason: messageOf(error) });
      dropPeer(node, link.peerId);
      lose();
    }
  };

  const look = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const link = serving;
      if (link !== undefined && clock.now() - link.probedAtMs >= PROBE_EVERY_MS) await probe(link);
      await self.tell();
      await clock.sleep(LOOK_EVERY_MS, { signal });
    }
  };

  const self: ServiceLink = {
    get isServing() {
      return serving !== undefined;
    },
    async tell() {
      // One round at a time, and one more for those who came during it.
      const before = telling;
      next ??= (before ?? Promise.resolve()).then(async () => {
        telling = next;
        next = undefined;
        await tellOnce();
      });
      await next;
    },
    async takeBack(topic) {
      const link = serving;
      if (link === undefined || !link.told.delete(topic)) return;
      try {
        await callFilter(async () => await filter.unsubscribe(shard.pubsubTopic, link.peerId, [topic]));
      } catch (error) {
        logger.debug("a topic could not be taken back", { reason: messageOf(error) });
      }
    },
    async push(wire, signal) {
      const link = serving;
      if (link === undefined) return false;
      try {
        const { encoder, message } = rawEncoder(wire, shard);
        const { failure } = await pushCalls.add(
          async () => await call(lightPush.send(encoder, message, link.peerId), signal),
          { signal },
        );
        if (failure !== null) logger.debug("the service node refused a message", { reason: failure.error });
        return failure === null;
      } catch (error) {
        if (signal?.aborted) throw error;
        logger.debug("the service node did not take a message", { reason: messageOf(error) });
        return false;
      }
    },
    async run(signal) {
      over = signal;
      const endWatch = onPeerLost(node, service.peerId, lose);
      const looking = look(signal).catch(() => undefined);
      await keepDialled({
        peer: service.address,
        isConnected: () => serving !== undefined,
        async dial(inner) {
          const { peerId, protocols: known } = await dialServiceNode(node, service, inner);
          const missing = [filter.multicodec].filter((protocol) => !known.includes(protocol));
          if (!lightPush.multicodec.some((protocol) => known.includes(protocol))) missing.push("lightpush");
          if (missing.length > 0) {
            dropPeer(node, peerId);
            throw new SprfError("MESSENGER_UNREACHABLE", `${service.address} does not serve ${missing.join(" and ")}`);
          }
          serving = { peerId, stores: known.includes(STORE_PROTOCOL), told: new Set(), probedAtMs: clock.now() };
          await self.tell();
          init.onServing();
        },
        clock,
        logger,
        signal,
      });
      endWatch();
      lose();
      await Promise.all([looking, telling, next, ...fetching]);
    },
  };
  return self;
}
