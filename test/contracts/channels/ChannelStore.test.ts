import { expect } from "chai";
import { concat, id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { type Change, contextBytes, ProgramRun, SYSTEM } from "../helpers/programs.ts";

const { ethers, networkHelpers } = await network.create();

const CHANNEL = 7n;
const HEAD = {
  height: 42n,
  timeMs: 1_700_000_000_123n,
  inboxCursor: 3n,
  locked: false,
  recordHash: id("head"),
  stateRoot: id("root"),
};

async function fixture() {
  const hub = await ethers.deployContract("StoreHub");
  const program = await ethers.deployContract("FeatureProgram");
  await hub.make(program, CHANNEL);
  const [made] = await hub.queryFilter(hub.filters.Made());
  if (made === undefined) throw new Error("no store was made");
  await hub.setHead(CHANNEL, HEAD);
  const store = await ethers.getContractAt("FeatureProgram", made.args.store);
  const run = new ProgramRun(ethers, program);
  const [, alice] = await ethers.getSigners();
  if (alice === undefined) throw new Error("the network has too few accounts");
  return { hub, program, store, run, alice, storeAddress: made.args.store };
}

type Scene = Awaited<ReturnType<typeof fixture>>;

/** Runs calls in the program and writes what they changed into the store. */
async function settle({ hub, run, storeAddress }: Scene, work: () => Promise<{ hash: string }[]>): Promise<Change[]> {
  const changes: Change[] = [];
  for (const { hash } of await work()) {
    const made = await run.changesOf(hash);
    await hub.write(storeAddress, made);
    changes.push(...made);
  }
  return changes;
}

describe("ChannelStore", () => {
  it("should answer as the program does: packed slots, strings, structs, mappings, arrays", async () => {
    const scene = await networkHelpers.loadFixture(fixture);
    const { program, store, run, alice, hub, storeAddress } = scene;
    const key = id("key");
    const assets = [{ kind: 0n, token: ZeroAddress, id: 0n, amount: 5n }];
    const changes = await settle(scene, async () => [
      await run.call(alice.address, "setPacked", [2n ** 64n - 1n, true, alice.address]),
      await run.call(alice.address, "setProfile", ["x".repeat(100), 3n, 9n, Array.from({ length: 70 }, (_, i) => i)]),
      await run.call(alice.address, "setProfile", ["short", 4n, 10n, [1n, 2n, 3n]]),
      await run.call(alice.address, "setBlob", [key, 1n, `0x${"ab".repeat(200)}`]),
      await run.system("channelJoin", [alice.address, assets, true]),
    ]);
    expect(changes.length).to.be.at.least(20);
    for (const name of ["first", "second", "third", "lastHook", "lastMember", "lastAssets"] as const) {
      expect(await store[name](), name).to.deep.equal(await program[name]());
    }
    const profile = await store.profileOf(alice);
    expect(profile).to.deep.equal(await program.profileOf(alice));
    expect(profile.name).to.equal("short");
    expect(profile.marks).to.deep.equal([1n, 2n, 3n]);
    expect(await store.blobOf(key, 1n)).to.equal(`0x${"ab".repeat(200)}`);
    expect(await store.assetsOf(alice)).to.deep.equal(await program.assetsOf(alice));
    for (const { slot } of changes) {
      expect(await ethers.provider.getStorage(storeAddress, slot)).to.equal(
        await ethers.provider.getStorage(program, slot),
      );
    }
    await hub.writeOne(storeAddress, ZeroHash, ZeroHash);
    expect(await store.first()).to.equal(0n);
  });

  it("should run views with nobody as the sender, at the settled head", async () => {
    const { store } = await networkHelpers.loadFixture(fixture);
    const context = await store.context();
    expect([...context]).to.deep.equal([ZeroAddress, HEAD.timeMs, HEAD.height, HEAD.recordHash]);
  });

  it("should let no stranger write, whatever context it brings", async () => {
    const scene = await networkHelpers.loadFixture(fixture);
    const { store, hub, run, alice, storeAddress } = scene;
    await settle(scene, async () => [await run.call(alice.address, "setPacked", [5n, true, alice.address])]);
    const before = await ethers.provider.getStorage(storeAddress, ZeroHash);
    const write = store.interface.encodeFunctionData("setPacked", [6n, false, alice.address]);
    const asSystem = contextBytes({ sender: SYSTEM, timeMs: 1n, height: 1n, randomness: ZeroHash });
    const asHub = concat([ZeroHash, ZeroHash, id("new")]);
    for (const data of [write, concat([write, asSystem]), asHub, "0x"]) {
      await expect(alice.sendTransaction({ to: storeAddress, data, gasLimit: 500_000n })).to.be.revert(ethers);
    }
    const initialize = concat([store.interface.encodeFunctionData("initialize", ["0x"]), asSystem]);
    await expect(alice.call({ to: storeAddress, data: initialize }))
      .to.be.revertedWithCustomError(store, "ChannelProgram_NotSystem")
      .withArgs(ZeroAddress);
    expect(await ethers.provider.getStorage(storeAddress, ZeroHash)).to.equal(before);
    // Nor through what the stores are clones of, nor as another hub.
    const other = await ethers.deployContract("StoreHub");
    await expect(other.writeOne(storeAddress, ZeroHash, id("new"))).to.be.revert(ethers);
    const original = await ethers.getContractAt("ChannelStore", await hub.ORIGINAL());
    await expect(alice.sendTransaction({ to: original, data: asHub, gasLimit: 500_000n })).to.be.revert(ethers);
    await expect(alice.call({ to: original, data: asHub })).to.be.revertedWithCustomError(
      original,
      "ChannelStore_NotAClone",
    );
  });

  it("should not take a call by its hub for changes", async () => {
    const { hub, store, alice, storeAddress } = await networkHelpers.loadFixture(fixture);
    const errors = await ethers.getContractAt("ChannelStore", storeAddress);
    const data = store.interface.encodeFunctionData("setPacked", [6n, false, alice.address]);
    await expect(hub.act(storeAddress, data))
      .to.be.revertedWithCustomError(errors, "ChannelStore_NotChanges")
      .withArgs(100n);
    expect(await ethers.provider.getStorage(storeAddress, ZeroHash)).to.equal(ZeroHash);
  });

  it("should be another one for each channel", async () => {
    const { hub, program, store, storeAddress } = await networkHelpers.loadFixture(fixture);
    await hub.make(program, CHANNEL + 1n);
    const made = await hub.queryFilter(hub.filters.Made());
    const other = await ethers.getContractAt("FeatureProgram", made.at(-1)?.args.store ?? ZeroAddress);
    await hub.setHead(CHANNEL + 1n, { ...HEAD, height: 1n });
    await hub.writeOne(storeAddress, ZeroHash, id("new"));
    expect(await other.first()).to.equal(0n);
    expect(await store.first()).not.to.equal(0n);
    expect((await other.context()).height).to.equal(1n);
    expect((await store.context()).height).to.equal(HEAD.height);
  });

  it("should refuse to be read while changes are being applied by parts", async () => {
    const { hub, store, storeAddress } = await networkHelpers.loadFixture(fixture);
    await hub.setHead(CHANNEL, { ...HEAD, locked: true });
    const errors = await ethers.getContractAt("ChannelStore", storeAddress);
    await expect(store.first()).to.be.revertedWithCustomError(errors, "ChannelStore_Locked").withArgs(CHANNEL);
    await hub.writeOne(storeAddress, ZeroHash, id("new"));
    await hub.setHead(CHANNEL, HEAD);
    expect(await store.first()).not.to.equal(0n);
  });

  it("should say why a view fails, and take no ether", async () => {
    const { store, alice, storeAddress } = await networkHelpers.loadFixture(fixture);
    await expect(alice.sendTransaction({ to: storeAddress, value: 1n })).to.be.revert(ethers);
    // The program knows no such function.
    await expect(alice.call({ to: storeAddress, data: "0x12345678" })).to.be.revert(ethers);
    await expect(store.credit(alice, ZeroHash, 1n, { gasLimit: 500_000n })).to.be.revert(ethers);
  });
});
