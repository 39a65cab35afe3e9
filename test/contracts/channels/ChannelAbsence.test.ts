import { expect } from "chai";
import { hexlify, type Wallet } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { headerStruct, openingStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { keccak256 } from "../../../src/utils/keccak.ts";
import { signAck } from "../../../src/wire/channel/batch.ts";
import { signLeaderChange } from "../../../src/wire/channel/leader-change.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { deployHub, type HubConfig, Inbox, join, peerAt, settle } from "../helpers/channels.ts";
import { type CourtScene, createCourtScene, openAt, recordAt, signHeaders, userOf } from "../helpers/court.ts";

const { ethers, networkHelpers } = await network.create();

const W = 60n;
const [ALICE, BOB] = [userOf(1), userOf(2)];
const GWEI = 10n ** 9n;
/** Of the records that `played` makes: the last is a call. */
const LAST = 5;

const made = async (members: number, config: Partial<HubConfig> = {}): Promise<CourtScene> => {
  const scene = await createCourtScene(await deployHub(ethers, 6), members, { answerSeconds: W, ...config });
  await scene.takeInbox();
  while (scene.player.head.header.height < LAST) await transfer(scene);
  return scene;
};
async function transfer(scene: CourtScene, term = 1): Promise<void> {
  const nonce = scene.sandbox.nonceOf(ALICE.address);
  await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 1n], { nonce }), { term });
}
const two = async (): Promise<CourtScene> => await made(2);
const three = async (): Promise<CourtScene> => await made(3);
const four = async (): Promise<CourtScene> => await made(4);
/** The chain and the records as they were made. */
const load = async (make: () => Promise<CourtScene>): Promise<CourtScene> => {
  const scene = await networkHelpers.loadFixture(make);
  await scene.player.revertTo(LAST);
  scene.records.splice(LAST + 1);
  scene.proofs.splice(LAST + 1);
  return scene;
};

const accountOf = (scene: CourtScene, index: number): Wallet => peerAt(scene, index).account;
const as = (scene: CourtScene, index: number) => scene.absence.connect(accountOf(scene, index));
const bond = async (scene: CourtScene): Promise<bigint> => {
  const block = await ethers.provider.getBlock("latest");
  return 2n * (await scene.absence.bondOf(block?.baseFeePerGas ?? 0n));
};
const pass = async (seconds: bigint): Promise<void> => {
  await networkHelpers.time.increase(seconds);
};
const termOf = async ({ hub, channel }: CourtScene): Promise<bigint> => (await hub.channelOf(channel)).term;
const leaderOf = async ({ hub, channel }: CourtScene): Promise<string> => (await hub.channelOf(channel)).leader;
const isAbsent = async (scene: CourtScene, index: number): Promise<boolean> =>
  (await scene.hub.memberOf(scene.channel, accountOf(scene, index).address)).absent;

async function accuse(scene: CourtScene, by: number, index: number, height = LAST, change: Partial<RecordHeader> = {}) {
  const opening = openingStruct(openAt(scene, height, change));
  const value = await bond(scene);
  return await as(scene, by).accuse(scene.channel, accountOf(scene, index).address, opening, { value });
}

async function accuseLeader(scene: CourtScene, by: number, term?: bigint) {
  return await as(scene, by).accuseLeader(scene.channel, term ?? (await termOf(scene)), { value: await bond(scene) });
}

function ackOf(scene: CourtScene, index: number, height = LAST, parts: object = {}): string {
  const { header, hash: recordHash } = recordAt(scene, height);
  const ack = { channel: scene.channel, term: header.term, height, recordHash, certified: 0, ...parts };
  return hexlify(signAck(scene.domain, ack, fromHex(peerAt(scene, index).key.privateKey)));
}

async function answer(scene: CourtScene, index: number, height = LAST, parts: object = {}) {
  const member = accountOf(scene, index).address;
  const ack = ackOf(scene, index, height, parts);
  return await scene.absence.connect(scene.stranger).answerByAck(scene.channel, member, 0n, ack);
}

/** The certificate of a record by some members. */
function certificateOf(scene: CourtScene, height: number, signers: readonly number[]) {
  const acks = signers.map((index) => ({
    member: accountOf(scene, index).address,
    certified: 0n,
    signature: ackOf(scene, index, height),
  }));
  return [headerStruct(recordAt(scene, height).header), acks] as const;
}

async function makeAbsent(scene: CourtScene, by: number, index: number): Promise<void> {
  await accuse(scene, by, index);
  await pass(W + 1n);
  await scene.absence.resolve(scene.channel, accountOf(scene, index).address);
}

