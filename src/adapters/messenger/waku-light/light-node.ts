import { yamux } from "@chainsafe/libp2p-yamux";
import { webSockets } from "@libp2p/websockets";
import { defaultLibp2p, waku } from "@waku/sdk";
import type { IProtoMessage } from "@waku/sdk";
import { multiaddr } from "libp2p2-multiaddr";
import { tcp } from "libp2p2-tcp";

import { SprfError, messageOf } from "../../../errors.ts";
import { abortError, raceAbort, throwIfAborted, withDeadline } from "../../../utils/abort.ts";

const DIAL_TIMEOUT_MS = 5_000;
/** Identification follows a connection by itself; what takes longer is no Waku node. */
const IDENTIFY_TIMEOUT_MS = 5_000;

/** The SDK's own libp2p, of another major version than the daemon's, and of its own identity. */
export type LightNode = Awaited<ReturnType<typeof defaultLibp2p>>;
/** A peer id as the SDK's protocols take it. */
export type LightPeerId = Parameters<waku.FilterCore["ping"]>[0];
/** What a handler gets in the libp2p that runs. */
interface IncomingStream {
  readonly stream: { closeWrite(): Promise<void> };
}
interface PingService {
  ping(peerId: LightPeerId, options: { readonly signal: AbortSignal }): Promise<number>;
}
type NodePeerId = LightNode["peerId"];
type LightOptions = NonNullable<Parameters<typeof defaultLibp2p>[1]>;
type LightAddress = Parameters<LightNode["dial"]>[0];

/** Makes a node that dials out only: it listens nowhere and looks for nobody. Not started. */
export async function createLightNode(clusterId: number): Promise<LightNode> {
  return await defaultLibp2p(clusterId, {
    start: false,
    hideWebSocketInfo: true,
    addresses: { listen: [] },
    // The SDK's types name the libp2p that npm has put beside them, which is ours; what runs is the SDK's own, of these versions.
    ...({ transports: [tcp(), webSockets()], streamMuxers: [yamux()] } as unknown as LightOptions),
  });
}

/** Makes the SDK's filter client on a node. */
export function createFilter(
  node: LightNode,
  take: (pubsubTopic: string, message: IProtoMessage) => void,
): waku.FilterCore {
  // The SDK never closes its end of a stream that brought a message, and takes a hundred of them: it is closed before it reads.
  const handle: LightNode["handle"] = async (protocol, handler, options) => {
    const closing = (data: IncomingStream): void => {
      data.stream.closeWrite().catch(() => undefined);
      (handler as unknown as (data: IncomingStream) => void)(data);
    };
    await node.handle(protocol, closing as unknown as typeof handler, options);
  };
  const unhandle: LightNode["unhandle"] = async (protocols) => await node.unhandle(protocols);
  const limited = { components: node.components, handle, unhandle };
  return new waku.FilterCore(
    async (pubsubTopic, message) => take(pubsubTopic, message as IProtoMessage),
    limited as LightNode,
  );
}

/**
 * Dials a service node and learns what it serves. This libp2p connects to whoever answers, so the identity is checked here.
 *
 * @throws SprfError `PEER_MISMATCH`, `PEER_UNREACHABLE`, `ABORTED`
 */
export async function dialServiceNode(
  node: LightNode,
  { address, peerId: expected }: { readonly address: string; readonly peerId: string },
  outer: AbortSignal,
): Promise<{ readonly peerId: LightPeerId; readonly protocols: readonly string[] }> {
  throwIfAborted(outer);
  const identified = waitForIdentify(node, expected);
  try {
    const connection = await node.dial(multiaddr(address) as unknown as LightAddress, {
      signal: withDeadline(outer, DIAL_TIMEOUT_MS),
    });
    if (connection.remotePeer.toString() !== expected) {
      connection.abort(new Error("another peer"));
      throw new SprfError("PEER_MISMATCH", `another peer answers at ${address}`);
    }
    const known = await node.peerStore.get(connection.remotePeer);
    const protocols =
      known.protocols.length > 0
        ? known.protocols
        : await raceAbort(identified.promise, withDeadline(outer, IDENTIFY_TIMEOUT_MS));
    return { peerId: connection.remotePeer as unknown as LightPeerId, protocols };
  } catch (error) {
    if (outer.aborted) throw abortError(outer);
    if (error instanceof SprfError && error.code === "PEER_MISMATCH") throw error;
    const context = { address, reason: messageOf(error) };
    throw new SprfError("PEER_UNREACHABLE", `no connection to ${address}`, { cause: error, context });
  } finally {
    identified.end();
  }
}

function waitForIdentify(
  node: LightNode,
  expected: string,
): { readonly promise: Promise<readonly string[]>; end(): void } {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const onIdentify = ({ detail }: { detail: { peerId: NodePeerId; protocols: string[] } }): void => {
    if (detail.peerId.toString() === expected) resolve(detail.protocols);
  };
  node.addEventListener("peer:identify", onIdentify);
  return { promise, end: () => node.removeEventListener("peer:identify", onIdentify) };
}

/** Closes what connects us to a peer, without a word to it: it may not be listening. */
export function dropPeer(node: LightNode, peerId: LightPeerId): void {
  const known = peerId as unknown as NodePeerId;
  for (const connection of node.getConnections(known)) connection.abort(new Error("dropped"));
}

/** @throws what libp2p throws when the peer does not answer. */
export async function pingPeer(node: LightNode, peerId: LightPeerId, signal: AbortSignal): Promise<void> {
  const { ping } = node.services as { readonly ping: PingService };
  await ping.ping(peerId, { signal });
}

/** Calls back whenever the last connection to a peer has gone. @returns ends it. */
export function onPeerLost(node: LightNode, peerId: string, lost: () => void): () => void {
  const onDisconnect = ({ detail }: { detail: NodePeerId }): void => {
    if (detail.toString() === peerId) lost();
  };
  node.addEventListener("peer:disconnect", onDisconnect);
  return () => node.removeEventListener("peer:disconnect", onDisconnect);
}
