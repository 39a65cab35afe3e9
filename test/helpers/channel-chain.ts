import { type BaseContract, hexlify, JsonRpcProvider, NonceManager, Wallet, ZeroAddress, ZeroHash } from "ethers";

import { createChannelHub } from "../../src/adapters/chain/channels/hub.ts";
import { createChannelWatch } from "../../src/adapters/chain/channels/watch.ts";
import { createChannelAbsence } from "../../src/adapters/chain/channels/absence.ts";
import { createChannelCourt } from "../../src/adapters/chain/channels/court.ts";
import { createStakingPool } from "../../src/adapters/chain/channels/staking-pool.ts";
import { connect, type Connection } from "../../src/adapters/chain/connection.ts";
import type { ChannelAddresses } from "../../src/adapters/chain/ethers.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnetChain } from "../../src/devnet/chain.ts";
import { deployDevnetChannels } from "../../src/devnet/deploy-channels.ts";
import type { TwinKeys } from "../../src/domain/identity/keys.ts";
import type { ChannelConfig, ChannelHub, ChannelInfo } from "../../src/ports/channel-hub.ts";
import type { ChannelWatch } from "../../src/ports/channel-watch.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type { ChannelCourt } from "../../src/ports/channel-court.ts";
import type { StakingPool } from "../../src/ports/staking-pool.ts";
import type { Asset } from "../../src/wire/channel/inbox-entry.ts";
import { ChannelHub__factory } from "../../typechain-types/factories/channels/ChannelHub__factory.ts";
import { CounterProgram__factory } from "../../typechain-types/factories/mocks/channels/CounterProgram__factory.ts";
import { FeatureProgram__factory } from "../../typechain-types/factories/mocks/channels/FeatureProgram__factory.ts";

const POLLING_MS = 20;
const FAR_SECONDS = 2 ** 40;
const READ_ACCESSES = ["anyone", "members"] as const;

/** A member's account, its signer's key and its way to the hub. */
export interface ChannelPeer {
  readonly keys: TwinKeys;
  readonly account: string;
  /** Address of the message key. */
  readonly signer: string;
  readonly hub: ChannelHub;
  readonly pool: StakingPool;
  readonly court: ChannelCourt;
  readonly watch: ChannelWatch;
  readonly absence: ChannelAbsence;
}

/** A chain with the channels' contracts; an account of its own is the app of every channel. */
export interface ChannelChain {
  readonly rpcUrl: string;
  readonly addresses: ChannelAddresses;
  /** The program, a counter, in lower case. */
  readonly program: string;
  readonly app: string;
  rpc(method: string, ...params: readonly unknown[]): Promise<unknown>;
  /** The n-th member, from 1. */
  peer(index: number): Promise<ChannelPeer>;
  /** Deploys and registers the program that has everything of its base; resolves with its address in lower case. */
  deployFeatures(): Promise<string>;
  /** Makes a channel, of the counter unless it is told otherwise. */
  create(config?: Partial<ChannelConfig>, initialState?: string, program?: string): Promise<ChannelInfo>;
  /** Joins a member with its consent, and with ether when told so. */
  join(
    channel: ChannelInfo,
    peer: ChannelPeer,
    options?: { readonly assets?: readonly Asset[]; readonly pooled?: boolean },
  ): Promise<void>;
  /** Asks for the channel's end. */
  closeChannel(channel: bigint): Promise<void>;
  close(): Promise<void>;
}

export const CHANNEL_CONFIG: ChannelConfig = {
  mode: 0,
  readAccess: "anyone",
  votesAreProof: false,
  maxMembers: 8,
  tickMs: 0,
  maxCatchUpTicks: 0,
  windowSeconds: 0,
  aliveSeconds: 0,
  answerSeconds: 0,
  stakeWei: 0n,
  fineWei: 0n,
};

export async function startChannelChain(): Promise<ChannelChain> {
  const chain = await startDevnetChain({ host: "127.0.0.1", port: 0 });
  const { rpcUrl } = chain;
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  provider.pollingInterval = POLLING_MS;
  const addresses = await deployDevnetChannels(rpcUrl);
  const appWallet = new Wallet(hexlify(devnetKeys(0).accountPrivateKey), provider);
  const appSigner = new NonceManager(appWallet);
  const asApp = ChannelHub__factory.connect(addresses.hub, appSigner);
  const register = async (deployed: BaseContract): Promise<string> => {
    await deployed.waitForDeployment();
    const address = (await deployed.getAddress()).toLowerCase();
    await (await asApp.registerProgram(address)).wait();
    return address;
  };
  const counter = await register(await new CounterProgram__factory(appSigner).deploy());
  const open: Connection[] = [];
  const connected = async (privateKey: Uint8Array): Promise<Connection> => {
    const connection = await connect({ rpcUrl, privateKey, pollingIntervalMs: POLLING_MS, clock: systemClock });
    open.push(connection);
    return connection;
  };
  const reader = createChannelHub(await connected(devnetKeys(0).accountPrivateKey), addresses.hub);

  return {
    rpcUrl,
    addresses,
    program: counter,
    app: appWallet.address.toLowerCase(),
    rpc: async (method, ...params) => (await provider.send(method, [...params])) as unknown,
    async peer(index) {
      const keys = devnetKeys(index);
      const connection = await connected(keys.accountPrivateKey);
      return {
        keys,
        account: connection.wallet.address.toLowerCase(),
        signer: new Wallet(hexlify(keys.messagePrivateKey)).address.toLowerCase(),
        hub: createChannelHub(connection, addresses.hub),
        pool: createStakingPool(connection, addresses.pool),
        absence: createChannelAbsence(connection, addresses.hub),
        court: createChannelCourt(connection, addresses.court ?? ""),
        watch: createChannelWatch(connection, addresses.watch ?? ""),
      };
    },
    deployFeatures: async () => await register(await new FeatureProgram__factory(appSigner).deploy()),
    async create(config, initialState = "0x", program = counter) {
      const { readAccess, ...rest } = { ...CHANNEL_CONFIG, ...config };
      const struct = { ...rest, readAccess: READ_ACCESSES.indexOf(readAccess) };
      await (
        await asApp.create(program, initialState, struct, [{ key: ZeroHash, value: program.padEnd(66, "0") }])
      ).wait();
      const info = await reader.channel(await asApp.channelCount());
      if (info === undefined) throw new Error("the channel was not made");
      return info;
    },
    async join({ channel, config, program }, peer, { assets = [], pooled = false } = {}) {
      const consent = {
        channel,
        app: appWallet.address.toLowerCase(),
        program,
        member: peer.account,
        signer: peer.signer,
        stakeSource: pooled ? addresses.pool.toLowerCase() : ZeroAddress,
        maxStake: config.stakeWei,
        deadline: FAR_SECONDS,
      };
      const signature = hexlify(await peer.hub.signConsent(consent));
      const ether = assets.reduce((sum, { kind, amount }) => (kind === 0 ? sum + amount : sum), 0n);
      const value = ether + (pooled ? 0n : config.stakeWei);
      await (await asApp.join(channel, peer.account, consent, signature, [...assets], { value })).wait();
    },
    async closeChannel(channel) {
      await (await asApp.close(channel)).wait();
    },
    async close() {
      for (const connection of open) connection.close();
      provider.destroy();
      await chain.stop();
    },
  };
}
