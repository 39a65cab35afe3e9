import type { Interface, Result } from "ethers";

import { createMemoryMesh } from "../../src/adapters/channel-network/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryDisk, createMemoryRecordLog, type MemoryDisk } from "../../src/adapters/record-log/memory.ts";
import type { ChannelNews } from "../../src/channel/core.ts";
import { createChannelNode, type ChannelNode, type ChannelNodeInit } from "../../src/channel/channel-node.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type { ChannelConfig, ChannelHub, ChannelInfo } from "../../src/ports/channel-hub.ts";
import type { ChannelNetwork } from "../../src/ports/channel-network.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { callDigest, type Call, type SignedCall } from "../../src/wire/channel/call.ts";
import type { Asset } from "../../src/wire/channel/inbox-entry.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { CounterProgram__factory } from "../../typechain-types/factories/mocks/channels/CounterProgram__factory.ts";
import type { ChannelChain, ChannelPeer } from "./channel-chain.ts";
import { createLyingNetwork, type LyingNetwork } from "./lying-network.ts";
import { until } from "./until.ts";

export const COUNTER = CounterProgram__factory.createInterface();

/** A member's node in this process, on the real hub. */
export interface TeamMember {
  readonly peer: ChannelPeer;
  /** The one that runs now, or ran last. */
  readonly node: ChannelNode;
  /** What its log has. */
  readonly disk: MemoryDisk;
  readonly network: LyingNetwork;
  /** All that it told since it was started. */
  readonly news: readonly ChannelNews[];
  readonly lines: readonly LogLine[];
  /** Starts it again on what its disk has, with the hub as it is. */
  start(): Promise<void>;
  /** Ends it where it stands. */
  kill(): Promise<void>;
}

/** How a team differs from the usual one; members are numbered from 0. */
export interface TeamInit {
  /** Of the channel's program; the counter when absent. */
  readonly program?: { readonly address: string; readonly abi: Interface };
  readonly node?: Partial<ChannelNodeInit>;
  /** What members bring in. */
  readonly assets?: readonly Asset[];
  /** What a member has in the place of the hub, or of its network, when it is started first. */
  readonly hubOf?: (index: number, hub: ChannelHub) => ChannelHub;
  readonly networkOf?: (index: number, network: ChannelNetwork) => ChannelNetwork;
  /** What a member has in the place of its way to ask who is there. */
  readonly absenceOf?: (index: number, absence: ChannelAbsence) => ChannelAbsence;
  /** Joins, and is not started. */
  readonly isAway?: (index: number) => boolean;
  /** They ask the chain who is there. */
  readonly accuses?: boolean;
  /** They show lies to the court. */
  readonly proves?: boolean;
}

