import { expect } from "chai";

import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

describe("channel: a leader that comes back with records of its own", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let isCutOff = false;

  afterEach(async () => await scene.close());

  it("should give them up for what the others have committed and settled meanwhile, and call them committed to nobody", async () => {
    const isHeard = (kind: string): boolean => !isCutOff || (kind !== "batch" && kind !== "status");
    scene = await createChannelScene({ members: 4, hears: (_, { kind }) => isHeard(kind), node: { heartbeatMs: 200 } });
    const [first, second, third, fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await first.node.committed(await first.node.submit(scene.call(0, "inc")));
    await scene.same();
    const { committedHeight } = first.node;
    isCutOff = true;
    for (let count = 0; count < 3; count += 1) await first.node.submit(scene.call(1, "inc"));
    expect(first.node.head.height).to.equal(committedHeight + 3);
    await first.kill();
    isCutOff = false;
    const others = [second, third, fourth];
    await until(() => others.some(({ node }) => node.leads), { what: "another one leads", timeoutMs: 20_000 });
    const leader = others.find(({ node }) => node.leads) ?? second;
    for (let count = 0; count < 5; count += 1) {
      await leader.node.committed(await leader.node.submit(scene.call(2, "inc")));
    }
    await scene.same(others);
    // Final above the head of the one that is away.
    await leader.node.settle();
    await until(() => others.every(({ node }) => node.finalHeight > committedHeight + 3), { what: "it is final" });

    await first.start();
    expect(first.node.committedHeight).to.be.at.most(committedHeight);
    await scene.same();
  });
});