describe("ChannelAbsence", () => {
  describe("a member that follows", () => {
    it("should be absent without an answer, own what it owns, and count again by one ack", async () => {
      const scene = await load(three);
      const member = accountOf(scene, 2).address;
      await expect(accuse(scene, 0, 2)).to.emit(scene.absence, "Accused");
      await pass(W + 1n);
      await expect(scene.absence.connect(scene.stranger).resolve(scene.channel, member))
        .to.emit(scene.hub, "InboxAdded")
        .withArgs(scene.channel, 4n, Inbox.Presence, member, (time: bigint) => time > 0n, coded(true))
        .and.to.emit(scene.absence, "Resolved")
        .withArgs(scene.channel, member, true);
      const view = await scene.hub.memberOf(scene.channel, member);
      expect([view.absent, view.absentAt, view.gone, view.leftAt]).to.deep.equal([true, 4n, false, 0n]);
      expect((await scene.hub.channelOf(scene.channel)).presentCount).to.equal(2n);
      // The bond is the accuser's again.
      expect(await scene.absence.creditOf(accountOf(scene, 0).address)).to.equal(await bondGiven(scene));

      await scene.takeInbox();
      const header = headerStruct(recordAt(scene, LAST + 1).header);
      const ack = ackOf(scene, 2, LAST + 1);
      await expect(as(scene, 2).comeBack(scene.channel, header, 0n, ack))
        .to.emit(scene.hub, "InboxAdded")
        .withArgs(scene.channel, 5n, Inbox.Presence, member, (time: bigint) => time > 0n, coded(false));
      expect(await isAbsent(scene, 2)).to.equal(false);
      expect((await scene.hub.memberOf(scene.channel, member)).absentAt).to.equal(0n);
    });

    it("should not come back by an ack of what was before, by another one's, or for another one", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      await makeAbsent(scene, 0, 2);
      await scene.takeInbox();
      const before = headerStruct(recordAt(scene, LAST).header);
      const after = headerStruct(recordAt(scene, LAST + 1).header);
      await expect(as(scene, 2).comeBack(channel, before, 0n, ackOf(scene, 2))).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotBack",
      );
      await expect(as(scene, 2).comeBack(channel, after, 0n, ackOf(scene, 1, LAST + 1))).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_BadAnswer",
      );
      await expect(as(scene, 1).comeBack(channel, after, 0n, ackOf(scene, 1, LAST + 1))).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotBack",
      );
    });

    it("should stay with its ack of that record, which pays whoever brings it", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      await accuse(scene, 0, 2);
      const member = accountOf(scene, 2).address;
      await expect(answer(scene, 2)).to.emit(absence, "Answered");
      const paid = await absence.creditOf(scene.stranger.address);
      const back = await absence.creditOf(accountOf(scene, 0).address);
      expect(paid + back).to.equal(await bondGiven(scene));
      expect(paid).to.be.greaterThan(50_000n * GWEI);
      await pass(W + 1n);
      await expect(absence.resolve(channel, member)).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NoAccusation",
      );
      expect(await isAbsent(scene, 2)).to.equal(false);
      await expect(absence.connect(scene.stranger).withdraw()).to.changeEtherBalance(ethers, scene.stranger, paid);
    });

    it("should take no answer of another record, term or member, and none twice", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const refused = async (index: number, height: number, parts: object): Promise<void> => {
        const member = accountOf(scene, 2).address;
        await expect(
          absence.answerByAck(channel, member, 0n, ackOf(scene, index, height, parts)),
        ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadAnswer");
      };
      await accuse(scene, 0, 2);
      await refused(2, LAST - 1, {});
      await refused(2, LAST, { term: 2 });
      await refused(2, LAST, { certified: 1 });
      await refused(2, LAST, { channel: channel + 1n });
      await refused(1, LAST, {});
      await answer(scene, 2);
      await expect(answer(scene, 2)).to.be.revertedWithCustomError(absence, "ChannelAbsence_NoAccusation");
    });

    it("should answer late, as long as nobody has said that time is over", async () => {
      const scene = await load(three);
      await accuse(scene, 0, 2);
      await pass(10n * W);
      await answer(scene, 2);
      expect(await isAbsent(scene, 2)).to.equal(false);
    });

    it("should not be accused with what its leader has not signed, of another term, or final", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const value = await bond(scene);
      const member = accountOf(scene, 2).address;
      const badHead = async (opening: Parameters<typeof absence.accuse>[2]): Promise<void> => {
        await expect(as(scene, 0).accuse(channel, member, opening, { value })).to.be.revertedWithCustomError(
          absence,
          "ChannelAbsence_BadHead",
        );
      };
      await badHead(openingStruct(openAt(scene, LAST, {}, 1)));
      await badHead(openingStruct(openAt(scene, LAST, { term: 2 })));
      await badHead(openingStruct(openAt(scene, LAST, { channel: channel + 1n })));
      const { header } = recordAt(scene, LAST);
      await settle(scene, scene.peers.slice(0, 3), { toHeight: BigInt(header.height), inboxCursor: 3n });
      await badHead(openingStruct(openAt(scene, LAST - 1)));
    });

    it("should not be accused by strangers, by itself, twice at a time, again right after its answer, or for less", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const opening = openingStruct(openAt(scene, LAST));
      const member = accountOf(scene, 2).address;
      const value = await bond(scene);
      const refused = async (by: number, error: string, wei = value): Promise<void> => {
        await expect(as(scene, by).accuse(channel, member, opening, { value: wei })).to.be.revertedWithCustomError(
          absence,
          `ChannelAbsence_${error}`,
        );
      };
      await refused(4, "NotMember");
      await refused(2, "NotAccusable");
      await refused(0, "BondTooSmall", 1n);
      await expect(
        as(scene, 1).accuse(channel, accountOf(scene, 0).address, opening, { value }),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_NotAccusable");
      await accuse(scene, 0, 2);
      await refused(1, "TooEarly");
      await answer(scene, 2);
      await refused(1, "TooEarly");
      await pass(W + 1n);
      await accuse(scene, 1, 2);
    });

    it("should be given the records that it asks for, or stay, with the bond of who accuses it", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const member = accountOf(scene, 2).address;
      await accuse(scene, 0, 2);
      const { feeWei, bondWei } = await absence.accusationOf(channel, member);
      const demandBond = await absence.demandBondOf(feeWei, 2n);
      await expect(as(scene, 2).demandRecords(channel, 4n, { value: demandBond - 1n })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_BondTooSmall",
      );
      await expect(as(scene, 2).demandRecords(channel, 6n, { value: demandBond })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_BadDemand",
      );
      await as(scene, 2).demandRecords(channel, 4n, { value: demandBond });
      await expect(as(scene, 2).demandRecords(channel, 4n, { value: demandBond })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_BadDemand",
      );
      await pass(W + 1n);
      await expect(absence.resolve(channel, member)).to.emit(absence, "Resolved").withArgs(channel, member, false);
      expect(await isAbsent(scene, 2)).to.equal(false);
      expect(await absence.creditOf(member)).to.equal(bondWei + demandBond);
      expect(await absence.creditOf(accountOf(scene, 0).address)).to.equal(0n);
    });

    it("should ack what was published for it, and be absent when it does not", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const member = accountOf(scene, 2).address;
      const demand = async (): Promise<void> => {
        await accuse(scene, 0, 2);
        const { feeWei } = await absence.accusationOf(channel, member);
        await as(scene, 2).demandRecords(channel, 4n, { value: await absence.demandBondOf(feeWei, 2n) });
      };
      const records = [4, 5].map((height) => recordAt(scene, height));
      const headers = records.map(({ header }) => headerStruct(header));
      const inputs = records.map(({ body }) => hexlify(body.input));
      const opening = openingStruct(openAt(scene, LAST));
      const leader = accountOf(scene, 0).address;
      await demand();
      await expect(
        absence.postRecords(channel, member, headers, [...inputs].reverse(), opening),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      await expect(
        absence.postRecords(channel, member, [...headers].reverse(), [...inputs].reverse(), opening),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      await expect(
        absence.postRecords(channel, member, headers.slice(1), inputs.slice(1), opening),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadDemand");
      await expect(as(scene, 0).postRecords(channel, member, headers, inputs, opening)).to.emit(
        absence,
        "RecordsPosted",
      );
      expect(await absence.creditOf(leader)).to.be.greaterThan(0n);
      await answer(scene, 2);
      expect(await isAbsent(scene, 2)).to.equal(false);

      await pass(W + 1n);
      await demand();
      await as(scene, 0).postRecords(channel, member, headers, inputs, opening);
      await pass(W + 1n);
      await absence.resolve(channel, member);
      expect(await isAbsent(scene, 2)).to.equal(true);
    });

    it("should ask for so many records that a transaction holds them, and ack the last of those", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      for (let call = 0; call < 20; call += 1) await transfer(scene);
      const member = accountOf(scene, 2).address;
      await accuse(scene, 0, 2, LAST + 20);
      const { feeWei } = await absence.accusationOf(channel, member);
      await as(scene, 2).demandRecords(channel, 4n, { value: await absence.demandBondOf(feeWei, 16n) });
      const view = await absence.accusationOf(channel, member);
      expect([view.firstDemanded, view.lastDemanded]).to.deep.equal([4n, 19n]);
      const records = scene.records.slice(4, 20);
      const post = async (opening: ReturnType<typeof openAt>) =>
        await as(scene, 0).postRecords(
          channel,
          member,
          records.map(({ header }) => headerStruct(header)),
          records.map(({ body }) => hexlify(body.input)),
          openingStruct(opening),
        );
      await expect(post(openAt(scene, 19, {}, 1))).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      await expect(post(openAt(scene, 18))).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      await post(openAt(scene, 19));
      await answer(scene, 2, 19);
      expect(await isAbsent(scene, 2)).to.equal(false);
    });

    it("should be given records of an earlier term only with what the leader of this one has signed behind them", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      while (scene.player.head.header.height < 20) await transfer(scene);
      await accuseLeader(scene, 1);
      await pass(W + 1n);
      await absence.resolve(channel, accountOf(scene, 0).address);
      await scene.takeInbox(2);
      const head = scene.player.head.header.height;
      const member = accountOf(scene, 2).address;
      const opening = openingStruct(openAt(scene, head, {}, 1));
      await as(scene, 1).accuse(channel, member, opening, { value: await bond(scene) });
      const { feeWei } = await absence.accusationOf(channel, member);
      await as(scene, 2).demandRecords(channel, 4n, { value: await absence.demandBondOf(feeWei, 16n) });
      const post = async (last: number, signer: number) =>
        await as(scene, 1).postRecords(
          channel,
          member,
          scene.records.slice(4, last + 1).map(({ header }) => headerStruct(header)),
          scene.records.slice(4, 20).map(({ body }) => hexlify(body.input)),
          openingStruct(openAt(scene, last, {}, signer)),
        );
      // Whoever led the first term: the hub cannot know what was signed in it.
      for (const signer of [0, 1, 2]) {
        await expect(post(19, signer)).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      }
      await expect(post(21, 2)).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadHead");
      await post(21, 1);
      const view = await absence.accusationOf(channel, member);
      expect([view.height, view.recordHash]).to.deep.equal([19n, hexlify(recordAt(scene, 19).hash)]);
      await answer(scene, 2, 19, { term: 2 });
      expect(await isAbsent(scene, 2)).to.equal(false);
    });

    it("should be given as many large records as a transaction holds, and ack the last of those", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const member = accountOf(scene, 2).address;
      const inputs = Array.from({ length: 16 }, (_, index) => new Uint8Array(9_000).fill(index + 1));
      let previous = recordAt(scene, LAST).hash;
      const headers = inputs.map((input, index): RecordHeader => {
        const { header } = recordAt(scene, LAST);
        const next = { ...header, height: LAST + 1 + index, previous, inputHash: keccak256(input) };
        previous = hashRecord(next);
        return next;
      });
      const openHeader = (header: RecordHeader) =>
        openingStruct({
          header,
          proof: [],
          first: header.height,
          last: header.height,
          signature: signHeaders(scene, [header]),
        });
      await as(scene, 0).accuse(channel, member, openHeader(headers.at(-1)!), { value: await bond(scene) });
      const { feeWei } = await absence.accusationOf(channel, member);
      const value = await absence.demandBondOf(feeWei, 16n);
      await as(scene, 2).demandRecords(channel, BigInt(LAST + 1), { value });
      const post = async (records: number) =>
        await as(scene, 0).postRecords(
          channel,
          member,
          headers.slice(0, records).map(headerStruct),
          inputs.slice(0, records).map((input) => hexlify(input)),
          openHeader(headers[records - 1]!),
        );
      await expect(post(7)).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadDemand");
      // Of 9,000 bytes each.
      const sent = await post(8);
      expect(sent.data.length / 2).to.be.lessThan(128 * 1024);
      const view = await absence.accusationOf(channel, member);
      expect([view.height, view.recordHash]).to.deep.equal([BigInt(LAST + 8), hexlify(hashRecord(headers[7]!))]);
    });

    it("should not ask for what is final", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      await accuse(scene, 0, 2);
      await settle(scene, scene.peers.slice(0, 3), { toHeight: 4n, inboxCursor: 3n });
      const value = 16n * (await bond(scene));
      await expect(as(scene, 2).demandRecords(channel, 4n, { value })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_BadDemand",
      );
      await as(scene, 2).demandRecords(channel, 5n, { value });
    });
  });

  describe("the leader", () => {
    it("should be absent without an answer, and give the office to the eldest of those that are there", async () => {
      const scene = await load(three);
      const { absence, hub, channel } = scene;
      const leader = accountOf(scene, 0).address;
      await expect(accuseLeader(scene, 2)).to.emit(hub, "InboxAdded");
      await pass(W + 1n);
      await expect(absence.resolve(channel, leader))
        .to.emit(hub, "TermStarted")
        .withArgs(channel, 2n, accountOf(scene, 1).address);
      expect(await isAbsent(scene, 0)).to.equal(true);
      await scene.takeInbox(2);
      const header = headerStruct(scene.player.head.header);
      await as(scene, 0).comeBack(channel, header, 0n, ackOf(scene, 0, scene.player.head.header.height));
      expect(await isAbsent(scene, 0)).to.equal(false);
      expect(await leaderOf(scene)).to.equal(accountOf(scene, 1).address);
    });

    it("should pass over who is absent", async () => {
      const scene = await load(four);
      await makeAbsent(scene, 0, 1);
      await accuseLeader(scene, 3);
      await pass(W + 1n);
      await scene.absence.resolve(scene.channel, accountOf(scene, 0).address);
      expect(await leaderOf(scene)).to.equal(accountOf(scene, 2).address);
    });

    it("should keep the office with the certificate of a record that has taken the accusation", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const leader = accountOf(scene, 0).address;
      await accuseLeader(scene, 2);
      const refused = async (height: number, signers: readonly number[], error: string): Promise<void> => {
        await expect(
          absence.answerByCertificate(channel, leader, ...certificateOf(scene, height, signers)),
        ).to.be.revertedWithCustomError(absence, `ChannelAbsence_${error}`);
      };
      await refused(LAST, [0, 1, 2], "BadAnswer");
      await scene.takeInbox();
      await refused(LAST + 1, [0, 1], "NoQuorum");
      await refused(LAST + 1, [0, 1, 1], "NoQuorum");
      await refused(LAST + 1, [0, 1, 3], "BadAnswer");
      await absence.answerByCertificate(channel, leader, ...certificateOf(scene, LAST + 1, [0, 1, 2]));
      await pass(W + 1n);
      await expect(absence.resolve(channel, leader)).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NoAccusation",
      );
      expect([await leaderOf(scene), await termOf(scene), await isAbsent(scene, 0)]).to.deep.equal([leader, 1n, false]);
    });

    it("should lose the office and not its vote with a record of its own and no quorum", async () => {
      const scene = await load(two);
      const { absence, channel } = scene;
      const leader = accountOf(scene, 0).address;
      await accuseLeader(scene, 1);
      await expect(
        absence.answerByRecord(channel, leader, openingStruct(openAt(scene, LAST))),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadAnswer");
      await scene.takeInbox();
      await expect(
        absence.answerByRecord(channel, leader, openingStruct(openAt(scene, LAST + 1, {}, 1))),
      ).to.be.revertedWithCustomError(absence, "ChannelAbsence_BadAnswer");
      await expect(absence.answerByRecord(channel, leader, openingStruct(openAt(scene, LAST + 1)))).to.emit(
        absence,
        "LeaderShown",
      );
      await pass(W + 1n);
      await absence.resolve(channel, leader);
      expect([await leaderOf(scene), await isAbsent(scene, 0)]).to.deep.equal([accountOf(scene, 1).address, false]);
    });

    it("should begin a term after the one that the accuser is in, and none that is too far or before", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      for (const term of [0n, 65_538n, 2n ** 63n]) {
        await expect(accuseLeader(scene, 2, term)).to.be.revertedWithCustomError(absence, "ChannelAbsence_WrongTerm");
      }
      await accuseLeader(scene, 2, 65_537n);
      await pass(W + 1n);
      await absence.resolve(channel, accountOf(scene, 0).address);
      expect(await termOf(scene)).to.equal(65_538n);
    });

    it("should ask for the word that it cannot begin its term without", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const member = accountOf(scene, 2).address;
      const value = await bond(scene);
      await expect(as(scene, 0).accuseOfSilence(channel, member, { value })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotAccusable",
      );
      await accuseLeader(scene, 1);
      await pass(W + 1n);
      await absence.resolve(channel, accountOf(scene, 0).address);
      await expect(as(scene, 2).accuseOfSilence(channel, member, { value })).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotAccusable",
      );
      const leader = accountOf(scene, 1).address.toLowerCase();
      const word = (by: number, parts: object = {}) => {
        const standing = { certifiedTerm: 1, certifiedHeight: 3, head: LAST };
        const change = { channel, term: 2, newLeader: leader, ...standing, ...parts };
        const key = fromHex(peerAt(scene, by).key.privateKey);
        return { member, ...standing, signature: hexlify(signLeaderChange(scene.domain, change, key)) };
      };
      await as(scene, 1).accuseOfSilence(channel, member, { value });
      for (const other of [word(1), word(2, { term: 3 }), word(2, { newLeader: member.toLowerCase() })]) {
        await expect(absence.answerByWord(channel, other)).to.be.revertedWithCustomError(
          absence,
          "ChannelAbsence_BadAnswer",
        );
      }
      await absence.answerByWord(channel, word(2));
      await pass(W + 1n);
      await as(scene, 1).accuseOfSilence(channel, member, { value });
      await pass(W + 1n);
      await absence.resolve(channel, member);
      expect(await isAbsent(scene, 2)).to.equal(true);
    });

    it("should not be judged any more once another one leads", async () => {
      const scene = await load(three);
      const { absence, channel } = scene;
      const leader = accountOf(scene, 0).address;
      await accuseLeader(scene, 2);
      await accuse(scene, 1, 2);
      await scene.hub.connect(accountOf(scene, 0)).requestExit(channel);
      await pass(W + 1n);
      for (const member of [leader, accountOf(scene, 2).address]) {
        await expect(absence.resolve(channel, member)).to.emit(absence, "Resolved").withArgs(channel, member, false);
      }
      expect(await isAbsent(scene, 2)).to.equal(false);
      expect(await termOf(scene)).to.equal(2n);
    });
  });

  it("should not leave a channel without anybody, whoever is accused in which order", async () => {
    const scene = await load(three);
    const { absence, channel } = scene;
    await accuse(scene, 1, 2);
    await accuseLeader(scene, 1);
    await pass(W + 1n);
    await absence.resolve(channel, accountOf(scene, 2).address);
    await absence.resolve(channel, accountOf(scene, 0).address);
    expect((await scene.hub.channelOf(channel)).presentCount).to.equal(1n);
    expect(await leaderOf(scene)).to.equal(accountOf(scene, 1).address);
    await expect(accuseLeader(scene, 0)).to.be.revertedWithCustomError(absence, "ChannelAbsence_NotAccusable");
  });

  it("should not count who is absent and says nothing for a settlement, which then waits for objections", async () => {
    const scene = await load(three);
    await expect(settle(scene, scene.peers.slice(0, 2))).to.be.revertedWithCustomError(
      scene.hub,
      "ChannelHub_NoQuorum",
    );
    await makeAbsent(scene, 0, 2);
    await expect(settle(scene, scene.peers.slice(0, 2))).to.emit(scene.hub, "ProposalPassed");
    expect((await scene.hub.headOf(scene.channel)).height).to.equal(0n);
  });

  it("should forget that a seat's member was absent when it is another one's", async () => {
    const scene = await load(three);
    await makeAbsent(scene, 0, 2);
    await scene.hub.connect(accountOf(scene, 2)).requestExit(scene.channel);
    await settle(scene, scene.peers.slice(0, 3));
    await join(scene, peerAt(scene, 4));
    expect(await isAbsent(scene, 4)).to.equal(false);
    expect((await scene.hub.channelOf(scene.channel)).presentCount).to.equal(3n);
  });

  describe("a term that the members have elected", () => {
    const report = async (scene: CourtScene, term: number, leader: number, signers: readonly number[]) => {
      const newLeader = accountOf(scene, leader).address;
      const standing = { certifiedTerm: 1, certifiedHeight: LAST, head: LAST };
      const change = { channel: scene.channel, term, newLeader: newLeader.toLowerCase(), ...standing };
      const standings = signers.map((index) => ({
        member: accountOf(scene, index).address,
        ...standing,
        signature: hexlify(signLeaderChange(scene.domain, change, fromHex(peerAt(scene, index).key.privateKey))),
      }));
      return await scene.absence.connect(scene.stranger).reportElection(scene.channel, term, newLeader, standings);
    };

    it("should be the hub's once a quorum's words for it are shown, without an entry of the inbox", async () => {
      const scene = await load(four);
      await expect(report(scene, 3, 1, [1, 2, 3]))
        .to.emit(scene.absence, "ElectionReported")
        .withArgs(scene.channel, 3n, accountOf(scene, 1).address);
      const { term, leader, inboxLength } = await scene.hub.channelOf(scene.channel);
      expect([term, leader, inboxLength]).to.deep.equal([3n, accountOf(scene, 1).address, 4n]);
      await accuseLeader(scene, 2);
      await pass(W + 1n);
      await scene.absence.resolve(scene.channel, leader);
      expect([await termOf(scene), await leaderOf(scene)]).to.deep.equal([4n, accountOf(scene, 0).address]);
    });

    it("should not be one without a quorum, of the hub's term or before, too far, or of who is none", async () => {
      const scene = await load(four);
      const refused = async (term: number, leader: number, signers: readonly number[], error: string) => {
        await expect(report(scene, term, leader, signers)).to.be.revertedWithCustomError(
          scene.absence,
          `ChannelAbsence_${error}`,
        );
      };
      await refused(3, 1, [1, 2], "NoQuorum");
      await refused(3, 1, [1, 2, 2], "NoQuorum");
      await refused(1, 1, [1, 2, 3], "WrongTerm");
      await refused(65_538, 1, [1, 2, 3], "WrongTerm");
      await refused(3, 5, [1, 2, 3], "NotMember");
      await refused(3, 1, [1, 2, 5], "BadAnswer");
    });
  });

  describe("where heartbeats are on chain", () => {
    const ALIVE = 90n;
    const beating = async (): Promise<CourtScene> => await made(3, { aliveSeconds: ALIVE });

    it("should let any member take the office of a leader that has stopped, and say that others have", async () => {
      const scene = await load(beating);
      const { absence, hub, channel } = scene;
      await expect(as(scene, 1).applyLeader(channel, 1n)).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_IsThere",
      );
      await pass(ALIVE + 1n);
      await expect(as(scene, 1).applyLeader(channel, 1n)).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotMember",
      );
      await hub.connect(accountOf(scene, 1)).keepAlive(channel, []);
      await expect(as(scene, 1).applyLeader(channel, 5n))
        .to.emit(hub, "TermStarted")
        .withArgs(channel, 6n, accountOf(scene, 1).address);
      await as(scene, 1).applyAbsence(channel, accountOf(scene, 2).address);
      for (const index of [0, 2]) {
        expect((await hub.memberOf(channel, accountOf(scene, index).address)).absentAt).to.be.greaterThan(0n);
      }
      await expect(as(scene, 1).applyAbsence(channel, accountOf(scene, 2).address)).to.be.revertedWithCustomError(
        absence,
        "ChannelAbsence_NotAccusable",
      );
    });

    it("should not call anybody absent who was heard, nor where nobody is asked to be", async () => {
      const scene = await load(beating);
      await expect(as(scene, 1).applyAbsence(scene.channel, accountOf(scene, 2).address)).to.be.revertedWithCustomError(
        scene.absence,
        "ChannelAbsence_IsThere",
      );
      const other = await load(three);
      await pass(10n * ALIVE);
      await expect(as(other, 1).applyLeader(other.channel, 1n)).to.be.revertedWithCustomError(
        other.absence,
        "ChannelAbsence_IsThere",
      );
    });
  });

  it("should call nobody absent that answers, leave somebody present, keep its ether and never let a term fall", async function () {
    this.timeout(240_000);
    const member = fc.integer({ min: 0, max: MEMBERS - 1 });
    const step = fc.oneof(
      fc.record({ what: fc.constant("accuse" as const), by: member, of: member }),
      fc.record({ what: fc.constant("accuseLeader" as const), by: member, of: fc.nat({ max: 3 }) }),
      fc.record({ what: fc.constantFrom("die" as const, "wake" as const), by: member, of: member }),
      fc.record({ what: fc.constant("pass" as const), by: member, of: member }),
      fc.record({ what: fc.constant("comeBack" as const), by: member, of: member }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 18 }), async (steps) => {
        const play = createPlay(await load(four));
        for (const { what, by, of } of steps) {
          await play[what](by, of);
          await play.check();
        }
      }),
      { numRuns: 20 },
    );
  });

  it("should be tied to one hub, and let nobody else say who is there", async () => {
    const scene = await load(three);
    const { absence, hub, channel } = scene;
    await expect(absence.attachHub()).to.be.revertedWithCustomError(absence, "ChannelAbsence_AlreadyAttached");
    const member = accountOf(scene, 1).address;
    for (const call of [hub.setPresence(channel, member, true), hub.setOffice(channel, 1n, member, true)]) {
      await expect(call).to.be.revertedWithCustomError(hub, "ChannelHub_NotTheAbsence");
    }
    expect([await absence.hub(), await hub.absence()]).to.deep.equal([
      await hub.getAddress(),
      await absence.getAddress(),
    ]);
    expect(await absence.answerSecondsOf(channel)).to.equal(W);
    await expect(absence.withdraw()).to.be.revertedWithCustomError(absence, "ChannelAbsence_NoCredit");
  });
});

