import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import { openArchive, writeArchive } from "../../../src/channel/archive.ts";
import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import { verifyChannel } from "../../../src/channel/verify.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { channelDomain } from "../../../src/wire/channel/domain.ts";
import { callDigest } from "../../../src/wire/channel/call.ts";
import { encodeChannelMessage } from "../../../src/wire/channel/messages.ts";
import { sessionDigest, type SessionInput } from "../../../src/wire/channel/session.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createChannelScene, testKey, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 200;
const PATIENT_MS = 20_000;
const STRANGER = 77;
const CHANNELS = 100;

/** Tells of each call of one of its methods. */
function watched<T extends object, K extends keyof T>(of: T, name: K, onCall: () => void): T {
  const method = of[name] as (...args: unknown[]) => unknown;
  return {
    ...of,
    [name]: (...args: unknown[]) => {
      onCall();
      return method.apply(of, args);
    },
  };
}

/** What went wrong elsewhere, by where it was told; see the list of `shared/measured/channels.md`. */
describe("channel: incidents of other channels, in the node", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  afterEach(async () => await scene.close());

  async function commit(node: ChannelNode, user = 0): Promise<void> {
    await node.committed(await node.submit(scene.call(user, "inc")));
  }

  it("hydra#1415, #1773, #188: everything waits for one silent peer", async () => {
    scene = await createChannelScene({ members: 4, hears: (number) => number !== 4 });
    const [leader, second, third] = scene.members as [SceneMember, SceneMember, SceneMember];
    await until(() => leader.node.leads);
    for (let call = 0; call < 5; call += 1) await commit(second.node);
    await scene.same([leader, second, third]);
    expect(await leader.node.settle()).to.equal(leader.node.head.height);
  });

  it("hydra#1858, PR #1864: a peer that lags behind stays there", async () => {
    scene = await createChannelScene({ members: 4 });
    await scene.same();
    const [leader, second, , fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await fourth.kill();
    for (let call = 0; call < 5; call += 1) await commit(second.node);
    // Below what is final there are no records any more.
    await leader.node.settle();
    await commit(second.node);
    await fourth.start();
    await scene.same();
    expect(await scene.view(fourth, "count")).to.equal(6n);
  });

  it("hydra#2328: more is taken than is done, until nothing is confirmed any more", async () => {
    scene = await createChannelScene({ members: 2, node: { maxWaiting: 40 } });
    await scene.same();
    const { node } = scene.leader;
    const calls = Array.from({ length: 400 }, () => scene.call(0, "inc"));
    const heights: number[] = [];
    const codes = await Promise.all(
      calls.map(
        async (call) =>
          await codeOf(
            node.submit(call).then((height) => {
              heights.push(height);
            }),
          ),
      ),
    );
    expect(codes).to.include("CHANNEL_BUSY");
    // Whatever was taken is committed.
    await Promise.all(heights.map(async (height) => await node.committed(height)));
    await scene.same();
    expect(await scene.view(scene.leader, "count")).to.equal(BigInt(heights.length));
    await commit(node, 1);
  });

  it("hydra PR #1006: what a stranger sends ends the node", async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    const stranger = scene.mesh.join(addressOfKey(publicKeyOf(testKey(STRANGER))));
    stranger.listen({ onMessage: async () => undefined, onLink: () => undefined });
    stranger.keepLinks(new Set(scene.members.map(({ signer }) => signer)));
    await stranger.start();
    const head = encodeChannelMessage(1n, { kind: "candidacy", term: 9 });
    for (const { signer } of scene.members) {
      for (const bytes of [new Uint8Array(), new Uint8Array(1_000).fill(0xff), head, head.subarray(0, 5)]) {
        stranger.send(signer, bytes);
      }
    }
    await commit(scene.members[1]!.node);
    await stranger.stop();
    await scene.same();
  });

  it("etcd-io/etcd#5468, #9464: one that comes back deposes a leader whom the others hear", async () => {
    scene = await createChannelScene({ members: 4, node: { heartbeatMs: HEARTBEAT_MS } });
    await scene.same();
    const [leader, second, , fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    scene.cutOff.add(fourth.signer);
    const silentUntil = Date.now() + 5 * HEARTBEAT_MS;
    await until(() => Date.now() >= silentUntil, { what: "the fourth hears nobody for long" });
    scene.cutOff.clear();
    await commit(second.node);
    await scene.same();
    expect([leader.node.leads, fourth.node.term]).to.deep.equal([true, 1]);
  });

  it("peer3to/state-channels-plus#478: whoever loses a race is stuck on a fork", async () => {
    scene = await createChannelScene({ members: 4, node: { heartbeatMs: HEARTBEAT_MS } });
    await scene.same();
    const [first, second, third] = scene.members as [SceneMember, SceneMember, SceneMember];
    await commit(third.node);
    scene.cutOff.add(first.signer);
    // It signs records that nobody else ever sees.
    await first.node.submit(scene.call(0, "inc"));
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    await commit(second.node, 1);
    scene.cutOff.clear();
    await scene.same();
    await until(async () => (await codeOf(commit(first.node, 2))) === undefined, { timeoutMs: PATIENT_MS });
    await scene.same();
  });

  it("counterfactual/monorepo#1521: one member's turns starve the others", async () => {
    scene = await createChannelScene({ members: 3, node: { maxWaiting: 300 } });
    await scene.same();
    const [leader, greedy, other] = scene.members as [SceneMember, SceneMember, SceneMember];
    const flood = Array.from({ length: 400 }, () => scene.call(5, "inc"));
    const floods = flood.map(async (call) => await codeOf(greedy.node.submit(call)));
    await until(() => leader.node.head.height > 4, { what: "some of the flood" });
    expect(await codeOf(other.node.submit(scene.call(0, "inc")))).to.equal(undefined);
    await Promise.all(floods);
    await scene.same();
  });

  it("nitrolite#846: a session key is revoked by somebody else than its owner", async () => {
    scene = await createChannelScene({ members: 1 });
    await scene.same();
    const { node, signer } = scene.leader;
    const owner = testKey(STRANGER);
    const wallet = addressOfKey(publicKeyOf(owner));
    const revoke = { channel: 1n, wallet, key: signer, nonce: 0n };
    const by = (key: Uint8Array): SessionInput => {
      const input = { what: "revoke", revoke, signature: new Uint8Array(65) } as const;
      return { ...input, signature: signDigest(sessionDigest(scene.hub.domain, input), key) };
    };
    // Not by the key itself either.
    for (const key of [testKey(1), testKey(STRANGER + 1)]) {
      expect(await codeOf(node.submit(by(key)))).to.equal("CHANNEL_SIGNATURE_INVALID");
    }
    expect(await codeOf(node.submit(by(owner)))).to.equal(undefined);
  });

  it("hydra#1467: the history is gone once the channel is closed", async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    const [leader, second] = scene.members as [SceneMember, SceneMember];
    for (let call = 0; call < 5; call += 1) await commit(second.node);
    scene.hub.close();
    await until(() => scene.members.every(({ node }) => node.finalHeight > 5), { what: "the close is final" });
    const { finalHeight } = leader.node;
    await scene.close();
    const { chainId, hub } = scene.hub.domain;
    for (const { disk } of scene.members) {
      const parts: Uint8Array[] = [];
      const archived = writeArchive({ chainId, hub, channel: 1n }, createMemoryRecordLog(disk));
      for await (const part of archived) parts.push(part);
      const history = await openArchive(async function* () {
        yield* parts;
      });
      const components = { hub: scene.hub.as(leader.account), clock: systemClock, logger: createMemoryLogger() };
      const verified = await verifyChannel(components, { channel: 1n, history });
      expect(verified.height).to.be.at.least(finalHeight);
      expect(toHex(verified.stateRoot)).to.equal(toHex(scene.hub.settled.stateRoot));
    }
  });

  it("hydra#2685: words about every call cost more than the calls", async () => {
    scene = await createChannelScene({ members: 3, node: { heartbeatMs: 600_000 } });
    await scene.same();
    const count = (): number => scene.members.reduce((sum, { lines }) => sum + lines.length, 0);
    const before = count();
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(scene.members.map(async ({ node }, user) => await commit(node, user)));
    }
    await scene.same();
    // What else happens may be worth a word.
    expect(count() - before).to.be.below(10);
  });

  it("nitro#718: a hundred channels slow down what happens in one: those at rest do nothing", async () => {
    const done = new Map<number, number>();
    const scenes: ChannelScene[] = [];
    try {
      for (let index = 0; index < CHANNELS; index += 1) {
        const did = (): void => void done.set(index, (done.get(index) ?? 0) + 1);
        scenes.push(
          await createChannelScene({
            members: 1,
            logOf: (disk) => watched(createMemoryRecordLog(disk), "append", did),
            networkOf: (network) => watched(network, "send", did),
            hubOf: (_number, hub) => watched(hub, "head", did),
          }),
        );
      }
      scene = scenes[0]!;
      for (const each of scenes) await each.leader.node.committed(await each.leader.node.submit(each.call(0, "inc")));
      const isAtRest = (each: ChannelScene): boolean =>
        each.leader.node.committedHeight === each.leader.node.head.height;
      await until(() => scenes.every(isAtRest), { what: "all are at rest", timeoutMs: PATIENT_MS });
      done.clear();
      for (let call = 0; call < 20; call += 1) await commit(scene.leader.node);
      expect([...done.keys()]).to.deep.equal([0]);
    } finally {
      for (const each of scenes.slice(1)) await each.close();
    }
  });

  it("go-nitro, nitrolite: a call that was signed for one channel, hub or chain is played in another", async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    const { node } = scene.members[1]!;
    expect(await codeOf(node.submit(scene.call(0, "inc", [], { channel: 2n })))).to.equal("CHANNEL_FOREIGN_INPUT");
    const key = testKey(STRANGER);
    const { call } = scene.call(0, "inc", [], { sender: addressOfKey(publicKeyOf(key)), nonce: 0n });
    const { chainId, hub } = scene.hub.domain;
    for (const foreign of [channelDomain(chainId + 1n, hub), channelDomain(chainId, `0x${"12".repeat(20)}`)]) {
      const signature = signDigest(callDigest(foreign, call), key);
      expect(await codeOf(node.submit({ call, signature }))).to.equal("CHANNEL_SIGNATURE_INVALID");
    }
    const signature = signDigest(callDigest(scene.hub.domain, call), key);
    await node.committed(await node.submit({ call, signature }));
    // Nor twice in its own.
    expect(await codeOf(node.submit({ call, signature }))).to.equal("CHANNEL_NONCE_WRONG");
  });
});
