import { join } from "node:path";

import { createLibp2pChannelNetwork } from "./adapters/channel-network/libp2p.ts";
import { parsePeer } from "./adapters/libp2p/parse-peer.ts";
import { signerOf } from "./adapters/channel-network/signer-of.ts";
import { openFileRecordLog } from "./adapters/record-log/file.ts";
import { createMemoryRecordLog } from "./adapters/record-log/memory.ts";
import { createChannelNode as createNode, type ChannelNode, type ChannelNodeInit } from "./channel/channel-node.ts";
import type { Peer } from "./create-peer.ts";
import { SprfError } from "./errors.ts";
import type { RecordLog } from "./ports/record-log.ts";
import { addressOfKey, checkSecp256k1, isSecp256k1Native } from "./utils/recoverable-signature.ts";

/** The parts of a peer that a channel's node needs. */
export type ChannelPeer = Pick<Peer, "keys" | "node" | "clock" | "logger"> & {
  readonly chain: {
    readonly channels?: Pick<NonNullable<Peer["chain"]["channels"]>, "hub" | "court" | "absence" | "watch">;
  };
};

/** What a member's node of a channel is made from. */
export interface CreateChannelNodeInit extends Omit<ChannelNodeInit, "signerKey"> {
  /** Where the channel's records rest; in memory when absent, which a member must not do that may come back. */
  readonly dataDirectory?: string | undefined;
  /** Keeps all records, so that the channel can be verified from its beginning on. @default false: what is final is pruned */
  readonly archive?: boolean | undefined;
  /** Where other members' nodes are: multiaddrs that end in `/p2p/<peer id>`. Those that are not named have to dial. */
  readonly members?: readonly string[] | undefined;
  /** Asked for the addresses of members that `members` does not name. */
  readonly addressesOf?:
    ((signer: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>) | undefined;
}

/**
 * Makes the node of this peer's account in one channel. It signs with the twin's message key, which the consent to join must name.
 *
 * @throws SprfError `CONFIG_INVALID` when the deployment has no channels, or an address is none; `STORE_UNAVAILABLE`
 */
export async function createChannelNode(peer: ChannelPeer, init: CreateChannelNodeInit): Promise<ChannelNode> {
  const { chain, keys, node, clock, logger } = peer;
  if (chain.channels === undefined) {
    throw new SprfError("CONFIG_INVALID", "networks.chain.channels: a channel needs the address of the hub");
  }
  checkSecp256k1();
  if (!isSecp256k1Native()) {
    logger.warn("libsecp256k1 was not loaded for this platform: signatures take fifty times as long");
  }
  const { dataDirectory, archive = false, members = [], addressesOf = async () => [], ...rest } = init;
  const named = new Map<string, string[]>();
  for (const text of members) {
    const signer = signerOf(parsePeer(text).peerId);
    if (signer === undefined) throw new SprfError("CONFIG_INVALID", `the member ${text} has no secp256k1 identity`);
    named.set(signer, [...(named.get(signer) ?? []), text]);
  }
  const network = createLibp2pChannelNetwork({
    libp2p: node.libp2p,
    self: addressOfKey(keys.messageKey),
    addressesOf: async (signer, options) => named.get(signer) ?? (await addressesOf(signer, options)),
    clock,
    logger,
  });
  const log =
    dataDirectory === undefined
      ? createMemoryRecordLog()
      : await openFileRecordLog({ directory: channelLogDirectory(dataDirectory, init.channel), logger });
  const components = {
    hub: chain.channels.hub,
    court: chain.channels.court,
    absence: chain.channels.absence,
    watch: chain.channels.watch,
    network,
    log: archive ? withoutPruning(log) : log,
    clock,
    logger,
  };
  return createNode(components, { ...rest, signerKey: keys.messagePrivateKey });
}

/** Where a node keeps a channel's records, below its data directory. */
export function channelLogDirectory(dataDirectory: string, channel: bigint): string {
  return join(dataDirectory, "channels", channel.toString());
}

function withoutPruning(log: RecordLog): RecordLog {
  return { ...log, prune: async () => await Promise.resolve() };
}