/** Members of one channel on a real chain; the first one leads. */
export interface ChannelTeam {
  readonly info: ChannelInfo;
  readonly members: readonly TeamMember[];
  /** A node of who is no member, and watches; it has to be started. */
  watcher(peer: ChannelPeer): TeamMember;
  /** The next call of a user, who is no member. */
  call(user: number, changes?: Partial<Call>): SignedCall;
  /** The same, of a function of the program. */
  callOf(user: number, name: string, args?: readonly unknown[]): SignedCall;
  /** A view's result, as this member has it. */
  view(member: TeamMember, name: string, args?: readonly unknown[]): Promise<Result>;
  /** How often the program was called, as this member has it. */
  count(member: TeamMember): Promise<bigint>;
  /** These are at one committed record. */
  same(members?: readonly TeamMember[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startChannelTeam(
  chain: ChannelChain,
  peers: readonly ChannelPeer[],
  config: Partial<ChannelConfig> = {},
  init: TeamInit = {},
): Promise<ChannelTeam> {
  const { program, assets = [], hubOf, networkOf, absenceOf = (_index, absence) => absence } = init;
  const { isAway = () => false } = init;
  const abi = program?.abi ?? COUNTER;
  const info = await chain.create(config, "0x", program?.address);
  const { channel } = info;
  const mesh = createMemoryMesh({ logger: createMemoryLogger(), clock: systemClock });
  const nonces = new Map<number, bigint>();
  const [first] = peers;
  if (first === undefined) throw new Error("a team of nobody");
  const domain = channelDomain(first.hub.chainId, first.hub.address);

  function memberOf(peer: ChannelPeer, index: number, watches = false): TeamMember {
    const signerKey = peer.keys.messagePrivateKey;
    const lines: LogLine[] = [];
    const news: ChannelNews[] = [];
    const disk = createMemoryDisk();
    const create = (hub: ChannelHub, network: ChannelNetwork): ChannelNode => {
      const log = createMemoryRecordLog(disk);
      const court = init.proves === true ? peer.court : undefined;
      const { watch } = peer;
      const absence = init.accuses === true ? absenceOf(index, peer.absence) : undefined;
      const logger = createMemoryLogger(lines);
      const components = { hub, court, absence, watch, network, log, clock: systemClock, logger };
      const node = createChannelNode(components, { channel, signerKey, watches, ...init.node });
      node.watch((item) => news.push(item));
      return node;
    };
    const inner = mesh.join(peer.signer);
    const network = createLyingNetwork(networkOf?.(index, inner) ?? inner, { domain, signerKey });
    let node = create(hubOf?.(index, peer.hub) ?? peer.hub, network);
    return {
      peer,
      disk,
      network,
      news,
      lines,
      get node() {
        return node;
      },
      async start() {
        node = create(peer.hub, mesh.join(peer.signer));
        await node.start();
      },
      kill: async () => await node.stop(),
    };
  }

  const members: TeamMember[] = [];
  for (const [index, peer] of peers.entries()) {
    await chain.join(info, peer, { assets });
    members.push(memberOf(peer, index));
  }
  await Promise.all(members.map(async ({ node }, index) => (isAway(index) ? undefined : await node.start())));

  const team: ChannelTeam = {
    info,
    members,
    watcher: (peer) => memberOf(peer, members.length, true),
    call(user, changes = {}) {
      const key = userKey(user);
      const nonce = nonces.get(user) ?? 0n;
      const call: Call = {
        channel,
        sender: addressOfKey(publicKeyOf(key)),
        nonce,
        gasLimit: 500_000n,
        validUntilMs: BigInt(Date.now() + 600_000),
        data: fromHex(COUNTER.encodeFunctionData("increment")),
        ...changes,
      };
      if (Object.keys(changes).length === 0) nonces.set(user, nonce + 1n);
      return { call, signature: signDigest(callDigest(domain, call), key) };
    },
    callOf(user, name, args = []) {
      const nonce = nonces.get(user) ?? 0n;
      nonces.set(user, nonce + 1n);
      return team.call(user, { nonce, data: fromHex(abi.encodeFunctionData(name, args)), gasLimit: 2_000_000n });
    },
    async view({ node }, name, args = []) {
      const data = fromHex(abi.encodeFunctionData(name, args));
      const { returnData } = await node.read({ sender: `0x${"0".repeat(40)}`, data });
      return abi.decodeFunctionResult(name, returnData);
    },
    count: async (member) => (await team.view(member, "count"))[0] as bigint,
    async same(these = members) {
      const isSame = (): boolean => {
        const heads = new Set(these.map(({ node }) => `${node.head.height} ${toHex(node.head.hash)}`));
        return heads.size === 1 && these.every(({ node }) => node.committedHeight === node.head.height);
      };
      await until(isSame, { timeoutMs: 30_000 }).catch(() => {
        throw new Error(`no one head: ${these.map(placeOf).join("; ")}`);
      });
    },
    async stop() {
      await Promise.all(members.map(async ({ node }) => await node.stop()));
    },
  };
  return team;
}

/** The key of a user in tests. */
export function userKey(user: number): Uint8Array {
  const key = new Uint8Array(32).fill(0x55);
  new DataView(key.buffer).setUint32(28, user + 1);
  return key;
}

function placeOf({ node, lines }: TeamMember): string {
  const loud = lines.filter(({ level }) => level === "warn" || level === "error");
  const words = loud.map(({ message, context }) => `${message} ${JSON.stringify(context)}`).slice(-3);
  return `term ${node.term} head ${node.head.height} committed ${node.committedHeight} ${words.join(", ")}`;
}
