import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";

import { hexlify, Wallet } from "ethers";
import type { Abi } from "abitype";

import { createEthersChain, type EthersChannels } from "./adapters/chain/ethers.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { createPinoLogger } from "./adapters/logger/pino.ts";
import { openFileRecordLog } from "./adapters/record-log/file.ts";
import { readFileRecordLog } from "./adapters/record-log/read-file.ts";
import { lockDirectory } from "./adapters/store/directory-lock.ts";
import { openArchive, writeArchive, type Archive } from "./channel/archive.ts";
import { exitsSlotOf, ownedSlotOf } from "./channel/sandbox/protocol-slots.ts";
import { proveSettled } from "./channel/settled-proofs.ts";
import { verifyChannel, type ChannelHistory, type VerifiedChannel } from "./channel/verify.ts";
import { claimAll, type ChannelClaims, type ProveLedger } from "./client/channel/claim.ts";
import { chatProgramAbi, documentProgramAbi, landCraftProgramAbi } from "./client/channel/program-abis.ts";
import { connectChannel, type ChannelClient } from "./create-channel-client.ts";
import { channelLogDirectory } from "./create-channel-node.ts";
import type { ConnectInit } from "./create-client.ts";
import { deriveTwinKeys, type TwinKeys } from "./domain/identity/keys.ts";
import { SprfError, messageOf } from "./errors.ts";
import type { ChannelApps, ChannelAsset } from "./ports/channel-apps.ts";
import type { ChannelHub, ChannelInfo, HubMember, SettledHead } from "./ports/channel-hub.ts";
import type { LogEntry, RecordLog } from "./ports/record-log.ts";
import type { ChannelWatch } from "./ports/channel-watch.ts";
import type { StakingPool } from "./ports/staking-pool.ts";
import { throwIfAborted } from "./utils/abort.ts";
import { addressOfKey } from "./utils/recoverable-signature.ts";
import { SETTLEMENT_MODES } from "./wire/channel/settlement.ts";

const APPEND_BYTES = 4 * 1024 * 1024;

