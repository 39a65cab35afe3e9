import { createMemoryMesh } from "../../src/adapters/channel-network/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryDisk, createMemoryRecordLog } from "../../src/adapters/record-log/memory.ts";
import type { ChannelNews } from "../../src/channel/core.ts";
import { createChannelNode, type ChannelNode } from "../../src/channel/channel-node.ts";
import type { ChannelConfig, ChannelInfo } from "../../src/ports/channel-hub.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { callDigest, type Call, type SignedCall } from "../../src/wire/channel/call.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { CounterProgram__factory } from "../../typechain-types/factories/mocks/channels/CounterProgram__factory.ts";
import type { ChannelChain, ChannelPeer } from "./channel-chain.ts";
import { createLyingNetwork, type LyingNetwork } from "./lying-network.ts";
import { until } from "./until.ts";

export const COUNTER = CounterProgram__factory.createInterface();

/** A member's node in this process, on the real hub. */
export interface TeamMember {
  readonly peer: ChannelPeer;
  readonly node: ChannelNode;
  readonly network: LyingNetwork;
  /** All that it told since it was started. */
  readonly news: readonly ChannelNews[];
  readonly lines: readonly LogLine[];
}

/** Members of one channel on a real chain; the first one leads. */
export interface ChannelTeam {
  readonly info: ChannelInfo;
  readonly members: readonly TeamMember[];
  /** The next call of a user, who is no member. */
  call(user: number, changes?: Partial<Call>): SignedCall;
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
  /** Whether they show lies to the court. */
  { proves = false }: { readonly proves?: boolean } = {},
): Promise<ChannelTeam> {
  const info = await chain.create(config);
  const { channel } = info;
  const mesh = createMemoryMesh({ logger: createMemoryLogger(), clock: systemClock });
  const nonces = new Map<number, bigint>();
  const [first] = peers;
  if (first === undefined) throw new Error("a team of nobody");
  const domain = channelDomain(first.hub.chainId, first.hub.address);
  const members: TeamMember[] = [];
  for (const peer of peers) {
    await chain.join(info, peer);
    const signerKey = peer.keys.messagePrivateKey;
    const network = createLyingNetwork(mesh.join(peer.signer), { domain, signerKey });
    const lines: LogLine[] = [];
    const news: ChannelNews[] = [];
    const log = createMemoryRecordLog(createMemoryDisk());
    const court = proves ? peer.court : undefined;
    const components = { hub: peer.hub, court, network, log, clock: systemClock, logger: createMemoryLogger(lines) };
    const node = createChannelNode(components, { channel, signerKey });
    node.watch((item) => news.push(item));
    members.push({ peer, node, network, news, lines });
  }
  await Promise.all(members.map(async ({ node }) => await node.start()));

  return {
    info,
    members,
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
    async count({ node }) {
      const data = fromHex(COUNTER.encodeFunctionData("count"));
      const { returnData } = await node.read({ sender: `0x${"0".repeat(40)}`, data });
      return COUNTER.decodeFunctionResult("count", returnData)[0] as bigint;
    },
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
