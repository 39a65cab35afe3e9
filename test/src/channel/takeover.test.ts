import { expect } from "chai";

import { addressOfKey, signDigest } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import { signAck, type Certificate } from "../../../src/wire/channel/batch.ts";
import { signLeaderChange, type Standing } from "../../../src/wire/channel/leader-change.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessageBody,
} from "../../../src/wire/channel/messages.ts";
import { createChannelScene, testKey, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const NO_HISTORY = encodeChannelMessage(1n, { kind: "history", batches: [], more: false });

describe("channel: a new leader", function () {
  this.timeout(60_000);
  let scene: ChannelScene;

  afterEach(async () => await scene.close());

  it("should not wait for records of a certificate that nobody's signatures prove", async () => {
    scene = await createChannelScene({ members: 4 });
    const key = testKey(50);
    const liar = scene.mesh.join(addressOfKey(publicKeyOf(key)));
    const acks = Array.from({ length: 4 }, (_, certified) => ({
      certified,
      signature: signDigest(new Uint8Array(32).fill(certified + 1), key),
    }));
    liar.listen({
      // Whatever it is asked, it holds more than anybody.
      onMessage: async (from, bytes) => {
        const message = decodeChannelMessage(bytes);
        if (message.kind !== "candidacy") return;
        const certificate = { term: 1, height: 1_000_000, recordHash: new Uint8Array(32).fill(7), acks };
        const standing = { certifiedTerm: 1, certifiedHeight: 1_000_000, head: 1_000_000 };
        liar.send(from, encodeChannelMessage(1n, wordOf(key, standing, certificate)));
      },
      onLink: () => undefined,
    });
    scene.hub.join(addressOfKey(publicKeyOf(testKey(150))), liar.self);
    liar.keepLinks(new Set(scene.members.map(({ signer }) => signer)));
    await liar.start();
    const [first, second] = scene.members;
    await second!.node.committed(await second!.node.submit(scene.call(0, "inc")));
    const { committedHeight } = second!.node;
    scene.hub.leave(first!.account);
    await until(() => second!.node.leads, { what: "the second leads", timeoutMs: 5_000 });
    expect(second!.node.head.height).to.be.at.least(committedHeight);
  });

  it("should hear those who were members when something may have been committed, however many joined since", async () => {
    scene = await createChannelScene({ members: 3 });
    const [first, second, third] = scene.members;
    await second!.node.committed(await second!.node.submit(scene.call(0, "inc")));
    await scene.same();
    await third!.kill();
    await first!.kill();
    // They join on the chain, and no record says so yet: they answer, and hold nothing.
    const strangers = Array.from({ length: 8 }, (_, index) => {
      const key = testKey(60 + index);
      return { key, stranger: scene.mesh.join(addressOfKey(publicKeyOf(key))) };
    });
    const answered = new Set<string>();
    for (const [index, { key, stranger }] of strangers.entries()) {
      stranger.listen({
        onMessage: async (from, bytes) => {
          const message = decodeChannelMessage(bytes);
          if (message.kind !== "candidacy") return;
          const standing = { certifiedTerm: 0, certifiedHeight: 0, head: 0 };
          stranger.send(from, encodeChannelMessage(1n, wordOf(key, standing)));
          answered.add(stranger.self);
        },
        onLink: () => undefined,
      });
      scene.hub.join(addressOfKey(publicKeyOf(testKey(160 + index))), stranger.self);
      stranger.keepLinks(new Set([second!.signer]));
      await stranger.start();
    }
    scene.hub.leave(first!.account);
    await until(() => answered.size === strangers.length, { what: "all strangers answer" });
    // Whether it leads is decided when the last one has answered, and asked again soon after.
    answered.clear();
    await until(() => answered.size === strangers.length || second!.node.leads, { what: "it asks again" });
    expect(second!.node.leads).to.equal(false);
    await third!.start();
    await until(() => second!.node.leads, { what: "the second leads", timeoutMs: 15_000 });
    expect(third!.node.head.height).to.be.at.most(second!.node.head.height);
  });

  it("should wait for records that may be committed, however long those who have them are slow", async () => {
    let isSlow = false;
    /** Answers who asks where it stands, and shows nobody what it has. */
    const slow = (network: ChannelNetwork): ChannelNetwork => ({
      self: network.self,
      listen: (listener) => network.listen(listener),
      keepLinks: (peers) => network.keepLinks(peers),
      start: async (options) => await network.start(options),
      stop: async () => await network.stop(),
      send(to, message) {
        const isShown = !isSlow || !["history", "snapshot"].includes(decodeChannelMessage(message).kind);
        return network.send(to, isShown ? message : NO_HISTORY);
      },
    });
    scene = await createChannelScene({ members: 4, networkOf: slow, node: { recordsPatienceMs: 100 } });
    const [first, second, third, fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await scene.same();
    await second.kill();
    for (let count = 0; count < 3; count += 1) {
      await third.node.committed(await third.node.submit(scene.call(0, "inc")));
    }
    const { height } = third.node.head;
    await first.kill();
    isSlow = true;
    scene.hub.leave(first.account);
    // It has the records neither from the leader that is gone nor from those who are slow.
    await second.start();
    const isTold = (): boolean => second.lines.some(({ message }) => message.startsWith("a new leader waits"));
    await until(isTold, { what: "it says that it waits", timeoutMs: 20_000 });
    expect(second.node.leads).to.equal(false);
    isSlow = false;
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: 20_000 });
    expect(second.node.head.height).to.be.at.least(height);
    await second.node.submit(scene.call(0, "inc"));
    await scene.same([second, third, fourth]);
    expect(await scene.view(second, "count")).to.equal(4n);
  });

  it("should go on without records that nobody shows, where a quorum has never held their certificate", async () => {
    scene = await createChannelScene({ members: 4, node: { recordsPatienceMs: 100 } });
    const [first, second, third, fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await second.node.committed(await second.node.submit(scene.call(0, "inc")));
    await scene.same();
    const { committedHeight } = second.node;
    for (const member of [first, third, fourth]) await member.kill();
    // More liars than are provided for sign a record that there is not; only one of them says so.
    const liars = [first, third, fourth];
    const place = { channel: 1n, term: 1, height: 1_000_000, recordHash: new Uint8Array(32).fill(7) };
    const acks = liars.map(({ signerKey }) => ({
      certified: 0,
      signature: signAck(scene.hub.domain, { ...place, certified: 0 }, signerKey),
    }));
    const certificate: Certificate = { term: 1, height: place.height, recordHash: place.recordHash, acks };
    for (const { signer, signerKey } of liars) {
      const liar = scene.mesh.join(signer);
      liar.listen({
        onMessage: async (from, bytes) => {
          const message = decodeChannelMessage(bytes);
          if (message.kind === "sync") liar.send(from, NO_HISTORY);
          if (message.kind !== "candidacy") return;
          const isShown = signer === first.signer;
          const standing = { certifiedTerm: isShown ? 1 : 0, certifiedHeight: isShown ? place.height : 0, head: 0 };
          liar.send(from, encodeChannelMessage(1n, wordOf(signerKey, standing, isShown ? certificate : undefined)));
        },
        onLink: () => undefined,
      });
      liar.keepLinks(new Set([second.signer]));
      await liar.start();
    }
    scene.hub.leave(first.account);
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: 20_000 });
    expect(second.node.head.height).to.be.at.least(committedHeight);
    expect(second.lines.map(({ message }) => message)).to.include(
      "nobody shows the records of a certificate, and a quorum never held it",
    );
  });

  it("should take the word of a member whose newest certificate is of the last join", async () => {
    // That record was for two to sign, and now there are three.
    scene = await createChannelScene({ members: 3 });
    await scene.same();
    const [first, second] = scene.members;
    expect(second!.node.head.height).to.equal(3);
    await first!.kill();
    scene.hub.leave(first!.account);
    await until(() => second!.node.leads, { what: "the second leads" });
  });

  /** What a member says to the second, who wants to lead term 2. */
  function wordOf(key: Uint8Array, standing: Standing, certificate?: Certificate): ChannelMessageBody {
    const change = { channel: 1n, term: 2, newLeader: scene.members[1]!.account, ...standing };
    const signature = signLeaderChange(scene.hub.domain, change, key);
    return { kind: "leader-change", term: 2, ...standing, signature, ...(certificate && { certificate }) };
  }
});

