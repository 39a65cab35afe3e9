import type { Connection, Libp2p, Stream } from "@libp2p/interface";

import { messageOf } from "../../errors.ts";
import type { ChannelListener, ChannelNetwork } from "../../ports/channel-network.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { withDeadline } from "../../utils/abort.ts";
import { createInbound } from "./inbound.ts";
import { createOutbound, type Outbound } from "./outbound.ts";
import { createReach } from "./reach.ts";
import { signerOf } from "./signer-of.ts";

const PROTOCOL = "/sprf/channel/1";
const URGENT_PROTOCOL = "/sprf/channel/1/urgent";
const MAX_STREAMS_A_PEER = 4;
const OPEN_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** libp2p's longest time without traffic, after which it would close a stream: a quiet channel is no dead one. */
const NEVER_MS = 2 ** 31 - 1;

export interface Libp2pChannelNetworkInit {
  readonly libp2p: Libp2p;
  /** One's own signer. */
  readonly self: string;
  /** Where a member can be dialled: multiaddrs that end in `/p2p/<peer id>`. None: it has to dial. */
  readonly addressesOf: (peer: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Links over a libp2p node. Each side opens one stream for what it sends, over whichever connection there is, so that it does not matter
 * who could dial whom. Reading stops while messages wait to be dealt with, which in the end stops the sender. Urgent messages have a
 * second stream beside it, and go by the first as long as there is none.
 */
export function createLibp2pChannelNetwork(init: Libp2pChannelNetworkInit): ChannelNetwork {
  const { libp2p, self, clock } = init;
  const logger = init.logger.child({ component: "channel-network" });
  const reach = createReach(init);
  let listener: ChannelListener | undefined;
  let running: AbortController | undefined;
  const peers = new Map<string, { readonly stop: AbortController; readonly loop: Promise<void> }>();
  const outbound = new Map<string, Outbound>();
  const inbound = new Map<string, Stream>();
  const urgentOut = new Map<string, Outbound>();
  const urgentIn = new Map<string, Stream>();
  const linked = new Set<string>();

  /** A link is up when both can send. */
  function tell(peer: string): void {
    const isUp = outbound.has(peer) && inbound.has(peer);
    if (linked.has(peer) === isUp) return;
    if (isUp) linked.add(peer);
    else linked.delete(peer);
    listener?.onLink(peer, isUp);
  }

  function accept(stream: Stream, connection: Connection): void {
    const peer = signerOf(connection.remotePeer);
    if (peer === undefined || !peers.has(peer)) {
      stream.abort(new Error("not a member"));
      return;
    }
    stream.inactivityTimeout = NEVER_MS;
    const before = inbound.get(peer);
    inbound.set(peer, stream);
    if (before !== undefined) {
      // The same peer after a new start, whose end was not noticed here: what is sent the old way reaches nobody.
      before.abort(new Error("replaced"));
      outbound.get(peer)?.end();
    }
    stream.addEventListener("close", () => {
      if (inbound.get(peer) !== stream) return;
      inbound.delete(peer);
      tell(peer);
    });
    // Only while the link is up, and only of the stream that is its: messages before are told of by nobody.
    createInbound(stream, {
      onMessage: async (message) => {
        if (inbound.get(peer) === stream) await listener?.onMessage(peer, message);
      },
      logger,
    });
    tell(peer);
  }

  function acceptUrgent(stream: Stream, connection: Connection): void {
    const peer = signerOf(connection.remotePeer);
    if (peer === undefined || !peers.has(peer)) {
      stream.abort(new Error("not a member"));
      return;
    }
    stream.inactivityTimeout = NEVER_MS;
    urgentIn.get(peer)?.abort(new Error("replaced"));
    urgentIn.set(peer, stream);
    stream.addEventListener("close", () => {
      if (urgentIn.get(peer) === stream) urgentIn.delete(peer);
    });
    createInbound(stream, {
      onMessage: async (message) => {
        if (linked.has(peer) && urgentIn.get(peer) === stream) await listener?.onMessage(peer, message);
      },
      logger,
    });
  }

  /** Has a stream for urgent messages open over the connection of the usual one, until `signal` aborts. */
  async function keepUrgent(peer: string, connection: Connection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const stream = await connection.newStream(URGENT_PROTOCOL, { signal: withDeadline(signal, OPEN_TIMEOUT_MS) });
        stream.inactivityTimeout = NEVER_MS;
        const out = createOutbound(stream);
        urgentOut.set(peer, out);
        await out.run(signal);
      } catch (error) {
        if (!signal.aborted) logger.debug("no stream for urgent messages", { peer, reason: messageOf(error) });
      }
      urgentOut.delete(peer);
      if (signal.aborted) return;
      await clock.sleep(MAX_PAUSE_MS, { signal }).catch(() => undefined);
    }
  }

