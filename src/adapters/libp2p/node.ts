import { privateKeyFromRaw } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { peerIdFromString } from "@libp2p/peer-id";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import type { Identify } from "@libp2p/identify";
import type { Connection, Libp2p, PeerId } from "@libp2p/interface";
import type { Ping } from "@libp2p/ping";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Libp2pOptions } from "libp2p";

import { SprfError, messageOf } from "../../errors.ts";
import type { SprfErrorOptions } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { PeerDialer } from "../../ports/peer-dialer.ts";
import type { Startable } from "../../ports/startable.ts";
import { abortError, throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { keepDialled } from "./keep-dialled.ts";
import { inOneWrite } from "./one-write.ts";
import { parseMultiaddr, parsePeer, peerIdIn } from "./parse-peer.ts";
import { peerIdOf } from "./peer-id.ts";
import { wakuRelay } from "./relay.ts";
import type { WakuRelay } from "./relay.ts";

const DIAL_TIMEOUT_MS = 5_000;
/** The default of 5 a second refuses a small fleet that starts behind one address. */
const INBOUND_CONNECTIONS_PER_SECOND = 1_000;
/** A stream takes a moment to close, so that one at a time (the default) refuses the next ping now and then. */
const MAX_PINGS = 8;
const DEFAULT_LISTEN = ["/ip4/127.0.0.1/tcp/0"];

export type Libp2pServices = { identify: Identify; ping: Ping; pubsub: WakuRelay };

export interface Libp2pNodeInit {
  /** The twin's message key, 32 bytes: it is the node's identity. */
  readonly messageKey: Uint8Array;
  /** @default ["/ip4/127.0.0.1/tcp/0"] */
  readonly listen?: readonly string[];
  /** Multiaddrs ending in `/p2p/<peer id>` to which a connection is kept while the node runs. */
  readonly peers?: readonly string[];
  /** Keeps what is known of peers over a restart; in memory by default. */
  readonly datastore?: Libp2pOptions["datastore"];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The one libp2p node of a daemon: relay, content and channels run on it. */
export interface Libp2pNode extends Startable, PeerDialer {
  readonly libp2p: Libp2p<Libp2pServices>;
  readonly peerId: string;
  /** The addresses at which the node listens, each with its peer id; empty before the start. */
  multiaddrs(): string[];
}

/**
 * Makes the node: TCP, Noise, Yamux, the Waku relay protocol; nothing that looks for peers by itself. Not started.
 *
 * @throws SprfError `CONFIG_INVALID` for an address that is none, or a peer without its id.
 */
export async function createLibp2pNode(init: Libp2pNodeInit): Promise<Libp2pNode> {
  const logger = init.logger.child({ component: "libp2p" });
  const peers = (init.peers ?? []).map(parsePeer);
  const libp2p = await createLibp2p<Libp2pServices>({
    start: false,
    privateKey: privateKeyFromRaw(init.messageKey),
    addresses: { listen: [...(init.listen ?? DEFAULT_LISTEN)] },
    transports: [tcp()],
    connectionEncrypters: [inOneWrite(noise())],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_SECOND },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: MAX_PINGS, maxOutboundStreams: MAX_PINGS }),
      pubsub: wakuRelay(),
    },
    ...(init.datastore === undefined ? {} : { datastore: init.datastore }),
  });

  const dial = async (address: Multiaddr, expected: PeerId, outer: AbortSignal | undefined): Promise<void> => {
    throwIfAborted(outer);
    let connection: Connection;
    try {
      connection = await libp2p.dial(address, { signal: withDeadline(outer, DIAL_TIMEOUT_MS) });
    } catch (error) {
      if (outer?.aborted) throw abortError(outer);
      throw dialError(error, address);
    }
    // libp2p has checked it already; older releases did not.
    if (!connection.remotePeer.equals(expected)) throw mismatch(address);
  };

  let running: { readonly stop: AbortController; readonly loops: Promise<void>[] } | undefined;
  return {
    libp2p,
    peerId: libp2p.peerId.toString(),
    multiaddrs: () => libp2p.getMultiaddrs().map((address) => address.toString()),
    async dialVerified(text, expectedKey, { signal } = {}) {
      const expected = peerIdFromString(peerIdOf(expectedKey));
      const address = parseMultiaddr(text, "INVALID_INPUT");
      const named = peerIdIn(address);
      if (named !== undefined && named !== expected.toString()) {
        throw new SprfError("PEER_MISMATCH", `${text} names another peer than ${expected.toString()}`);
      }
      const full = named === undefined ? address.encapsulate(`/p2p/${expected.toString()}`) : address;
      await dial(full, expected, signal);
    },
    async start() {
      if (running !== undefined) return;
      const stop = new AbortController();
      const loops: Promise<void>[] = [];
      running = { stop, loops };
      try {
        await libp2p.start();
      } catch (error) {
        throw listenError(error);
      }
      for (const { address, peerId } of peers) {
        loops.push(
          keepDialled({
            peer: address.toString(),
            isConnected: () => libp2p.getConnections(peerId).length > 0,
            dial: (signal) => dial(address, peerId, signal),
            clock: init.clock,
            logger,
            signal: stop.signal,
          }),
        );
      }
    },
    async stop() {
      if (running === undefined) return;
      const { stop, loops } = running;
      running = undefined;
      stop.abort();
      await Promise.all(loops);
      await libp2p.stop();
    },
  };
}

/** What a node that was made without an error can still fail with at its start: somebody else listens at its address. */
function listenError(error: unknown): SprfError {
  // The message is a paragraph with a stack; what went wrong is the line that names the address.
  const reason = /^\s*(\/\S+): Error: (.*)$/m.exec(messageOf(error));
  const words = reason === null ? messageOf(error) : `${reason[1]}: ${reason[2]}`;
  return new SprfError("CONFIG_INVALID", `cannot listen on ${words}`, { cause: error });
}

function dialError(error: unknown, address: Multiaddr): SprfError {
  const context = { address: address.toString(), reason: messageOf(error) };
  const isMismatch = causesOf(error).some(
    (cause) => cause.name === "UnexpectedPeerError" || /unexpected peer|does not match expected/i.test(cause.message),
  );
  return isMismatch
    ? mismatch(address, { cause: error, context })
    : new SprfError("PEER_UNREACHABLE", `no connection to ${address.toString()}`, { cause: error, context });
}

function mismatch(address: Multiaddr, options: SprfErrorOptions = {}): SprfError {
  return new SprfError("PEER_MISMATCH", `another peer answers at ${address.toString()}`, options);
}

function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error, ...inner.flatMap(causesOf), ...(error.cause === undefined ? [] : causesOf(error.cause))];
}
