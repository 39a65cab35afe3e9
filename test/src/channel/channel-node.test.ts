import { expect } from "chai";

import { toHex } from "../../../src/utils/bytes.ts";
import { signDigest } from "../../../src/utils/recoverable-signature.ts";
import { callDigest } from "../../../src/wire/channel/call.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createChannelScene, testKey, type ChannelScene } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const CALLS = 40;

describe("channel/channel-node", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  afterEach(async () => await scene.close());

  /** Calls of a few users through different members. */
  async function play(calls: number, through = scene.members): Promise<number[]> {
    const heights: Promise<number>[] = [];
    for (let i = 0; i < calls; i += 1) {
      // One user a member: the order of one user's calls is that of its member.
      const user = i % through.length;
      heights.push(through[user]!.node.submit(scene.call(user, "inc")));
    }
    return await Promise.all(heights);
  }

  for (const count of [1, 2, 3, 5]) {
    it(`should bring ${count} member(s) to the same committed records`, async () => {
      scene = await createChannelScene({ members: count });
      await until(() => scene.leader.node.leads);
      await scene.same();
      const heights = await play(CALLS);
      expect(new Set(heights).size).to.equal(CALLS);
      await scene.same();
      for (const member of scene.members) {
        expect(await scene.view(member, "count")).to.equal(BigInt(CALLS));
        expect(member.node.head.height).to.equal(count + CALLS);
      }
      await scene.members.at(-1)!.node.committed(count + CALLS);
    });
  }

  it("should give up at once what a leader owes whose link is lost", async () => {
    scene = await createChannelScene({ members: 3, hears: (_number, { kind }) => kind !== "receipt" });
    await scene.same();
    const [leader, follower] = scene.members;
    const { height } = leader!.node.head;
    const outcome = codeOf(follower!.node.submit(scene.call(0, "inc")));
    await until(() => leader!.node.head.height > height);
    await leader!.kill();
    // And not that the time for an answer has run out.
    expect(await outcome).to.equal("CHANNEL_NO_LEADER");
  });

  it("should refuse what is no call of this channel now, each with its code, and live on", async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    const follower = scene.members[1]!.node;
    const refused = async (changes: Parameters<ChannelScene["call"]>[3]) =>
      await codeOf(follower.submit(scene.call(0, "inc", [], changes)));
    expect(await refused({ nonce: 5n })).to.equal("CHANNEL_NONCE_WRONG");
    expect(await refused({ channel: 2n })).to.equal("CHANNEL_FOREIGN_INPUT");
    expect(await refused({ validUntilMs: 5n })).to.equal("CHANNEL_CALL_EXPIRED");
    expect(await refused({ sender: `0x${"ee".repeat(20)}` })).to.equal("CHANNEL_SIGNATURE_INVALID");
    expect(await refused({ gasLimit: 2_000_001n })).to.equal("CHANNEL_CALL_TOO_LARGE");
    expect(await refused({ data: new Uint8Array(8 * 1024 + 1) })).to.equal("CHANNEL_CALL_TOO_LARGE");
    const { call } = scene.call(0, "inc", [], { nonce: 0n });
    expect(await codeOf(follower.submit({ call, signature: new Uint8Array(65) }))).to.equal(
      "CHANNEL_SIGNATURE_INVALID",
    );
    await play(4);
    await scene.same();
  });

  it("should lose no committed record when followers and the leader are killed and come back", async () => {
    scene = await createChannelScene({ members: 4 });
    await scene.same();
    const [leader, one, two] = scene.members as [
      ChannelScene["leader"],
      ChannelScene["leader"],
      ChannelScene["leader"],
    ];
    await play(8);
    await scene.same();
    // Three of four are a quorum: the channel goes on without one.
    await one.kill();
    const rest = scene.members.filter((member) => member !== one);
    await play(12, [leader, two]);
    await scene.same(rest);
    await one.start();
    await scene.same();
    const { height, hash } = leader.node.head;
    await leader.kill();
    await leader.start();
    await until(() => leader.node.leads);
    expect([leader.node.head.height, toHex(leader.node.head.hash)]).to.deep.equal([height, toHex(hash)]);
    await until(async () => (await codeOf(play(1, [two]))) === undefined, { what: "a call through the leader again" });
    await scene.same();
    expect(await scene.view(two, "count")).to.equal(await scene.view(leader, "count"));
  });

  it("should let a member join later, from the records or from a snapshot", async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    await play(10);
    await scene.same();
    const third = scene.member(3);
    scene.hub.join(third.account, third.signer);
    await third.start();
    await scene.same();
    expect(await scene.view(third, "count")).to.equal(10n);
    expect(await scene.leader.node.settle()).to.be.greaterThan(0);
    await until(() => scene.members.every(({ disk }) => disk.snapshots.size === 1), { what: "snapshots" });
    await play(6);
    await scene.same();
    // Nothing is left of what is below the final height, so that only the snapshot leads on.
    for (const { disk, node } of scene.members) {
      disk.entries = disk.entries.filter((entry) => entry.height > node.finalHeight);
    }
    const fourth = scene.member(4);
    scene.hub.join(fourth.account, fourth.signer);
    await fourth.start();
    await scene.same();
    expect(await scene.view(fourth, "count")).to.equal(16n);
    expect(fourth.disk.snapshots.size).to.equal(1);
    await scene.members[1]!.kill();
    await scene.members[1]!.start();
    await scene.same();
  });

  it("should settle what it came to, and let a member leave with the next settlement", async () => {
    scene = await createChannelScene({ members: 3 });
    await scene.same();
    await play(9);
    const height = await scene.leader.node.settle();
    expect(scene.hub.settled.height).to.equal(height);
    await until(() => scene.members.every(({ node }) => node.finalHeight === height));
    const count = scene.hub.slots.get("0".repeat(64));
    expect(count?.[31]).to.equal(9);
    const leaving = scene.members[2]!;
    scene.hub.leave(leaving.account);
    await until(() => scene.hub.settled.inboxCursor === 4, {
      what: "the settlement with the leave",
      timeoutMs: 20_000,
    });
    await play(3, scene.members.slice(0, 2));
    await scene.same(scene.members.slice(0, 2));
  });

  it("should go on with the next member when the leader leaves", async () => {
    scene = await createChannelScene({ members: 3 });
    await scene.same();
    await play(6);
    await scene.same();
    const [first, ...rest] = scene.members;
    scene.hub.leave(first!.account);
    await until(() => rest[0]!.node.leads, { what: "the second member leads", timeoutMs: 20_000 });
    await until(async () => (await codeOf(play(1, [rest[1]!]))) === undefined, { what: "a call in the new term" });
    await scene.same(rest);
    expect(rest[0]!.node.term).to.equal(2);
    await until(() => scene.hub.settled.inboxCursor >= 4, { what: "the settlement with the leave", timeoutMs: 20_000 });
  });

  it("should tick by itself, and catch up a bounded number after a pause", async () => {
    scene = await createChannelScene({ members: 2, config: { tickMs: 50, maxCatchUpTicks: 3 } });
    const follower = scene.members[1]!;
    await until(async () => ((await scene.view(follower, "count")) as bigint) >= 5_000n, { what: "ticks" });
    const kinds = new Set<number>();
    for (let height = 1; height <= follower.node.head.height; height += 1) {
      kinds.add(follower.node.record(height)?.header.kind ?? 0);
    }
    expect([...kinds]).to.have.members([2, 3]);
  });

  it("should refuse calls of who has its share of the queue, do those that it took, and take others'", async () => {
    scene = await createChannelScene({ members: 1, node: { maxWaiting: 100 } });
    await scene.same();
    const flood = Array.from({ length: 120 }, () => scene.call(0, "inc"));
    const others = [1, 2, 3].map((user) => scene.call(user, "inc"));
    const [flooded, heard] = await Promise.all(
      [flood, others].map(
        async (calls) => await Promise.all(calls.map(async (call) => await codeOf(scene.leader.node.submit(call)))),
      ),
    );
    // As many as it leaves: 34, when 66 were left before the last of them, half of that for others at this member.
    expect(flooded!.filter((code) => code === "CHANNEL_BUSY").length).to.equal(86);
    expect(flooded!.filter((code) => code === undefined).length).to.equal(34);
    expect(heard).to.deep.equal([undefined, undefined, undefined]);
    await scene.same();
  });

  it("should take no calls of strangers once the state has half of what it may have, and those of members up to all", async () => {
    scene = await createChannelScene({ members: 1, node: { maxStateSlots: 7 } });
    await scene.same();
    const { node } = scene.leader;
    const codes: (string | undefined)[] = [];
    for (let user = 0; user < 7; user += 1) codes.push(await codeOf(node.submit(scene.call(user, "inc"))));
    // The counter has two slots, and each account one.
    expect(codes).to.deep.equal([
      ...Array.from({ length: 5 }, () => undefined),
      ...Array(2).fill("CHANNEL_STATE_FULL"),
    ]);
    const grant = { channel: 1n, wallet: scene.call(6, "inc").call.sender, key: scene.leader.signer };
    const ending = { functions: [], expiryMs: BigInt(Date.now() + 60_000) };
    const session = { what: "grant", grant: { ...grant, ...ending }, signature: new Uint8Array(65) } as const;
    expect(await codeOf(node.submit(session))).to.equal("CHANNEL_STATE_FULL");
    const { call } = scene.call(0, "inc", [], { sender: scene.leader.account, nonce: 0n });
    const signature = signDigest(callDigest(scene.hub.domain, call), testKey(101));
    expect(await codeOf(node.submit({ call, signature }))).to.equal(undefined);
    await scene.same();
  });

  it("should play others' calls among those of a member that forwards without end", async () => {
    scene = await createChannelScene({ members: 3, node: { maxWaiting: 300 } });
    await scene.same();
    const [leader, flooder, other] = scene.members;
    // Any name may stand in what a member forwards: of the others', too.
    const flood = Array.from({ length: 400 }, (_, index) => scene.call(5, "inc", [], { nonce: BigInt(index) }));
    const floods = flood.map(async (call) => await codeOf(flooder!.node.submit(call)));
    await until(() => leader!.node.head.height > 4, { what: "some of the flood" });
    const codes = await Promise.all(
      [0, 1, 2, 3].map(
        async (user) => await codeOf((user % 2 === 0 ? other! : leader!).node.submit(scene.call(user, "inc"))),
      ),
    );
    expect(codes).to.deep.equal([undefined, undefined, undefined, undefined]);
    const ends = await Promise.all(floods);
    expect(ends).to.include("CHANNEL_BUSY");
    await scene.same();
  });
});
