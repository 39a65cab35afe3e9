import { expect } from "chai";
import { AbiCoder, zeroPadValue } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import type { DocumentEditor } from "../../../typechain-types/index.ts";
import {
  type AppMember,
  consentTo,
  deployHubScene,
  type HubScene,
  memberOf,
  openAppChannel,
} from "../helpers/app-channel.ts";
import { DocumentModel } from "../../helpers/document-model.ts";
import { compiledProgram, openTestChannel, type TestChannel } from "../../helpers/program-sandbox.ts";

const { ethers, networkHelpers } = await network.create();
const coder = AbiCoder.defaultAbiCoder();

const FILE = 9n;
const STAKE = ethers.parseEther("1");
const MAX_CHARACTERS = 64;
const EDITORS = ["a1", "b2", "c3"].map((byte) => ethers.getAddress(`0x${byte.repeat(20)}`));
const [ALICE = "", BOB = ""] = EDITORS;

async function fixture() {
  const scene = await deployHubScene(ethers, "DocumentProgram");
  const editor = await ethers.deployContract("DocumentEditor", [scene.hub, scene.program]);
  return { scene, editor };
}

async function begin() {
  const { scene, editor } = await networkHelpers.loadFixture(fixture);
  const [drive, ...others] = await ethers.getSigners();
  const [alice, bob] = others.map(memberOf);
  if (drive === undefined || alice === undefined || bob === undefined) throw new Error("too few accounts");
  return { scene, editor, drive, alice, bob };
}

async function join(scene: HubScene, editor: DocumentEditor, channel: bigint, member: AppMember, value = STAKE) {
  const { consent, signature } = await consentTo(scene, await editor.getAddress(), channel, member);
  return await editor.connect(member.account).join(channel, consent, signature, { value });
}

/** A document with everybody in it, without a chain. */
async function openDocument(text = ""): Promise<TestChannel> {
  const channel = await openTestChannel(await compiledProgram("DocumentProgram"));
  const state = ethers.getBytes(coder.encode(["string", "string"], ["Title", text]));
  await channel.play({ kind: "initialize", state });
  for (const member of EDITORS) await channel.play({ kind: "inbox", effect: { type: "join", member, assets: [] } });
  return channel;
}

async function contentOf(channel: TestChannel): Promise<unknown> {
  return (await channel.view("content"))[0];
}

/** Writes; resolves with the first character's id. */
async function insert(channel: TestChannel, sender: string, afterId: bigint, text: string): Promise<bigint> {
  const { status, returnData } = await channel.call(sender, "insert", [afterId, text], 2_000_000n);
  expect(status, text).to.equal(1);
  return BigInt(ethers.hexlify(returnData));
}

describe("DocumentEditor", () => {
  it("should live from the first character to the end, and give stakes back", async () => {
    const { scene, editor, drive, alice, bob } = await begin();
    await editor.connect(drive).open(FILE, "Plan", "Begin: ");
    const channel = await editor.channelOf(drive, FILE);
    expect(await scene.hub.getLabel(channel, await editor.DRIVE_LABEL())).to.equal(zeroPadValue(drive.address, 32));
    await expect(join(scene, editor, channel, alice, 0n)).to.be.revertedWithCustomError(
      scene.hub,
      "ChannelHub_WrongValue",
    );
    await join(scene, editor, channel, alice);
    await join(scene, editor, channel, bob);
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    // Behind the last of the seven characters of record 0.
    expect((await members.call(alice, "insert", [7n, "water"])).status).to.equal(1);
    expect((await members.call(bob, "insert", [7n, "air, "])).status).to.equal(1);
    await members.settle([alice, bob]);
    const store = await ethers.getContractAt("DocumentProgram", (await scene.hub.channelOf(channel)).store);
    expect(await store.title()).to.equal("Plan");
    expect(await store.content()).to.equal("Begin: air, water");
    expect(await store.length()).to.equal(17n);

    await editor.connect(alice.account).quit(channel);
    await members.takeInbox();
    expect((await members.call(alice, "insert", [0n, "x"])).status).to.equal(0);
    expect((await members.call(bob, "remove", [[1n, 2n]])).status).to.equal(1);
    await members.settle([alice, bob]);
    expect(await store.content()).to.equal("gin: air, water");
    const withdrawn = scene.hub.connect(alice.account).withdrawStake(channel, alice.account.address);
    await expect(withdrawn).to.changeEtherBalance(ethers, alice.account, STAKE);

    await expect(editor.connect(drive).open(FILE, "", ""))
      .to.be.revertedWithCustomError(editor, "DocumentEditor_AlreadyOpen")
      .withArgs(drive.address, FILE, channel);
    await expect(editor.connect(bob.account).close(channel))
      .to.be.revertedWithCustomError(editor, "DocumentEditor_NotDrive")
      .withArgs(drive.address, bob.account.address);
    await editor.connect(drive).close(channel);
    await members.takeInbox();
    await members.settle([bob]);
    expect(await store.content()).to.equal(await contentOf(members.play));
    await editor.connect(drive).open(FILE, "Next", "");
    expect(await editor.channelOf(drive, FILE)).to.equal(channel + 1n);
    // The old text stays.
    expect(await store.content()).to.equal("gin: air, water");
  });
});

