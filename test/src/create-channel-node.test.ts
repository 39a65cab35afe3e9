import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createLibp2pNode, type Libp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import type { ChannelNode } from "../../src/channel/channel-node.ts";
import { createChannelNode } from "../../src/create-channel-node.ts";
import type { ChannelInfo } from "../../src/ports/channel-hub.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { callDigest, type SignedCall } from "../../src/wire/channel/call.ts";
import { CounterProgram__factory } from "../../typechain-types/factories/mocks/channels/CounterProgram__factory.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { testKey } from "../helpers/channel-scene.ts";
import { until } from "../helpers/until.ts";

const MEMBERS = 3;
const SLOW = { timeoutMs: 60_000 };
const abi = CounterProgram__factory.createInterface();

interface Member {
  readonly peer: ChannelPeer;
  readonly libp2p: Libp2pNode;
  readonly lines: LogLine[];
  readonly node: ChannelNode;
}

describe("create-channel-node: nodes over libp2p, with logs on disk and the hub", function () {
  this.timeout(180_000);
  let chain: ChannelChain;
  let info: ChannelInfo;
  let folder: string;
  const members: Member[] = [];
  let nonce = 0n;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-channel-"));
    chain = await startChannelChain();
    info = await chain.create();
    for (let index = 1; index <= MEMBERS; index += 1) {
      const peer = await chain.peer(index);
      await chain.join(info, peer);
      members.push(await createMember(peer, index));
    }
    for (const { node } of members) await node.start();
  });
  after(async () => {
    for (const { node, libp2p } of members) {
      await node.stop();
      await libp2p.stop();
    }
    await chain?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function createMember(peer: ChannelPeer, index: number): Promise<Member> {
    const lines: LogLine[] = [];
    const logger = createMemoryLogger(lines);
    const signerKey = peer.keys.messagePrivateKey;
    const libp2p = await createLibp2pNode({ messageKey: signerKey, clock: systemClock, logger });
    await libp2p.start();
    const addressesOf = async (signer: string): Promise<readonly string[]> =>
      members.find((member) => member.peer.signer === signer)?.libp2p.multiaddrs() ?? [];
    const { hub, pool, absence } = peer;
    const channels = { addresses: chain.addresses, hub, pool, absence };
    const node = await createChannelNode(
      { chain: { channels }, keys: peer.keys, node: libp2p, clock: systemClock, logger },
      {
        channel: info.channel,
        dataDirectory: join(folder, String(index)),
        // The second names the first, which it dials; the others are found by asking.
        members: index === 2 ? members[0]!.libp2p.multiaddrs() : [],
        addressesOf,
      },
    );
    return { peer, libp2p, lines, node };
  }

  const loud = (): string =>
    members
      .flatMap(({ lines }) => lines.filter(({ level }) => level === "warn" || level === "error"))
      .map(({ message, context }) => `${message} ${JSON.stringify(context)}`)
      .join("\n");

  async function same(these: readonly Member[]): Promise<void> {
    const isSame = (): boolean =>
      new Set(these.map(({ node }) => toHex(node.head.hash))).size === 1 &&
      these.every(({ node }) => node.committedHeight === node.head.height);
    await until(isSame, SLOW).catch(() => {
      const places = these.map(({ node }) => `${node.head.height}/${node.committedHeight}`).join(" ");
      throw new Error(`not the same: ${places}\n${loud()}`);
    });
  }

  function call(name: "increment"): SignedCall {
    const key = testKey(250);
    const call = {
      channel: info.channel,
      sender: addressOfKey(publicKeyOf(key)),
      nonce,
      gasLimit: 500_000n,
      validUntilMs: 2n ** 63n,
      data: fromHex(abi.encodeFunctionData(name)),
    };
    nonce += 1n;
    return { call, signature: signDigest(callDigest(members[0]!.node.domain, call), key) };
  }

  it("should run calls, settle them into the store, and go on when the leader leaves", async () => {
    await until(() => members.every(({ node }) => node.head.height === MEMBERS), SLOW);
    for (let i = 0; i < 20; i += 1) await members[1]!.node.submit(call("increment"));
    await same(members);
    const height = await members[0]!.node.settle().catch((error: unknown) => {
      throw new Error(`not settled\n${loud()}`, { cause: error });
    });
    const { hub } = members[0]!.peer;
    const head = await hub.head(info.channel);
    expect(head.height).to.equal(height);
    expect(toHex(head.recordHash)).to.equal(toHex(members[0]!.node.record(height)!.hash));
    const data = fromHex(abi.encodeFunctionData("count"));
    expect(BigInt(`0x${toHex(await hub.readStore(info, data))}`)).to.equal(20n);
    await until(() => members.every(({ node }) => node.finalHeight === height), SLOW);

    const [leader, ...rest] = members as [Member, Member, Member];
    await leader.peer.hub.requestExit(info.channel);
    await until(() => rest[0].node.leads, { ...SLOW, what: `the next member leads\n${loud()}` });
    await rest[1].node.submit(call("increment"));
    await same(rest);
    await until(async () => (await hub.head(info.channel)).inboxCursor > MEMBERS, {
      ...SLOW,
      what: "the leave's settlement",
    });
    expect((await hub.member(info.channel, leader.peer.account))?.isGone).to.equal(true);
  });
});
