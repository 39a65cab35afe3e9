import { expect } from "chai";
import { hexlify } from "ethers";

import { createChannelService } from "../../../src/channel/channel-service.ts";
import type { ChannelService, ChannelUpdate } from "../../../src/ports/channel-service.ts";
import { equalBytes, fromHex } from "../../../src/utils/bytes.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { until } from "../../helpers/until.ts";

const CHANNEL = 1n;

describe("channel/channel-service", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let leader: ChannelService;
  let follower: ChannelService;

  beforeEach(async () => {
    scene = await createChannelScene({ members: 3 });
    await scene.same();
    [leader, follower] = [serviceOf(scene, 0), serviceOf(scene, 1)] as const;
  });
  afterEach(async () => await scene.close());

  it("tells of a call at a follower what the leader has signed, and how sure it is", async () => {
    const receipt = await follower.call(scene.call(0, "inc"));
    expect(receipt).to.include({ kind: "call", status: "success", nonce: 0n });
    await follower.committed(CHANNEL, receipt, "committed", { signal: AbortSignal.timeout(20_000) });
    expect((await follower.transaction(CHANNEL, { height: receipt.height }))?.commitment).to.equal("committed");

    await scene.leader.node.settle();
    await follower.committed(CHANNEL, receipt, "final", { signal: AbortSignal.timeout(20_000) });
    const { head } = await follower.describe(CHANNEL);
    expect(head.finalHeight).to.be.at.least(receipt.height);
  });

  it("takes the same call once, whoever is asked and however often", async () => {
    const call = scene.call(0, "inc");
    const receipts = await Promise.all(
      [leader.call(call), follower.call(call)].map(async (asked) => await settled(asked)),
    );
    const again = await follower.call(call);
    for (const receipt of receipts) if (receipt !== undefined) expect(receipt.height).to.equal(again.height);
    await scene.same();
    expect(await scene.view(member(0), "count")).to.equal(1n);
  });

  it("refuses another call of a number that is taken, and says what became of the first", async () => {
    const first = await leader.call(scene.call(0, "inc"));
    expect(await codeOf(leader.call(scene.call(0, "inc", [], { nonce: 0n })))).to.equal("CHANNEL_NONCE_WRONG");
    const found = await leader.transaction(CHANNEL, { sender: first.sender ?? "", nonce: 0n });
    expect(found?.recordHash).to.deep.equal(first.recordHash);
    expect(await leader.nonce(CHANNEL, first.sender ?? "")).to.equal(1n);
    expect(await leader.transaction(CHANNEL, { sender: first.sender ?? "", nonce: 1n })).to.equal(undefined);
  });

  it("gives a call no receipt of what took its height, when the leader that signed it was lost with it", async () => {
    await scene.close();
    let isCut = false;
    scene = await createChannelScene({
      members: 3,
      hears: (number, { kind }) => !isCut || kind !== "batch" || number === 1,
    });
    await scene.same();
    isCut = true;
    const call = scene.call(0, "inc");
    const service = serviceOf(scene, 1);
    const { height } = member(1).node.head;
    const outcome = codeOf(service.call(call));
    // The leader has signed it, and nobody else ever sees that.
    await until(() => member(0).node.head.height === height + 1);
    await member(0).kill();
    isCut = false;
    scene.hub.leave(member(0).account);
    await until(() => member(1).node.leads && member(1).node.head.height > height, { timeoutMs: 20_000 });
    expect(await outcome).to.equal("CHANNEL_NO_LEADER");
    expect(member(1).node.record(height + 1)?.header.kind).not.to.equal(RECORD_KINDS.call);
    const again = await service.call(call);
    expect(again.height).to.be.greaterThan(height + 1);
    expect(await scene.view(member(1), "count")).to.equal(1n);
  });

  it("shows views at the head and at heights before it", async () => {
    const heights: number[] = [];
    for (let call = 0; call < 3; call++) heights.push((await leader.call(scene.call(0, "inc"))).height);
    const countAt = async (height?: number): Promise<bigint> => {
      const data = fromHex(scene.abi.encodeFunctionData("count"));
      const view = { sender: `0x${"0".repeat(40)}`, data, ...(height !== undefined && { height }) };
      const { returnData } = await leader.read(CHANNEL, view);
      return scene.abi.decodeFunctionResult("count", returnData)[0] as bigint;
    };
    expect(await Promise.all([...heights, undefined].map(countAt))).to.deep.equal([1n, 2n, 3n, 3n]);
    expect(await codeOf(countAt(99))).to.equal("CHANNEL_HEIGHT_UNKNOWN");
    // What was looked at in the past has left no trace.
    await leader.call(scene.call(0, "inc"));
    await scene.same();
    expect(await countAt()).to.equal(4n);
  });

  it("says the next number right while somebody looks at the past", async () => {
    const { height, sender = "" } = await leader.call(scene.call(0, "inc"));
    for (let call = 0; call < 3; call++) await leader.call(scene.call(0, "inc"));
    const data = fromHex(scene.abi.encodeFunctionData("count"));
    const looking = leader.read(CHANNEL, { sender: `0x${"0".repeat(40)}`, data, height });
    const numbers: bigint[] = [];
    let isDone = false;
    const asking = (async (): Promise<void> => {
      while (!isDone) {
        numbers.push(await leader.nonce(CHANNEL, sender));
        await Promise.resolve();
      }
    })();
    await looking;
    isDone = true;
    await asking;
    expect(numbers.length).to.be.greaterThan(0);
    expect(new Set(numbers)).to.deep.equal(new Set([4n]));
  });

  it("tells subscribers everything from a snapshot on, at the follower as at the leader", async () => {
    await leader.call(scene.call(0, "inc"));
    const ended = new AbortController();
    const heard = [leader, follower].map((service) => listen(service, ended.signal));
    await until(() => heard.every(({ updates }) => updates.length > 0));
    const calls = 5;
    let last = 0;
    for (let call = 0; call < calls; call++) last = (await follower.call(scene.call(0, "inc"))).height;
    await until(() => heard.every(({ updates }) => heightsOf(updates).includes(last)));
    for (const { updates } of heard) {
      const [snapshot] = updates;
      if (snapshot?.type !== "snapshot") throw new Error("no snapshot first");
      // Each change begins where the state was.
      const state = new Map(snapshot.slots.map(({ slot, value }) => [hexlify(slot), value]));
      for (const update of updates) {
        if (update.type !== "record") continue;
        for (const { slot, before, after } of update.record.changes) {
          expect(hexlify(state.get(hexlify(slot)) ?? new Uint8Array(32))).to.equal(hexlify(before));
          state.set(hexlify(slot), after);
        }
      }
      const heights = heightsOf(updates);
      expect(heights).to.deep.equal(heights.map((_, index) => snapshot.height + 1 + index));
    }
    ended.abort();
    await Promise.all(heard.map(async ({ done }) => await done));
  });

  it("goes on from the record that a subscriber knew, and begins anew for one who knew another", async () => {
    const first = await leader.call(scene.call(0, "inc"));
    const second = await leader.call(scene.call(0, "inc"));
    await scene.same();
    const firstUpdate = async (recordHash: Uint8Array): Promise<ChannelUpdate | undefined> => {
      const signal = AbortSignal.timeout(20_000);
      for await (const update of leader.subscribe(CHANNEL, { from: { height: first.height, recordHash }, signal })) {
        return update;
      }
      return undefined;
    };
    const next = await firstUpdate(first.recordHash);
    expect(next?.type === "record" && equalBytes(next.record.recordHash, second.recordHash)).to.equal(true);
    expect((await firstUpdate(second.recordHash))?.type).to.equal("snapshot");
  });

  it("knows no other channel, and lets nobody leave for another", async () => {
    expect(await codeOf(leader.describe(2n))).to.equal("CHANNEL_UNKNOWN");
    expect(await codeOf(leader.nonce(2n, member(0).account))).to.equal("CHANNEL_UNKNOWN");
    expect(await codeOf(leader.leave(CHANNEL, member(1).account))).to.equal("CHANNEL_NOT_MEMBER");
  });

  function member(index: number): SceneMember {
    const found = scene.members[index];
    if (found === undefined) throw new Error(`no member ${index}`);
    return found;
  }
});

function serviceOf(scene: ChannelScene, index: number): ChannelService {
  const member = scene.members[index];
  if (member === undefined) throw new Error(`no member ${index}`);
  return createChannelService({ nodes: new Map([[CHANNEL, member.node]]), hub: scene.hub.as(member.account) });
}

function listen(
  service: ChannelService,
  signal: AbortSignal,
): { readonly updates: ChannelUpdate[]; readonly done: Promise<void> } {
  const updates: ChannelUpdate[] = [];
  const run = async (): Promise<void> => {
    for await (const update of service.subscribe(CHANNEL, { signal })) updates.push(update);
  };
  return { updates, done: run().catch(() => undefined) };
}

function heightsOf(updates: readonly ChannelUpdate[]): number[] {
  return updates.flatMap((update) => (update.type === "record" ? [update.record.height] : []));
}

async function settled<T>(work: Promise<T>): Promise<T | undefined> {
  return await work.catch(() => undefined);
}
