import { expect } from "chai";
import { id, ZeroAddress, ZeroHash, type TransactionResponse, type Wallet } from "ethers";
import { network } from "hardhat";

import { accusationOf } from "../../../src/adapters/chain/channels/accusation.ts";
import type { Evidence } from "../../../src/ports/channel-court.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import type { ChannelWatch } from "../../../typechain-types/index.ts";
import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { tell, type Told } from "../helpers/channel-states.ts";
import {
  channelOf,
  deployHub,
  FINE,
  hashOfSettlement,
  type Hub,
  type Made,
  type Peer,
  peerAt,
  propose,
  STAKE,
  votesOf,
} from "../helpers/channels.ts";
import { createCourtScene, openAt, SALT, userOf } from "../helpers/court.ts";

const { ethers, networkHelpers } = await network.create();

const WINDOW = 3_600n;
const FUND = 10n ** 18n;
const LATE_MS = 601_000n;
/** The hub leaves an app what it needs, and an estimate does not. */
const GAS = { gasLimit: 2_000_000n };

interface WatchedHub extends Hub {
  watch: ChannelWatch;
  watcher: Wallet;
}
const fixture = async (): Promise<WatchedHub> => {
  const hub = await deployHub(ethers, 5);
  const watch = await ethers.deployContract("ChannelWatch", [hub.hub]);
  return { ...hub, watch, watcher: peerAt(hub, 4).account };
};
const load = async (): Promise<WatchedHub> => await networkHelpers.loadFixture(fixture);

/** Members with a window, and a fund. */
async function sceneOf(members: number): Promise<Made & WatchedHub> {
  const base = await load();
  const made = await channelOf(base, members, { windowSeconds: WINDOW, stakeWei: STAKE, fineWei: FINE });
  await base.watch.fund(made.channel, { value: FUND });
  return { ...base, ...made };
}

async function pass(scene: Made, by: readonly Peer[], told: Told): Promise<bigint> {
  await scene.hub.settle(told.settlement, [], await votesOf(scene, by, hashOfSettlement(told.settlement)));
  return await scene.hub.proposalCount(scene.channel);
}

async function costOf(sent: Promise<TransactionResponse> | TransactionResponse): Promise<bigint> {
  const receipt = await (await sent).wait();
  const block = await ethers.provider.getBlock(receipt?.blockNumber ?? 0);
  return (receipt?.gasUsed ?? 0n) * (block?.baseFeePerGas ?? 0n);
}

async function entryOf({ hub, channel }: Made, index: bigint) {
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, index));
  if (event === undefined) throw new Error("no entry");
  const { kind, account, timeMs, data } = event.args;
  return { index, kind, account, timeMs, data };
}

