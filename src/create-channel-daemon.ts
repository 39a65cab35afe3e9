import { createChannelApiServer } from "./adapters/channel-api/ws-server.ts";
import { lockDirectory } from "./adapters/store/directory-lock.ts";
import type { ChannelNode } from "./channel/channel-node.ts";
import { createChannelService } from "./channel/channel-service.ts";
import { measureNode } from "./channel/measure-node.ts";
import { createMemberAddresses, mayAskForMember } from "./channel/member-addresses.ts";
import { findAddress } from "./client/find-address.ts";
import { channelLogDirectory, createChannelNode } from "./create-channel-node.ts";
import type { ReadinessCheck } from "./admin/readiness.ts";
import type { Checked } from "./create-admin.ts";
import { createPeer, type PeerInit } from "./create-peer.ts";
import { SprfError } from "./errors.ts";
import type { ChannelInfo, HubMember } from "./ports/channel-hub.ts";
import type { Twin } from "./ports/chain.ts";
import type { Startable } from "./ports/startable.ts";
import { addressOfKey } from "./utils/recoverable-signature.ts";
import { answerAddressRequests } from "./worker/answer-addresses.ts";

/** Whose node of which channel, and where it is reached. */
export interface ChannelDaemonInit extends Omit<PeerInit, "dataDirectory"> {
  /** Where records and snapshots rest. */
  readonly dataDirectory: string;
  readonly channel: bigint;
  readonly api: {
    /** @default 127.0.0.1 */
    readonly host?: string | undefined;
    /** @default 0, any free one */
    readonly port?: number | undefined;
  };
  /** While it leads, it settles so often; 0: only when somebody leaves or the channel closes. @default 0 */
  readonly settleEveryMs?: number | undefined;
  /** Blocks on top of what is believed. @default 0 */
  readonly confirmations?: number | undefined;
  /** Keeps all records, so that the channel can be verified from its beginning on. @default false: what is final is pruned */
  readonly archive?: boolean | undefined;
  /** No member's: it follows for members that named it, guards the channel, and serves no clients. @default false */
  readonly watches?: boolean | undefined;
}

/** A member's node of one channel, with its API for clients. */
export interface ChannelDaemon extends Checked {
  readonly account: string;
  readonly channel: bigint;
  /** Address of the key with which the node signs, and by which others know it. */
  readonly signer: string;
  /** `ws://...`. Known after start; of a watcher empty. */
  readonly apiUrl: string;
  /** What it knows can be read after start. */
  readonly node: ChannelNode;
}

const DEFAULT_HOST = "127.0.0.1";

const NOTHING: Startable = { start: async () => await Promise.resolve(), stop: async () => await Promise.resolve() };

/**
 * Makes a member's node: it finds the other members by the chain and over Waku, plays the channel with them, and serves clients.
 *
 * @throws SprfError `CONFIG_INVALID` where there are no channels, `CHANNEL_UNKNOWN`, `CHANNEL_NOT_MEMBER`, `CHAIN_UNREACHABLE`
 */