  /** Has a stream to `peer` open until `signal` aborts. */
  async function keepOpen(peer: string, signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        const connection = await reach.connect(peer, signal);
        const stream = await connection.newStream(PROTOCOL, { signal: withDeadline(signal, OPEN_TIMEOUT_MS) });
        stream.inactivityTimeout = NEVER_MS;
        const out = createOutbound(stream);
        outbound.set(peer, out);
        tell(peer);
        pauseMs = FIRST_PAUSE_MS;
        const over = new AbortController();
        const urgent = keepUrgent(peer, connection, AbortSignal.any([signal, over.signal]));
        await out.run(signal);
        over.abort();
        await urgent;
      } catch (error) {
        if (!signal.aborted) logger.debug("no stream to a member", { peer, reason: messageOf(error) });
      }
      outbound.delete(peer);
      tell(peer);
      if (signal.aborted) return;
      await pause(peer, pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    }
  }

  /** For so long, or until the peer has come by itself. */
  async function pause(peer: string, ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const inner = AbortSignal.any([signal, over.signal]);
    await Promise.race([reach.arrival(peer, inner), clock.sleep(ms, { signal: inner }).catch(() => undefined)]);
    over.abort();
  }

  async function dropPeer(peer: string): Promise<void> {
    const kept = peers.get(peer);
    peers.delete(peer);
    kept?.stop.abort();
    inbound.get(peer)?.abort(new Error("no member any more"));
    urgentIn.get(peer)?.abort(new Error("no member any more"));
    await kept?.loop;
  }

  function addPeers(wanted: ReadonlySet<string>): void {
    if (running === undefined) return;
    for (const peer of wanted) {
      if (peer === self || peers.has(peer)) continue;
      const stop = new AbortController();
      // In the map before the loop begins: whom it dials may dial back at once.
      const { promise: loop, resolve } = Promise.withResolvers<void>();
      peers.set(peer, { stop, loop });
      void keepOpen(peer, AbortSignal.any([stop.signal, running.signal])).finally(resolve);
    }
  }

  let wanted: ReadonlySet<string> = new Set();
  return {
    self,
    listen(given) {
      listener = given;
    },
    keepLinks(given) {
      wanted = new Set(given);
      for (const peer of peers.keys()) if (!wanted.has(peer)) void dropPeer(peer);
      addPeers(wanted);
    },
    send(to, message, { isUrgent = false } = {}) {
      if (!linked.has(to)) return false;
      const out = (isUrgent ? urgentOut.get(to) : undefined) ?? outbound.get(to);
      return out?.send(message) === true;
    },
    async start() {
      if (running !== undefined) return;
      running = new AbortController();
      await libp2p.handle(PROTOCOL, accept, { maxInboundStreams: MAX_STREAMS_A_PEER, force: true });
      await libp2p.handle(URGENT_PROTOCOL, acceptUrgent, { maxInboundStreams: MAX_STREAMS_A_PEER, force: true });
      addPeers(wanted);
    },
    async stop() {
      if (running === undefined) return;
      const stopping = running;
      running = undefined;
      await libp2p.unhandle([PROTOCOL, URGENT_PROTOCOL]);
      stopping.abort();
      await Promise.all([...peers.keys()].map(dropPeer));
    },
  };
}
