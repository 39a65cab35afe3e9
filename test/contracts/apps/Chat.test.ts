import { expect } from "chai";
import { AbiCoder, encodeBytes32String, id, keccak256, zeroPadValue, ZeroHash } from "ethers";
import { network } from "hardhat";

import type { Chat } from "../../../typechain-types/index.ts";
import {
  type AppMember,
  consentTo,
  deployHubScene,
  type HubScene,
  memberOf,
  openAppChannel,
} from "../helpers/app-channel.ts";

const { ethers, networkHelpers } = await network.create();
const coder = AbiCoder.defaultAbiCoder();

const GROUP = 5n;
const RING = 64n;
const MAX_TEXT = 512;

interface Line {
  readonly author: string;
  readonly timeMs: bigint;
  readonly text: string;
}

async function fixture() {
  const scene = await deployHubScene(ethers, "ChatProgram");
  const chat = await ethers.deployContract("Chat", [scene.hub, scene.program]);
  return { scene, chat };
}

async function begin() {
  const { scene, chat } = await networkHelpers.loadFixture(fixture);
  const [server, ...others] = await ethers.getSigners();
  const [alice, bob, carol] = others.map(memberOf);
  if (server === undefined || alice === undefined || bob === undefined || carol === undefined) {
    throw new Error("the network has too few accounts");
  }
  return { scene, chat, server, alice, bob, carol };
}

async function join(scene: HubScene, chat: Chat, channel: bigint, member: AppMember): Promise<void> {
  const { consent, signature } = await consentTo(scene, await chat.getAddress(), channel, member);
  await chat.connect(member.account).join(channel, consent, signature);
}

/** As ChatProgram says it. */
function chainOf(lines: readonly Line[], before = ZeroHash, from = 0n): string {
  return lines.reduce((chain, { author, timeMs, text }, index) => {
    const values = [chain, from + BigInt(index) + 1n, author, timeMs, id(text)];
    return keccak256(coder.encode(["bytes32", "uint256", "address", "uint64", "bytes32"], values));
  }, before);
}

describe("Chat", () => {
  it("should live from the first line to the end, and go on in the next channel", async function () {
    this.timeout(120_000);
    const { scene, chat, server, alice, bob } = await begin();
    await chat.connect(server).open(GROUP, "Gardeners");
    const channel = await chat.channelOf(server, GROUP);
    expect(await scene.hub.getLabel(channel, await chat.SERVER_LABEL())).to.equal(zeroPadValue(server.address, 32));
    expect(await chat.SERVER_LABEL()).to.equal(encodeBytes32String("server_address"));
    await join(scene, chat, channel, alice);
    await join(scene, chat, channel, bob);
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();

    const said: Line[] = [];
    const say = async (member: AppMember, text: string): Promise<void> => {
      const execution = await members.call(member, "say", [text]);
      expect(execution.status, text).to.equal(1);
      said.push({ author: member.account.address, timeMs: await lastTime(), text });
    };
    const store = await ethers.getContractAt("ChatProgram", (await scene.hub.channelOf(channel)).store);
    const lastTime = async (): Promise<bigint> => {
      const number = (await members.play.view("lineCount"))[0];
      const [line] = (await members.play.view("lineAt", [number])) as [Line];
      return line.timeMs;
    };
    await say(alice, "hello");
    await say(bob, "ü".repeat(MAX_TEXT / 2));
    await members.settle([alice, bob]);
    expect(await store.title()).to.equal("Gardeners");
    expect((await store.lines()).map(({ text }) => text)).to.deep.equal(said.map(({ text }) => text));

    for (let i = 0; i < 70; i++) await say(i % 3 === 0 ? bob : alice, `line ${i} ${"x".repeat(i)}`);
    await chat.connect(bob.account).quit(channel);
    await members.takeInbox();
    expect((await members.call(bob, "say", ["still here?"])).status).to.equal(0);
    await say(alice, "alone");
    await members.settle([alice, bob]);
    expect([...(await scene.hub.membersOf(channel))]).to.deep.equal([alice.account.address]);

    // What the chain shows is what the members played.
    const lines = await store.lines();
    expect(lines.map(({ author, timeMs, text }) => ({ author, timeMs, text }))).to.deep.equal(
      said.slice(-Number(RING)),
    );
    expect(await store.lineCount()).to.equal(BigInt(said.length));
    expect(await store.firstLine()).to.equal(BigInt(said.length) - RING + 1n);
    expect(await store.chain()).to.equal(chainOf(said));
    await expect(store.lineAt(1n)).to.be.revertedWithCustomError(store, "ChatProgram_NoLine");

    await expect(chat.connect(server).open(GROUP, "Gardeners"))
      .to.be.revertedWithCustomError(chat, "Chat_Open")
      .withArgs(server.address, GROUP, channel);
    await expect(chat.connect(alice.account).close(channel))
      .to.be.revertedWithCustomError(chat, "Chat_NotServer")
      .withArgs(server.address, alice.account.address);
    await chat.connect(server).close(channel);
    await members.takeInbox();
    await members.settle([alice]);
    expect((await scene.hub.channelOf(channel)).closed).to.equal(true);

    await chat.connect(server).open(GROUP, "Gardeners, again");
    const next = await chat.channelOf(server, GROUP);
    await join(scene, chat, next, bob);
    const again = await openAppChannel(scene, next);
    await again.takeInbox();
    expect((await again.call(bob, "say", ["back"])).status).to.equal(1);
    const number = BigInt(said.length) + 1n;
    const [first] = (await again.play.view("lineAt", [number])) as [Line];
    const back = [{ author: bob.account.address, timeMs: first.timeMs, text: "back" }];
    expect(await again.play.view("chain")).to.deep.equal([chainOf(back, chainOf(said), BigInt(said.length))]);
    expect(await again.play.view("firstLine")).to.deep.equal([number]);
    expect(((await again.play.view("lines"))[0] as Line[]).length).to.equal(1);
  });

  it("should let members alone speak, in lines that have a length", async () => {
    const { scene, chat, server, alice, carol } = await begin();
    await chat.connect(server).open(GROUP, "");
    const channel = await chat.channelOf(server, GROUP);
    await join(scene, chat, channel, alice);
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    for (const [member, text] of [
      [carol, "hello"],
      [alice, ""],
      [alice, "x".repeat(MAX_TEXT + 1)],
    ] as const) {
      expect((await members.call(member, "say", [text])).status, text).to.equal(0);
    }
    expect((await members.call(carol, "goAway")).status).to.equal(0);
    expect((await members.call(alice, "goAway")).status).to.equal(1);
    expect(await members.play.view("isLeaveRequested", [alice.account.address])).to.deep.equal([true]);
    expect(await members.play.view("firstLine")).to.deep.equal([1n]);
    expect(await members.play.view("lines")).to.deep.equal([[]]);
  });

  it("should be another talk for each server and group", async () => {
    const { chat, server, carol } = await begin();
    for (const [account, group] of [
      [server, GROUP],
      [server, GROUP + 1n],
      [carol.account, GROUP],
    ] as const) {
      await chat.connect(account).open(group, "");
    }
    const channels = [
      await chat.channelOf(server, GROUP),
      await chat.channelOf(server, GROUP + 1n),
      await chat.channelOf(carol.account, GROUP),
      await chat.channelOf(carol.account, GROUP + 1n),
    ];
    expect(channels).to.deep.equal([1n, 2n, 3n, 0n]);
  });
});
