import { expect } from "chai";

import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 200;
const PATIENT_MS = 20_000;

describe("channel: members elect a leader", function () {
  this.timeout(60_000);
  let scene: ChannelScene;

  afterEach(async () => await scene.close());

  it("should go on under another leader when one of four dies, with all that was committed", async () => {
    const [first, second, third, fourth] = await begin(4);
    for (let call = 0; call < 5; call += 1) await commit(third.node);
    const { height, hash } = third.node.head;
    await first.kill();
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    expect(second.node.term).to.equal(2);
    await commit(fourth.node);
    expect(third.node.record(height)?.hash).to.deep.equal(hash);
    expect(await scene.view(fourth, "count")).to.equal(6n);

    await first.start();
    await scene.same();
    expect(first.node.leads).to.equal(false);
    expect(first.node.leader).to.equal(second.account);
    await commit(first.node);
    expect(await scene.view(first, "count")).to.equal(7n);
  });

  it("should replace a leader that hears nobody, take back what it alone has, and play its calls again", async () => {
    const [first, second, third] = await begin(4);
    await commit(third.node);
    scene.cutOff.add(first.signer);
    const lost = await first.node.submit(scene.call(0, "inc"));
    expect(await codeOf(first.node.committed(lost, { signal: AbortSignal.timeout(50) }))).to.not.equal(undefined);
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    await commit(second.node, 1);
    scene.cutOff.clear();
    await scene.same();
    expect(first.node.leads).to.equal(false);
    // Of what the first alone had signed nothing is left; its user's number is free again.
    expect(await scene.view(first, "count")).to.equal(2n);
    await commit(first.node, 1);
    expect(await scene.view(third, "count")).to.equal(3n);
  });

  it("should not let one that comes back from a dead link depose a leader that the others hear", async () => {
    const [first, , , fourth] = await begin(4);
    scene.cutOff.add(fourth.signer);
    const silentUntil = Date.now() + 5 * HEARTBEAT_MS;
    await until(() => Date.now() >= silentUntil, { what: "the fourth finds the leader dead" });
    scene.cutOff.clear();
    await commit(fourth.node);
    await scene.same();
    expect(scene.members.map(({ node }) => node.term)).to.deep.equal([1, 1, 1, 1]);
    expect(first.node.leads).to.equal(true);
  });

  it("should not stay split between a term that some have gone to and the one that the others are in", async () => {
    let isLost = true;
    // Four of them have agreed that nobody leads, and one of these does not hear who stands for it.
    const [first, second, third, fourth] = await begin(4, {
      hears: (number, { kind }) => !isLost || number !== 4 || kind !== "candidacy",
    });
    await commit(fourth.node);
    scene.cutOff.add(first.signer);
    await until(() => second.node.term === 2 && third.node.term === 2, { timeoutMs: PATIENT_MS });
    scene.cutOff.clear();
    // The old leader is heard again before the new one is.
    const healedAt = Date.now() + 2 * HEARTBEAT_MS;
    await until(() => Date.now() >= healedAt);
    isLost = false;
    await until(() => scene.members.every(({ node }) => node.term >= 2), { what: "one term", timeoutMs: PATIENT_MS });
    await commit(fourth.node);
    await scene.same();
  });

  it("should take those along who went to a term that nobody leads, while the others heard their leader again", async () => {
    let isLost = true;
    const [first, second, , , , , seventh] = await begin(7, {
      hears: (_number, { kind }) => !isLost || kind !== "candidacy",
    });
    await commit(seventh!.node);
    scene.cutOff.add(first.signer);
    await until(() => second.node.term === 2, { what: "the second stands", timeoutMs: PATIENT_MS });
    scene.cutOff.clear();
    await until(() => scene.members.filter(({ node }) => node.leader === first.account).length === 6);
    const heardAt = Date.now() + 2 * HEARTBEAT_MS;
    await until(() => Date.now() >= heardAt, { what: "the leader is heard again" });
    isLost = false;
    await until(() => scene.members.every(({ node }) => node.term >= 3), { what: "one term", timeoutMs: PATIENT_MS });
    await scene.same();
    await commit(second.node);
    await scene.same();
  });

  it("should elect nobody where two thirds cannot agree", async () => {
    const [first, second, third] = await begin(3);
    await commit(second.node);
    await first.kill();
    const silentUntil = Date.now() + 6 * HEARTBEAT_MS;
    await until(() => Date.now() >= silentUntil, { what: "the leader is dead for long" });
    expect([second, third].map(({ node }) => [node.leads, node.term])).to.deep.equal([
      [false, 1],
      [false, 1],
    ]);
    await first.start();
    await commit(third.node);
  });

  it("should elect again when the elected one dies, and all come back to what they were", async () => {
    const [first, second, third, fourth, fifth] = await begin(5);
    await commit(fifth.node);
    await first.kill();
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    await first.start();
    await commit(fifth.node);
    await second.kill();
    await until(() => [first, third].some(({ node }) => node.leads), { what: "another leads", timeoutMs: PATIENT_MS });
    await commit(fifth.node);
    const { term } = fifth.node;
    expect(term).to.be.at.least(3);
    for (const member of [first, third, fourth, fifth]) await member.kill();
    for (const member of scene.members) await member.start();
    await commit(second.node);
    await scene.same();
    expect(second.node.term).to.be.at.least(term);
    expect(await scene.view(second, "count")).to.equal(4n);
  });

  it("should tell one that joins by a snapshot who was elected below it", async () => {
    const [first, second] = await begin(4);
    await commit(second.node);
    await first.kill();
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    await commit(second.node);
    await second.node.settle();
    await until(() => second.disk.snapshots.size === 1, { what: "a snapshot" });
    const sixth = scene.member(6, { heartbeatMs: HEARTBEAT_MS });
    scene.hub.join(sixth.account, sixth.signer);
    await sixth.start();
    await commit(sixth.node);
    expect(sixth.node.term).to.equal(2);
    expect(sixth.node.leader).to.equal(second.account);

    await sixth.kill();
    await sixth.start();
    await commit(sixth.node);
    expect(sixth.node.leader).to.equal(second.account);
  });

  async function begin(
    members: number,
    more: Pick<Parameters<typeof createChannelScene>[0], "hears"> = {},
  ): Promise<
    SceneMember[] & { readonly length: 5 } & [SceneMember, SceneMember, SceneMember, SceneMember, SceneMember]
  > {
    scene = await createChannelScene({ members, node: { heartbeatMs: HEARTBEAT_MS }, ...more });
    await scene.same();
    return scene.members as never;
  }

  async function commit(node: ChannelNode, user = 0): Promise<void> {
    const call = scene.call(user, "inc");
    // As a client does: the same call again, until it is in.
    await until(
      async () => {
        try {
          await node.committed(await node.submit(call));
          return true;
        } catch {
          return node.nonceOf(call.call.sender) > call.call.nonce;
        }
      },
      { what: "a call is committed", timeoutMs: PATIENT_MS },
    );
  }
});
