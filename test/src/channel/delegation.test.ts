import { expect } from "chai";

import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import { encodeChannelMessage, type ChannelMessage } from "../../../src/wire/channel/messages.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 200;
const PATIENT_MS = 20_000;
const MEMBERS = 7;

describe("channel: members delegate their voice", function () {
  this.timeout(60_000);
  let scene: ChannelScene;

  afterEach(async () => await scene.close());

  it("should commit and settle with the weight of those who are away, until they speak for themselves", async () => {
    await begin();
    const [first, second, third, , fifth, sixth, seventh] = scene.members as Seven;
    scene.hub.delegate(sixth.account, second.account);
    scene.hub.delegate(seventh.account, third.account);
    const isHolding = (member: SceneMember): boolean => weightsAt(member).join() === "1,2,2,1,1,0,0";
    await until(() => scene.members.every(isHolding), { what: "two delegations hold" });
    await commit(first.node);
    await scene.same();
    // Four of seven are no quorum, six of seven voices are.
    for (const member of [fifth, sixth, seventh]) await member.kill();
    await commit(first.node);
    const height = await first.node.settle();
    expect(scene.hub.settled.height).to.equal(height);
    scene.hub.delegate(sixth.account, undefined);
    await until(() => weightsAt(first)[1] === 1n, { what: "one speaks for itself again" });
    // Five voices, which four have, are one just.
    await commit(first.node);
    for (const member of [fifth, sixth, seventh]) await member.start();
    await scene.same();
    expect(await scene.view(seventh, "count")).to.equal(3n);
  });

  it("should elect candidates only, by whom delegations are counted", async () => {
    await begin();
    const [first, second, third, , , , seventh] = scene.members as Seven;
    scene.hub.delegate(second.account, seventh.account);
    await until(() => scene.members.every((member) => weightsAt(member)[6] === 2n), { what: "the delegation holds" });
    await commit(first.node);
    await first.kill();
    await until(() => third.node.leads, { what: "the third leads", timeoutMs: PATIENT_MS });
    await commit(second.node);
    expect(second.node.leader).to.equal(third.account);
    expect(await scene.view(third, "count")).to.equal(2n);
  });

  it("should follow nobody else that wants to lead", async () => {
    // Nobody hears that another one would stand.
    await begin((message) => message.kind !== "pre-vote");
    const [first, second, third, fourth, , , seventh] = scene.members as Seven;
    scene.hub.delegate(second.account, seventh.account);
    await until(() => scene.members.every((member) => weightsAt(member)[6] === 2n), { what: "the delegation holds" });
    for (const member of [first, second, third]) await member.kill();
    const silentUntil = Date.now() + 5 * HEARTBEAT_MS;
    await until(() => Date.now() >= silentUntil, { what: "the fourth finds the leader dead" });
    const stand = async ({ signer }: SceneMember, term: number): Promise<void> => {
      const network = scene.mesh.join(signer);
      network.listen({ onLink: () => undefined, onMessage: async () => undefined });
      network.keepLinks(new Set([fourth.signer]));
      await network.start();
      expect(network.send(fourth.signer, encodeChannelMessage(1n, { kind: "candidacy", term }))).to.equal(true);
    };
    // Had it followed the second, it would go back to no earlier term.
    await stand(second, 9);
    await stand(third, 8);
    await until(() => fourth.node.term > 1, { what: "it goes with the candidate", timeoutMs: PATIENT_MS });
    expect(fourth.node.term).to.equal(8);
  });

  type Seven = readonly [SceneMember, SceneMember, SceneMember, SceneMember, SceneMember, SceneMember, SceneMember];

  const weightsAt = ({ node }: SceneMember): bigint[] => node.members.map(({ weight }) => weight);

  async function begin(hears: (message: ChannelMessage) => boolean = () => true): Promise<void> {
    scene = await createChannelScene({
      members: MEMBERS,
      node: { heartbeatMs: HEARTBEAT_MS },
      hears: (_number, message) => hears(message),
    });
    await scene.same();
  }

  async function commit(node: ChannelNode): Promise<void> {
    const call = scene.call(0, "inc");
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