export async function createChannelDaemon(init: ChannelDaemonInit): Promise<ChannelDaemon> {
  const { channel, dataDirectory, api } = init;
  const logger = init.logger.child({ channel: channel.toString(), account: init.keys.account });
  const peer = await createPeer({ ...init, logger });
  const closers: (() => void)[] = [];
  try {
    const { chain, clock, random, keys, messenger, node: libp2pNode } = peer;
    if (chain.channels === undefined) {
      throw new SprfError("CONFIG_INVALID", "networks.chain.channels: the settings name no hub (SPRF_CHANNEL_HUB)");
    }
    const { hub, apps, watch } = chain.channels;
    const info = await hub.channel(channel);
    if (info === undefined) throw new SprfError("CHANNEL_UNKNOWN", `the hub has no channel ${channel}`);
    const self = addressOfKey(keys.messageKey);
    const { watches = false } = init;
    if (!watches) demandMember(info, await hub.member(channel, hub.account), self);

    const directory = channelLogDirectory(dataDirectory, channel);
    const lock = await lockDirectory(directory);
    closers.push(() => lock.release());
    const identity = { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey };
    const members = async (): Promise<readonly HubMember[]> => await hub.members(channel);
    const addressesOf = createMemberAddresses({
      members,
      twinOf: async (account, options): Promise<Twin | undefined> => await chain.twinOf(account, options),
      ask: async (twin, { signal }) => {
        const parts = { messenger, messageKeys: identity, clock, random, logger };
        return await findAddress(parts, { workerKey: twin.messageKey, agreement: info.store, signal });
      },
    });
    const node = await createChannelNode(peer, {
      channel,
      dataDirectory,
      addressesOf,
      archive: init.archive,
      confirmations: init.confirmations,
      settleEveryMs: init.settleEveryMs,
      watches,
    });
    const server = createChannelApiServer({
      service: createChannelService({ nodes: new Map([[channel, node]]), hub, apps }),
      host: api.host ?? DEFAULT_HOST,
      port: api.port ?? 0,
      readers: info.config.readAccess,
      owner: hub.account,
      clock,
      random,
      logger,
    });
    // Others find this node's message key by it.
    const ensureTwin = async (options?: { readonly signal?: AbortSignal }): Promise<void> => {
      await peer.ensureTwin(options);
    };
    const answers = answerAddressRequests({
      messenger,
      identity,
      authorise: async (request) =>
        mayAskForMember(request, info.store, await members(), await watch?.watchers(channel)),
      describe: () => ({
        // Members want the multiaddrs; the message has a place for the HTTP API of a worker.
        apiUrl: `http://${api.host ?? DEFAULT_HOST}`,
        ledgerKey: new Uint8Array(keys.ledgerKeypair.rawPublicKey()),
        multiaddrs: libp2pNode.multiaddrs(),
      }),
      clock,
      random,
      logger,
    });
    let endMeasuring: (() => void) | undefined;
    const measured: Startable = {
      async start() {
        endMeasuring ??= await Promise.resolve(measureNode(node, peer.metrics));
      },
      async stop() {
        await Promise.resolve(endMeasuring?.());
      },
    };
    return daemonOf({
      account: hub.account,
      channel,
      signer: self,
      parts: [
        { ...NOTHING, stop: async () => await Promise.resolve(lock.release()) },
        peer,
        { ...NOTHING, start: ensureTwin },
        answers,
        node,
        measured,
        ...(watches ? [] : [server]),
      ],
      checks: [...peer.checks, nodeCheck(node)],
      node,
      apiUrl: () => (watches ? "" : server.url),
    });
  } catch (error) {
    await peer.stop();
    for (const close of closers) close();
    throw error;
  }
}

function daemonOf(init: {
  readonly account: string;
  readonly channel: bigint;
  readonly signer: string;
  /** In the order of their start. */
  readonly parts: readonly Startable[];
  readonly checks: readonly ReadinessCheck[];
  readonly node: ChannelNode;
  readonly apiUrl: () => string;
}): ChannelDaemon {
  const { account, channel, signer, parts, checks, node, apiUrl } = init;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    account,
    channel,
    signer,
    checks,
    node,
    get apiUrl() {
      return apiUrl();
    },
    async start(options) {
      starting ??= (async () => {
        for (const part of parts) await part.start(options);
      })();
      await starting;
    },
    async stop() {
      stopping ??= (async () => {
        for (const part of parts.toReversed()) await part.stop();
      })();
      await stopping;
    },
  };
}

/** A node that cannot guard its channel by itself needs somebody. */
function nodeCheck(node: ChannelNode): ReadinessCheck {
  return {
    part: "channel",
    async look() {
      const { trouble: problem, head, committedHeight, finalHeight, leader } = await Promise.resolve(node);
      return { head: head.height, committed: committedHeight, final: finalHeight, leader, problem };
    },
  };
}

/** Others look for this member's node by the signer in its consent. */
function demandMember({ channel, app }: ChannelInfo, member: HubMember | undefined, signer: string): void {
  if (member === undefined || member.isGone) {
    throw new SprfError("CHANNEL_NOT_MEMBER", `this account has not joined channel ${channel} (of the app ${app})`);
  }
  if (member.signer !== signer) {
    throw new SprfError(
      "CHANNEL_NOT_MEMBER",
      `this account joined with the signer ${member.signer}, and this node is ${signer}`,
    );
  }
}