/** What every call takes. */
export interface ChannelsCallOptions {
  /** Aborting rejects the call with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** A channel as the chain has it. */
export interface ChannelStanding {
  readonly info: ChannelInfo;
  /** Everybody who joined and is not gone, by join number. */
  readonly members: readonly HubMember[];
  /** What is final. */
  readonly head: SettledHead;
}

/** What is claimed, and how it is proved where it has to be. */
export interface ClaimOptions {
  /** Besides ether and what the channel's app deals in. */
  readonly assets?: readonly ChannelAsset[] | undefined;
  /** Of a node that has kept the channel. */
  readonly dataDirectory?: string | undefined;
  /** Instead: what {@link SprfChannels.exportTo} wrote. */
  readonly file?: string | undefined;
}

/** Channels on the chain, as one account sees and uses them. */
export interface SprfChannels {
  readonly account: string;
  readonly hub: ChannelHub;
  readonly pool: StakingPool;
  readonly apps: ChannelApps;
  /** Who pays those that watch channels; absent where the settings name nobody. */
  readonly watch?: ChannelWatch | undefined;
  /** @throws SprfError `CHANNEL_UNKNOWN` */
  standing(channel: bigint, options?: ChannelsCallOptions): Promise<ChannelStanding>;
  /**
   * Joins this account to a channel of an app of SPRF; its node signs with the account's message key. The stake is sent along, or
   * taken from the pool.
   *
   * @throws SprfError `CHANNEL_UNKNOWN`, `CHAIN_REVERTED`
   */
  join(
    channel: bigint,
    options?: ChannelsCallOptions & { readonly fromPool?: boolean | undefined },
  ): Promise<HubMember>;
  /** Asks for this account's leave; a settlement makes it final. */
  leave(channel: bigint, options?: ChannelsCallOptions): Promise<void>;
  /**
   * Lets another member speak for this account in a channel of more than five, or with `undefined` nobody any more. Its record makes
   * it hold.
   *
   * @throws SprfError `CHAIN_REVERTED` where that one has as many as it may have, speaks for nobody, or this account does for others
   */
  delegate(channel: bigint, candidate: string | undefined, options?: ChannelsCallOptions): Promise<void>;
  /** Has the app end the channel; a settlement makes it final. @throws SprfError `CHAIN_REVERTED` for who may not */
  closeChannel(channel: bigint, options?: ChannelsCallOptions): Promise<void>;
  /**
   * Sends this account what left the channel for it, and its stake when that is free. What there is nothing of is 0. In a channel that
   * settles roots it is proved out of what a node of this machine has kept, or out of a file of {@link exportTo}. Out of a closed channel
   * of LandCraft this also brings the land back to its world.
   *
   * @throws SprfError `INVALID_INPUT` where proofs are needed and there is nothing to make them of, `CHANNEL_UNVERIFIED`,
   * `CHANNEL_HEIGHT_UNKNOWN` when that does not reach what is settled
   */
  claim(channel: bigint, options?: ChannelsCallOptions & ClaimOptions): Promise<ChannelClaims>;
  /** ABI of the channel's program, where it is of an app that comes with SPRF. @throws SprfError `CHANNEL_UNKNOWN` */
  programAbi(channel: bigint, options?: ChannelsCallOptions): Promise<Abi | undefined>;
  /** Connects this account to a channel through a member's node. @throws SprfError `PEER_UNREACHABLE`, `CHANNEL_UNKNOWN` */
  connect<const ProgramAbi extends Abi>(
    at: { readonly url: string; readonly channel: bigint; readonly abi: ProgramAbi },
    options?: ChannelsCallOptions,
  ): Promise<ChannelClient<ProgramAbi>>;
  /** Plays what a node of this machine has kept again, against the chain; the node may run. @throws SprfError `CHANNEL_UNVERIFIED` */
  verify(channel: bigint, dataDirectory: string, options?: ChannelsCallOptions): Promise<VerifiedChannel>;
  /** The same with a file of {@link exportTo}. @throws SprfError `CHANNEL_UNVERIFIED` */
  verifyFile(path: string, options?: ChannelsCallOptions): Promise<VerifiedChannel & { readonly channel: bigint }>;
  /** Writes what a node of this machine has kept into one file; the node may run. Resolves with the file's size in bytes. */
  exportTo(path: string, channel: bigint, dataDirectory: string, options?: ChannelsCallOptions): Promise<number>;
  /** Verifies a file, and has a node that keeps nothing yet go on from it. @throws SprfError `CHANNEL_UNVERIFIED`, `INVALID_INPUT` */
  importFrom(
    path: string,
    dataDirectory: string,
    options?: ChannelsCallOptions,
  ): Promise<VerifiedChannel & { readonly channel: bigint }>;
  /** Ends all connections; safe to repeat. */
  close(): Promise<void>;
}

/**
 * Connects to channels on the chain.
 *
 * @throws SprfError `CONFIG_INVALID`, `CHAIN_UNREACHABLE`
 * @example
 * const channels = await connectChannels({ networks, mnemonic });
 * await channels.join(7n);
 * const chat = await channels.connect({ url: "ws://127.0.0.1:8100", channel: 7n, abi: chatProgramAbi });
 * await chat.call("say", ["hello"]);
 */
export async function connectChannels(
  init: Pick<ConnectInit, "networks" | "mnemonic" | "keys" | "logger">,
  options: ChannelsCallOptions = {},
): Promise<SprfChannels> {
  const keys = keysOf(init);
  const logger = init.logger ?? createPinoLogger({ level: "warn" });
  const chain = await createEthersChain({ ...init.networks.chain, privateKey: keys.accountPrivateKey }, options);
  const { channels } = chain;
  if (channels === undefined) {
    chain.close();
    throw new SprfError("CONFIG_INVALID", "networks.chain.channels: the settings name no hub (SPRF_CHANNEL_HUB)");
  }
  const { hub, pool, apps } = channels;
  const history = createHistories({ channels, logger, clock: systemClock });
  const wallet = new Wallet(hexlify(keys.accountPrivateKey));
  const infoOf = async (channel: bigint, callOptions?: ChannelsCallOptions): Promise<ChannelInfo> => {
    const info = await hub.channel(channel, callOptions);
    if (info === undefined) throw new SprfError("CHANNEL_UNKNOWN", `the hub has no channel ${channel}`);
    return info;
  };
  return {
    account: hub.account,
    hub,
    pool,
    apps,
    watch: channels.watch,
    async standing(channel, callOptions) {
      const info = await infoOf(channel, callOptions);
      const [members, head] = await Promise.all([hub.members(channel, callOptions), hub.head(channel, callOptions)]);
      return { info, members, head };
    },
    async join(channel, { fromPool, ...callOptions } = {}) {
      const info = await infoOf(channel, callOptions);
      // Others find this member's node by its twin.
      const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
      await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey }, callOptions);
      await apps.join(info, { signer: addressOfKey(keys.messageKey), fromPool }, callOptions);
      const member = await hub.member(channel, hub.account, callOptions);
      if (member === undefined) throw new SprfError("INTERNAL", `the hub does not know who joined channel ${channel}`);
      return member;
    },
    leave: async (channel, callOptions) => await hub.requestExit(channel, callOptions),
    delegate: async (channel, candidate, callOptions) => await hub.delegate(channel, candidate, callOptions),
    closeChannel: async (channel, callOptions) => await apps.close(await infoOf(channel, callOptions), callOptions),
    async claim(channel, { assets: named = [], dataDirectory, file, ...callOptions } = {}) {
      const info = await infoOf(channel, callOptions);
      const own = await apps.assetsOf(info, callOptions);
      const assets = [
        ...own,
        ...named.filter((one) => !own.some(({ token, id }) => token === one.token && id === one.id)),
      ];
      if (info.isClosed) await apps.bringBack(info, callOptions);
      // A channel that ended without its members' settlement has its last state in a root alone, whatever its mode.
      const { isFrozen } = await hub.freezeOf(channel, callOptions);
      const isProven = isFrozen || info.config.mode === SETTLEMENT_MODES.root;
      if (!isProven) return await claimAll(hub, info, { assets }, callOptions);
      const kept = await history.open(channel, { dataDirectory, file });
      const prove: ProveLedger = async (account, assetKey) => {
        const slots = [exitsSlotOf(account, assetKey), ownedSlotOf(account, assetKey)];
        const components = { hub, clock: systemClock, logger };
        const [exits, owned] = await proveSettled(components, { channel, history: kept, slots }, callOptions);
        if (exits === undefined || owned === undefined) throw new SprfError("INTERNAL", "a slot was not proved");
        return { exits: exits.proof, owned: owned.proof };
      };
      return await claimAll(hub, info, { assets, prove }, callOptions);
    },
    async programAbi(channel, callOptions) {
      const { app } = await infoOf(channel, callOptions);
      if (app === apps.chat) return chatProgramAbi;
      if (app === apps.land) return landCraftProgramAbi;
      return app === apps.editor ? documentProgramAbi : undefined;
    },
    connect: async (at, callOptions) =>
      await connectChannel({ ...at, chainId: hub.chainId, hub: hub.address, signer: wallet }, callOptions),
    ...history.methods,
    close: async () => await Promise.resolve(chain.close()),
  };
}