describe("channel: a member that was told nothing", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let isDeaf: boolean;
  /** Three are a quorum of four: the leader has no reason to say anything again. */
  const LAST = 4;
  const createScene = async (): Promise<void> => {
    scene = await createChannelScene({
      members: LAST,
      hears: (number, { kind }) => !isDeaf || number !== LAST || (kind !== "batch" && kind !== "status"),
    });
  };
  const others = () => scene.members.slice(0, LAST - 1);
  const callOnce = async (): Promise<void> => {
    const { node } = scene.leader;
    await node.committed(await node.submit(scene.call(0, "inc")));
    await scene.same(others());
  };

  afterEach(async () => await scene.close());

  it("should ask the leader for what the chain says there must be", async () => {
    isDeaf = true;
    await createScene();
    await callOnce();
    const last = scene.members.at(-1)!;
    expect(last.node.head.height).to.equal(0);
    isDeaf = false;
    await scene.same();
  });

  it("should ask the leader now and then, when it misses nothing that it knows of", async () => {
    isDeaf = false;
    await createScene();
    await callOnce();
    await scene.same();
    isDeaf = true;
    const last = scene.members.at(-1)!;
    const { height } = last.node.head;
    await callOnce();
    expect([last.node.head.height, last.node.committedHeight]).to.deep.equal([height, height]);
    isDeaf = false;
    await scene.same();
  });
});