function coded(value: boolean): string {
  return ethers.AbiCoder.defaultAbiCoder().encode(["bool"], [value]);
}

/** What the first accusation of a scene was given. */
async function bondGiven({ absence }: CourtScene): Promise<bigint> {
  return await ethers.provider.getBalance(absence);
}

const MEMBERS = 4;

/** Members that are dead, or answer in time whatever they are accused of. Who may not do what it tries has done nothing. */
function createPlay(scene: CourtScene) {
  const { absence, hub, channel } = scene;
  const dead = new Set<number>();
  const indexes = Array.from({ length: MEMBERS }, (_, index) => index);
  const indexOf = (account: string): number =>
    indexes.findIndex((index) => accountOf(scene, index).address === account);
  let lastTerm = 1n;

  const tried = async (sending: Promise<unknown>): Promise<boolean> =>
    await sending.then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && error.message.includes("Channel")) return false;
        throw error;
      },
    );
  async function absentOnes(): Promise<number[]> {
    const all = await Promise.all(indexes.map(async (index) => await isAbsent(scene, index)));
    return indexes.filter((index) => all[index]);
  }

  /** The hub's leader has signed a record of its term, which has taken all entries. */
  async function catchUp(): Promise<number> {
    const { leader, term } = await hub.channelOf(channel);
    await scene.takeInbox(Number(term));
    if (scene.player.head.header.term < Number(term)) await transfer(scene, Number(term));
    return indexOf(leader);
  }

  async function answerAll(): Promise<void> {
    const leader = await catchUp();
    const { height } = scene.player.head.header;
    for (const index of indexes) {
      const account = accountOf(scene, index).address;
      const { accuser, isOfLeader, isThere, height: asked } = await absence.accusationOf(channel, account);
      if (dead.has(index) || accuser === ethers.ZeroAddress) continue;
      if (!isOfLeader) {
        // Whose term is over has nothing to ack, and is not judged.
        await tried(answer(scene, index, Number(asked)));
        continue;
      }
      const alive = indexes.filter((other) => !dead.has(other));
      const isShown = await tried(
        absence.answerByCertificate(channel, account, ...certificateOf(scene, height, alive)),
      );
      if (isShown || isThere || leader !== index) continue;
      await absence.answerByRecord(channel, account, openingStruct(openAt(scene, height, {}, index)));
    }
  }

  return {
    async accuse(by: number, of: number) {
      const leader = await catchUp();
      const opening = openingStruct(openAt(scene, scene.player.head.header.height, {}, leader));
      const value = await bond(scene);
      await tried(as(scene, by).accuse(channel, accountOf(scene, of).address, opening, { value }));
    },
    async accuseLeader(by: number, ahead: number) {
      await tried(accuseLeader(scene, by, (await termOf(scene)) + BigInt(ahead)));
    },
    die: async (by: number) => await Promise.resolve(dead.add(by)),
    wake: async (by: number) => await Promise.resolve(dead.delete(by)),
    async pass() {
      const before = await absentOnes();
      await answerAll();
      await pass(W + 1n);
      for (const index of indexes) await tried(absence.resolve(channel, accountOf(scene, index).address));
      const lost = (await absentOnes()).filter((index) => !before.includes(index));
      expect(lost.filter((index) => !dead.has(index))).to.deep.equal([]);
    },
    async comeBack(by: number) {
      await catchUp();
      if (dead.has(by)) return;
      const { header } = scene.player.head;
      const back = as(scene, by).comeBack(channel, headerStruct(header), 0n, ackOf(scene, by, header.height));
      await tried(back);
    },
    async check() {
      const { term, presentCount, leader } = await hub.channelOf(channel);
      expect(term >= lastTerm).to.equal(true);
      lastTerm = term;
      const absent = await absentOnes();
      let owed = 0n;
      for (const index of indexes) {
        const account = accountOf(scene, index).address;
        owed += (await absence.creditOf(account)) + (await absence.accusationOf(channel, account)).bondWei;
      }
      owed += await absence.creditOf(scene.stranger.address);
      owed += await absence.creditOf(scene.owner.address);
      expect(Number(presentCount)).to.equal(MEMBERS - absent.length);
      expect(presentCount).to.be.greaterThan(0n);
      expect(await ethers.provider.getBalance(absence)).to.equal(owed);
      expect(indexOf(leader)).to.be.greaterThanOrEqual(0);
    },
  };
}
