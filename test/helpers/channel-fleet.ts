import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { TypedDataEncoder, getBytes, hexlify } from "ethers";

import { peerIdOf } from "../../src/adapters/libp2p/peer-id.ts";
import type { TypedDataSigner } from "../../src/client/channel/channel-signer.ts";
import { connectChannel, type ChannelClient } from "../../src/create-channel-client.ts";
import type { ChannelConfig, ChannelInfo } from "../../src/ports/channel-hub.ts";
import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import type { Asset } from "../../src/wire/channel/inbox-entry.ts";
import type { ChannelChain, ChannelPeer } from "./channel-chain.ts";
import { createChannelProcess, type ChannelPlace, type ChannelProcess } from "./channel-node-process.ts";
import { userKey } from "./channel-team.ts";
import { stablePort } from "./stable-port.ts";
import { until } from "./until.ts";

export const COUNTER_ABI = [
  { type: "function", name: "increment", stateMutability: "nonpayable", inputs: [], outputs: [] },
  { type: "function", name: "count", stateMutability: "view", inputs: [], outputs: [{ name: "", type: "uint256" }] },
] as const;

/** Each time, every node answers a message of its process. */
export const ASK_EVERY_MS = 200;

export type CounterClient = ChannelClient<typeof COUNTER_ABI>;

export interface FleetMember {
  readonly peer: ChannelPeer;
  readonly process: ChannelProcess;
  readonly directory: string;
}

/** Nodes of one channel, each in a process of its own. */
export interface ChannelFleet {
  readonly info: ChannelInfo;
  readonly members: readonly FleetMember[];
  /** Joins the next member and starts its node. */
  join(): Promise<FleetMember>;
  /** A user's client, through a member's node. */
  client(user: number, through: FleetMember): Promise<CounterClient>;
  /** Waits until these are at one record that all know as committed. */
  same(members?: readonly FleetMember[]): Promise<ChannelPlace>;
  leader(): Promise<FleetMember>;
  close(): Promise<void>;
}

export async function startChannelFleet(
  chain: ChannelChain,
  {
    members: count,
    most = count,
    config = {},
    assets = [],
    validMs = 120_000,
  }: {
    readonly members: number;
    /** How many there may come to be. */
    readonly most?: number;
    readonly config?: Partial<ChannelConfig>;
    /** What each member brings. */
    readonly assets?: readonly Asset[];
    readonly validMs?: number;
  },
): Promise<ChannelFleet> {
  const folder = await mkdtemp(join(tmpdir(), "sprf-channel-fleet-"));
  const info = await chain.create(config);
  const peers: ChannelPeer[] = [];
  const ports: { readonly p2pPort: number; readonly apiPort: number }[] = [];
  for (let index = 1; index <= most; index += 1) {
    peers.push(await chain.peer(index));
    ports.push({ p2pPort: await stablePort(), apiPort: await stablePort() });
  }
  const addresses = Object.fromEntries(
    peers.map(({ signer, keys }, index) => [
      signer,
      `/ip4/127.0.0.1/tcp/${ports[index]!.p2pPort}/p2p/${peerIdOf(keys.messageKey)}`,
    ]),
  );
  const members: FleetMember[] = [];
  const clients: CounterClient[] = [];

  async function add(): Promise<FleetMember> {
    const index = members.length;
    const peer = peers[index];
    const own = ports[index];
    if (peer === undefined || own === undefined) throw new Error("no more members");
    await chain.join(info, peer, { assets });
    const directory = join(folder, String(index));
    const process = createChannelProcess({
      rpcUrl: chain.rpcUrl,
      hub: chain.addresses.hub,
      channel: info.channel.toString(),
      accountIndex: index + 1,
      directory,
      ...own,
      addresses,
    });
    const member = { peer, process, directory };
    members.push(member);
    return member;
  }

  for (let index = 0; index < count; index += 1) await add();
  await Promise.all(members.map(async ({ process }) => await process.start()));

  return {
    info,
    members,
    async join() {
      const member = await add();
      await member.process.start();
      return member;
    },
    async client(user, { process, peer }) {
      const client = await connectChannel({
        url: process.url,
        channel: info.channel,
        chainId: peer.hub.chainId,
        hub: peer.hub.address,
        signer: fastSigner(userKey(user)),
        abi: COUNTER_ABI,
        validMs,
      });
      clients.push(client);
      return client;
    },
    async same(these = members) {
      let places: ChannelPlace[] = [];
      const isSame = async (): Promise<boolean> => {
        places = await Promise.all(these.map(async ({ process }) => await process.place()));
        const heads = new Set(places.map(({ hash }) => hash));
        return heads.size === 1 && places.every(({ committed, height }) => committed === height);
      };
      await until(isSame, { timeoutMs: 120_000, everyMs: ASK_EVERY_MS }).catch(() => {
        throw new Error(`no one head: ${JSON.stringify(places)}`);
      });
      return places[0]!;
    },
    async leader() {
      for (const member of members) if ((await member.process.place()).leads) return member;
      throw new Error("nobody leads");
    },
    async close() {
      await Promise.all(clients.map(async (client) => await client.disconnect()));
      await Promise.all(members.map(async ({ process }) => await process.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Signs with native code what ethers hashes: a wallet of ethers would be most of what thousands of calls cost. */
function fastSigner(key: Uint8Array): TypedDataSigner {
  const address = addressOfKey(publicKeyOf(key));
  return {
    getAddress: async () => address,
    signTypedData: async (domain, types, message) =>
      hexlify(signDigest(getBytes(TypedDataEncoder.hash(domain, types, message)), key)),
  };
}