function createHistories(parts: {
  readonly channels: EthersChannels;
  readonly logger: ReturnType<typeof createPinoLogger>;
  readonly clock: typeof systemClock;
}): {
  readonly methods: Pick<SprfChannels, "verify" | "verifyFile" | "exportTo" | "importFrom">;
  /** What a node has kept of a channel, or a file. @throws SprfError `INVALID_INPUT` when neither is named or it is of another channel */
  open(channel: bigint, from: Pick<ClaimOptions, "dataDirectory" | "file">): Promise<ChannelHistory>;
} {
  const { hub } = parts.channels;
  const components = { hub, clock: parts.clock, logger: parts.logger };

  const openFile = async (path: string): Promise<Archive> => {
    const archive = await openArchive(() => readChunks(path));
    const { chainId, hub: address, channel } = archive.heading;
    if (chainId === hub.chainId && address === hub.address) return archive;
    throw new SprfError("INVALID_INPUT", `${path} is channel ${channel} of the hub ${address} on chain ${chainId}`);
  };
  const verifyArchive = async (archive: Archive, options?: ChannelsCallOptions) => {
    const { channel } = archive.heading;
    return { channel, ...(await verifyChannel(components, { channel, history: archive }, options)) };
  };

  const methods: Pick<SprfChannels, "verify" | "verifyFile" | "exportTo" | "importFrom"> = {
    async verify(channel, dataDirectory, options) {
      const history = readFileRecordLog(channelLogDirectory(dataDirectory, channel));
      return await verifyChannel(components, { channel, history }, options);
    },
    verifyFile: async (path, options) => await verifyArchive(await openFile(path), options),
    async exportTo(path, channel, dataDirectory, { signal } = {}) {
      const history = readFileRecordLog(channelLogDirectory(dataDirectory, channel));
      return await writeFileOf(path, { chainId: hub.chainId, hub: hub.address, channel }, history, signal);
    },
    async importFrom(path, dataDirectory, options) {
      const archive = await openFile(path);
      const { channel } = archive.heading;
      const directory = channelLogDirectory(dataDirectory, channel);
      const lock = await lockDirectory(directory);
      try {
        const log = await openFileRecordLog({ directory, logger: parts.logger });
        try {
          for await (const _ of log.entries()) throw new SprfError("INVALID_INPUT", `${directory} has records already`);
          const verified = await verifyArchive(archive, options);
          for (const height of await archive.snapshots()) await log.saveSnapshot(height, archive.readSnapshot(height));
          await appendAll(log, archive.entries());
          return verified;
        } finally {
          await log.close();
        }
      } finally {
        lock.release();
      }
    },
  };

  return {
    methods,
    async open(channel, { dataDirectory, file }) {
      if (file === undefined) {
        const directory = channelLogDirectory(dataDirectory ?? "", channel);
        const isKept = dataDirectory !== undefined && (await stat(directory).catch(() => undefined)) !== undefined;
        if (isKept) return readFileRecordLog(directory);
        const why = `channel ${channel} settles roots, and no node here has kept it`;
        throw new SprfError("INVALID_INPUT", `${why}: prove what is yours out of a file that a member's export wrote`);
      }
      const archive = await openFile(file);
      if (archive.heading.channel === channel) return archive;
      throw new SprfError("INVALID_INPUT", `${file} is of channel ${archive.heading.channel}`);
    },
  };
}