describe("DocumentProgram", () => {
  it("should keep what two write at one place, each whole", async () => {
    const channel = await openDocument("[]");
    const first = await insert(channel, ALICE, 1n, "good");
    const second = await insert(channel, BOB, 1n, "day");
    expect(await contentOf(channel)).to.equal("[daygood]");
    // Both go on behind what they wrote.
    await insert(channel, ALICE, first + 3n, "bye");
    await insert(channel, BOB, second + 2n, "s");
    expect(await contentOf(channel)).to.equal("[daysgoodbye]");
    // Behind a character that another removed meanwhile.
    await channel.call(BOB, "remove", [[first, first + 1n, first + 2n, first + 3n]]);
    await insert(channel, ALICE, first + 1n, "-");
    expect(await contentOf(channel)).to.equal("[days-bye]");
  });

  it("should be what a list of characters is, whoever writes behind whatever it knew", async () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 6 }).filter((value) => value.isWellFormed());
    const edit = fc.record({
      editor: fc.constantFrom(...EDITORS),
      text,
      /** How many records ago the editor looked. */
      behind: fc.nat({ max: 5 }),
      places: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      isRemoval: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 5, maxLength: 25 }), async (edits) => {
        const channel = await openDocument();
        const model = new DocumentModel();
        const seen: bigint[][] = [[0n]];
        for (const { editor, text: added, behind, places, isRemoval } of edits) {
          const known = seen.at(-1 - behind) ?? [0n];
          const chosen = places.map((place) => known[place % known.length] ?? 0n);
          const removed = chosen.filter((one) => one !== 0n);
          if (isRemoval && removed.length > 0) {
            expect((await channel.call(editor, "remove", [removed])).status).to.equal(1);
            model.remove(removed);
          } else {
            const [after = 0n] = chosen;
            await insert(channel, editor, after, added);
            model.insert(BigInt(channel.sandbox.height), after, added);
          }
          seen.push([0n, ...model.ids()]);
        }
        expect(await contentOf(channel)).to.equal(model.text());
        expect(await channel.view("length")).to.deep.equal([BigInt(Array.from(model.text()).length)]);
        const [page] = (await channel.view("charactersFrom", [0n, 1_000n])) as [{ id: bigint; isRemoved: boolean }[]];
        expect(page.map((one) => one.id)).to.deep.equal(model.ids());
        expect(page.map((one) => one.isRemoved)).to.deep.equal(model.characters.map((one) => one.isRemoved));
      }),
      { numRuns: 20 },
    );
  });

  it("should take 64 characters of any size at once, within the limits of a call", async () => {
    const channel = await openDocument();
    const text = "😀".repeat(MAX_CHARACTERS);
    const first = await insert(channel, ALICE, 0n, text);
    const ids = Array.from({ length: MAX_CHARACTERS }, (_, index) => first + BigInt(index));
    expect(await contentOf(channel)).to.equal(text);
    expect((await channel.call(BOB, "remove", [ids], 2_000_000n)).status).to.equal(1);
    expect(await contentOf(channel)).to.equal("");
    // Twice is once.
    expect((await channel.call(ALICE, "remove", [ids], 2_000_000n)).status).to.equal(1);
    expect(await channel.view("length")).to.deep.equal([0n]);
    expect(await channel.view("written")).to.deep.equal([BigInt(MAX_CHARACTERS)]);
    const [page] = (await channel.view("charactersFrom", [first, 2n])) as [{ id: bigint }[]];
    expect(page.map(({ id }) => id)).to.deep.equal([first + 1n, first + 2n]);
  });

  it("should refuse what is no edit", async () => {
    const channel = await openDocument("ab");
    const refused: [string, unknown[]][] = [
      ["insert", [0n, ""]],
      ["insert", [0n, "x".repeat(MAX_CHARACTERS + 1)]],
      // No such characters.
      ["insert", [3n, "x"]],
      ["remove", [[1n, 3n]]],
      ["remove", [[0n]]],
      ["remove", [[]]],
      ["remove", [Array.from({ length: MAX_CHARACTERS + 1 }, () => 1n)]],
    ];
    for (const [name, args] of refused) {
      expect((await channel.call(ALICE, name, args, 2_000_000n)).status, name).to.equal(0);
    }
    const stranger = ethers.getAddress(`0x${"d4".repeat(20)}`);
    expect((await channel.call(stranger, "insert", [0n, "x"])).status).to.equal(0);
    expect((await channel.call(stranger, "remove", [[1n]])).status).to.equal(0);
    expect(await contentOf(channel)).to.equal("ab");
  });

  it("should refuse bytes that are not UTF-8", async () => {
    const channel = await openDocument();
    const { abi } = await compiledProgram("DocumentProgram");
    const strings = ["80", "c0af", "c328", "e0809f", "eda080", "f0808080", "f4908080", "f8888080", "e282", "61ff"];
    for (const hex of strings) {
      const selector = abi.getFunction("insert")?.selector ?? "";
      const data = ethers.concat([selector, coder.encode(["uint64", "bytes"], [0n, `0x${hex}`])]);
      const nonce = channel.sandbox.nonceOf(ALICE);
      const call = { sender: ALICE, nonce, data: ethers.getBytes(data), gasLimit: 1_000_000n };
      const { status, returnData } = await channel.play({ kind: "call", call });
      expect(status, hex).to.equal(0);
      expect(abi.parseError(returnData)?.name, hex).to.equal("Utf8_Invalid");
    }
  });
});
