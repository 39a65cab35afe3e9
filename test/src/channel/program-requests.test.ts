import { expect } from "chai";

import { INBOX_KINDS } from "../../../src/wire/channel/inbox-entry.ts";
import { createChannelScene, type ChannelScene } from "../../helpers/channel-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { until } from "../../helpers/until.ts";

const MODES = { slots: 0, roots: 1 } as const;
const PATIENCE_MS = 1_000;

describe("channel/program-requests", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  afterEach(async () => await scene.close());

  const open = async (members: number, mode: number): Promise<void> => {
    scene = await createChannelScene({
      members,
      program: "FeatureProgram",
      config: { mode },
      node: { requestPatienceMs: PATIENCE_MS },
    });
    await until(() => scene.leader.node.leads);
    await scene.same();
  };
  const call = async (name: string, args: readonly unknown[] = [], through = scene.leader): Promise<number> =>
    await through.node.submit(scene.call(0, name, args));
  const entriesOf = (kind: number): readonly string[] =>
    scene.hub.entries.filter((entry) => entry.kind === kind).map(({ account }) => account);
  const settledAll = async (): Promise<void> =>
    await until(() => scene.hub.settled.inboxCursor === scene.hub.entries.length, {
      what: "a settlement of the whole inbox",
      timeoutMs: 20_000,
    });

  for (const [name, mode] of Object.entries(MODES)) {
    it(`should let a member go, and then end the channel, because the program asks for it, in the mode of ${name}`, async () => {
      await open(3, mode);
      const [, second, third] = scene.members as [
        ChannelScene["leader"],
        ChannelScene["leader"],
        ChannelScene["leader"],
      ];
      await call("requestLeave", [third.account]);
      // Others go on meanwhile.
      await call("setPacked", [1n, true, second.account]);
      await until(() => entriesOf(INBOX_KINDS.leave).length > 0, { what: "the leave", timeoutMs: 20_000 });
      await settledAll();
      expect(entriesOf(INBOX_KINDS.leave)).to.deep.equal([third.account]);
      const rest = scene.members.filter((member) => member !== third);
      await scene.same(rest);
      expect(await scene.view(second, "isLeaveRequested", [third.account])).to.equal(false);
      expect(second.node.members.map(({ account }) => account)).to.have.members(rest.map(({ account }) => account));

      await call("requestClose", [], second);
      await until(() => entriesOf(INBOX_KINDS.close).length > 0, { what: "the close", timeoutMs: 20_000 });
      await settledAll();
      expect(entriesOf(INBOX_KINDS.close)).to.have.length(1);
      expect(await scene.view(second, "lastHook")).to.equal("close");
    });
  }

  it("should let a member that came back stay, whatever was asked for before", async () => {
    await open(2, MODES.slots);
    const second = scene.members[1]!;
    await call("requestLeave", [second.account]);
    await until(() => entriesOf(INBOX_KINDS.leave).length > 0, { what: "the leave", timeoutMs: 20_000 });
    await settledAll();
    // Of somebody who is not in: that is settled, too, before it joins.
    await call("requestLeave", [second.account]);
    const { node } = scene.leader;
    await until(async () => (await codeOf(node.settle())) === undefined, { what: "a settlement" });
    scene.hub.join(second.account, second.signer);
    await until(() => scene.leader.node.members.length === 2, { what: "the join", timeoutMs: 20_000 });
    await scene.same();
    expect(await scene.view(second, "isLeaveRequested", [second.account])).to.equal(false);
    // What comes later in the same place is acted on, so that the older one would have been by now.
    await call("requestLeave", [second.account]);
    await until(() => entriesOf(INBOX_KINDS.leave).length > 1, { what: "the next leave", timeoutMs: 20_000 });
    await settledAll();
    expect(entriesOf(INBOX_KINDS.leave)).to.deep.equal([second.account, second.account]);
    expect(scene.hub.entries.map(({ kind }) => kind)).to.deep.equal([1, 1, 2, 1, 2]);
  });

  it("should bring the leader's own leave to the hub when the leader does not", async () => {
    await open(3, MODES.slots);
    const [first, second] = scene.members as [ChannelScene["leader"], ChannelScene["leader"]];
    scene.hub.deaf.add(first.account);
    await call("requestLeave", [first.account]);
    await until(() => second.node.leads, { what: "the next leader", timeoutMs: 30_000 });
    await settledAll();
    expect(entriesOf(INBOX_KINDS.leave)).to.deep.equal([first.account]);
  });

  it("should be told by the hub that it refuses what no settled state asks for", async () => {
    await open(2, MODES.slots);
    const hub = scene.hub.as(scene.leader.account);
    expect(await codeOf(hub.leaveByRequest(1n, scene.members[1]!.account, undefined))).to.equal("CHAIN_REVERTED");
    expect(await codeOf(hub.closeByRequest(1n, undefined))).to.equal("CHAIN_REVERTED");
  });
});