describe("ChannelWatch", () => {
  it("should pay who undoes a false settlement its gas and a bit more, once", async () => {
    const scene = await sceneOf(4);
    const { hub, channel, watch, watcher, peers } = scene;
    const told = await tell(scene, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
    const proposal = await pass(scene, peers.slice(0, 3), told);
    const proof = hub.interface.encodeFunctionData("proveHead", [channel, proposal, told.headerStruct, []]);
    const costWei = await costOf(watch.connect(watcher).prove(channel, proposal, proof, GAS));
    const paidWei = await watch.creditOf(watcher);
    expect(paidWei).to.be.greaterThan(costWei);
    expect(paidWei).to.be.lessThan((costWei * 3n) / 2n);
    expect(await watch.fundOf(channel)).to.equal(FUND - paidWei);
    await expect(watch.connect(watcher).prove(channel, proposal, proof))
      .to.be.revertedWithCustomError(watch, "ChannelWatch_NotInFlight")
      .withArgs(channel, proposal);
    await expect(watch.connect(watcher).withdraw(ZeroAddress)).to.changeEtherBalance(ethers, watcher, 0n);
    expect(await watch.creditOf(watcher)).to.equal(0n);
    await expect(watch.connect(watcher).withdraw(watcher)).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NothingLeft",
    );
  });

  it("should be no income for who passes the false settlements itself, where nobody is fined for them", async () => {
    const scene = await sceneOf(4);
    const { hub, channel, watch, watcher, peers } = scene;
    await hub.connect(peerAt(scene, 0).account).requestExit(channel);
    const index = (await hub.channelOf(channel)).inboxLength;
    const entry = await entryOf(scene, index);
    await networkHelpers.time.increase(LATE_MS / 1_000n + 10n);
    const timeMs = entry.timeMs + LATE_MS;
    const told = await tell(scene, new StateTreeModel(), [], { timeMs, inboxCursor: index - 1n });
    const votes = await votesOf(scene, peers.slice(0, 3), hashOfSettlement(told.settlement));
    const passing = hub.settle(told.settlement, [], votes);
    let spentWei = await costOf(passing);
    const proposal = await hub.proposalCount(channel);
    const proof = hub.interface.encodeFunctionData("proveSkipped", [channel, proposal, entry]);
    spentWei += await costOf(watch.connect(watcher).prove(channel, proposal, proof, GAS));
    expect(await watch.creditOf(watcher)).to.be.greaterThan(0n);
    expect(await watch.creditOf(watcher)).to.be.lessThan(spentWei);
  });

  it("should pay for nothing that has not passed, nor for what is no proof or shows nothing", async () => {
    const scene = await sceneOf(4);
    const { hub, court, channel, watch, watcher, peers } = scene;
    const told = await tell(scene, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
    const asWatcher = watch.connect(watcher);
    const open = await propose(scene, peerAt(scene, 0), told.settlement);
    const proofOf = (proposal: bigint): string =>
      hub.interface.encodeFunctionData("proveHead", [channel, proposal, told.headerStruct, []]);
    await expect(asWatcher.prove(channel, open, proofOf(open))).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NotInFlight",
    );
    const right = await tell(scene, new StateTreeModel(), []);
    const proposal = await pass(scene, peers.slice(0, 3), right);
    const none = hub.interface.encodeFunctionData("proveHead", [channel, proposal, right.headerStruct, []]);
    await expect(asWatcher.prove(channel, proposal, none)).to.be.revertedWithCustomError(hub, "ChannelHub_NoFault");
    // What does something else goes to the court, which knows nothing of it.
    const another = hub.interface.encodeFunctionData("executeProposal", [channel, proposal, []]);
    await expect(asWatcher.prove(channel, proposal, another)).to.be.revert(ethers);
    const commit = court.interface.encodeFunctionData("commit", [ZeroHash]);
    await expect(asWatcher.prove(channel, proposal, commit)).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NoEffect",
    );
    await expect(asWatcher.end(channel, commit)).to.be.revertedWithCustomError(watch, "ChannelWatch_NoProof");
    await expect(asWatcher.convict(channel, peerAt(scene, 0).account, commit)).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NoEffect",
    );
    expect(await watch.fundOf(channel)).to.equal(FUND);
  });

  it("should pay for the conviction that bans a member, and not for another one of it", async () => {
    const base = await load();
    const { watch, watcher, hub, court } = base;
    const scene = await createCourtScene(base, 3, { fineWei: FINE });
    const { channel } = scene;
    await watch.fund(channel, { value: FUND });
    await scene.play(RECORD_KINDS.call, scene.callInput(userOf(1), "transfer", [userOf(2).address, 1n]));
    await scene.play(RECORD_KINDS.term, undefined, { term: 2 });
    const proofAt = async (height: number): Promise<string> => {
      const record = openAt(scene, height);
      const other = openAt(scene, height, { gasUsed: 1 });
      const evidence: Evidence = { fault: "equivocation", record, other };
      const asAnybody = await ethers.getContractAt("IChannelCourt", await court.getAddress());
      return (await accusationOf(asAnybody, evidence, `0x${Buffer.from(SALT).toString("hex")}`)).data;
    };
    const liar = peerAt(scene, 0).account;
    const costWei = await costOf(watch.connect(watcher).convict(channel, liar, await proofAt(1), GAS));
    expect(await watch.creditOf(watcher)).to.be.greaterThan(costWei);
    expect((await hub.memberOf(channel, liar)).stakeWei).to.equal(STAKE - FINE);
    await expect(watch.connect(watcher).convict(channel, liar, await proofAt(2))).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NoEffect",
    );
  });

  it("should pay who freezes a channel and who closes it, and give what is left back by shares", async () => {
    const scene = await sceneOf(2);
    const { hub, channel, watch, watcher, stranger, owner } = scene;
    await watch.connect(stranger).fund(channel, { value: 3n * FUND });
    await hub.connect(peerAt(scene, 0).account).requestExit(channel);
    const entry = await entryOf(scene, (await hub.memberOf(channel, peerAt(scene, 0).account)).leftAt);
    await networkHelpers.time.increase(2n * WINDOW + 601n);
    const asWatcher = watch.connect(watcher);
    await asWatcher.end(channel, hub.interface.encodeFunctionData("freeze", [channel, entry]), GAS);
    await networkHelpers.time.increase(WINDOW);
    await expect(watch.takeBack(channel, stranger)).to.be.revertedWithCustomError(watch, "ChannelWatch_NotClosed");
    await asWatcher.end(channel, hub.interface.encodeFunctionData("conclude", [channel]), GAS);
    const leftWei = await watch.fundOf(channel);
    expect(leftWei).to.equal(4n * FUND - (await watch.creditOf(watcher)));
    await expect(watch.takeBack(channel, stranger)).to.changeEtherBalance(ethers, stranger, (leftWei * 3n) / 4n);
    await watch.takeBack(channel, owner);
    expect(await watch.fundOf(channel)).to.equal(0n);
    await expect(watch.takeBack(channel, stranger)).to.be.revertedWithCustomError(watch, "ChannelWatch_NothingLeft");
  });

  it("should name whom members appoint, one each, and take the word of nobody else", async () => {
    const scene = await sceneOf(2);
    const { channel, watch, watcher, stranger } = scene;
    const [first, second] = [peerAt(scene, 0).account, peerAt(scene, 1).account];
    await expect(watch.connect(watcher).appoint(channel, watcher)).to.be.revertedWithCustomError(
      watch,
      "ChannelWatch_NotMember",
    );
    await watch.connect(second).appoint(channel, stranger);
    expect(await watch.watchersOf(channel)).to.deep.equal([stranger.address]);
    await watch.connect(first).appoint(channel, watcher);
    expect([...(await watch.watchersOf(channel))]).to.have.members([watcher.address, stranger.address]);
    await watch.connect(second).appoint(channel, ZeroAddress);
    expect(await watch.watchersOf(channel)).to.deep.equal([watcher.address]);
    await expect(watch.fund(channel + 9n, { value: 1n })).to.be.revert(ethers);
  });
});