/** Many at a time: each append waits for the disk. */
async function appendAll(log: RecordLog, entries: AsyncIterable<LogEntry>): Promise<void> {
  let waiting: LogEntry[] = [];
  let bytes = 0;
  for await (const entry of entries) {
    waiting.push(entry);
    bytes += entry.bytes.length;
    if (bytes < APPEND_BYTES) continue;
    await log.append(waiting);
    waiting = [];
    bytes = 0;
  }
  if (waiting.length > 0) await log.append(waiting);
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function writeFileOf(
  path: string,
  heading: Parameters<typeof writeArchive>[0],
  history: ChannelHistory,
  signal: AbortSignal | undefined,
): Promise<number> {
  const file = await open(path, "wx").catch((error: unknown) => {
    throw new SprfError("INVALID_INPUT", `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  });
  try {
    let bytes = 0;
    for await (const part of writeArchive(heading, history)) {
      throwIfAborted(signal);
      await file.writeFile(part);
      bytes += part.length;
    }
    await file.sync();
    return bytes;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function keysOf({ keys, mnemonic }: Pick<ConnectInit, "keys" | "mnemonic">): TwinKeys {
  if (keys !== undefined) return keys;
  if (mnemonic === undefined) throw new SprfError("CONFIG_INVALID", "channels need a mnemonic or keys");
  return deriveTwinKeys(mnemonic);
}
