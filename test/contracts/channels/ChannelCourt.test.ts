import { expect } from "chai";
import { hexlify } from "ethers";
import { network } from "hardhat";

import { nonceSlotOf, sessionSlotOf } from "../../../src/channel/sandbox/protocol-slots.ts";
import { NO_PROOF, hubProofOf } from "../../../src/channel/hub-proof.ts";
import { slotOf } from "../../../src/channel/sandbox/slot-key.ts";
import { equivocationOf, writesOf } from "../../../src/domain/channel/evidence.ts";
import type { Evidence, SignedOpening } from "../../../src/ports/channel-court.ts";
import { concatBytes, fromHex } from "../../../src/utils/bytes.ts";
import { keccak256 } from "../../../src/utils/keccak.ts";
import { signDigest } from "../../../src/utils/recoverable-signature.ts";
import { channelDomain } from "../../../src/wire/channel/domain.ts";
import { encodeRecordBody } from "../../../src/wire/channel/record-body.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { encodeSessionInput, sessionDigest, type SessionInput } from "../../../src/wire/channel/session.ts";
import { deployHub, FINE, type HubConfig } from "../helpers/channels.ts";
import {
  accuse,
  type CourtScene,
  createCourtScene,
  entryOf,
  openAt,
  proofAt,
  recordAt,
  signHeaders,
  userOf,
} from "../helpers/court.ts";

const { ethers, networkHelpers } = await network.create();

const MEMBERS = 4;
const [ALICE, BOB, KEY, EVE] = [userOf(1), userOf(2), userOf(3), userOf(4)];
const CLOCK = fromHex("0x" + clockSlot());
const WATCHED = [
  slotOf(nonceSlotOf(ALICE.address)),
  slotOf(nonceSlotOf(BOB.address)),
  slotOf(nonceSlotOf(EVE.address)),
  slotOf(sessionSlotOf(ALICE.address, KEY.address)),
  slotOf(sessionSlotOf(ALICE.address, EVE.address)),
  slotOf(sessionSlotOf(BOB.address, EVE.address)),
  CLOCK,
];
/** Heights of the scene's records. */
const At = { transfer: 5, emptied: 6, grant: 7, bySession: 8, revoke: 9, last: 10 } as const;

function clockSlot(): string {
  const seed = BigInt(ethers.id("sprf.channel.clock")) - 1n;
  const base = BigInt(ethers.keccak256(ethers.toBeHex(seed, 32))) & ~0xffn;
  return ethers.toBeHex(base, 32).slice(2);
}

async function sceneOf(config: Partial<HubConfig> = {}): Promise<CourtScene> {
  return await createCourtScene(await deployHub(ethers, 6), MEMBERS, { fineWei: FINE, ...config }, WATCHED);
}

function sessionInput(scene: CourtScene, what: "grant" | "revoke", by = ALICE, parts: object = {}): Uint8Array {
  const { channel } = scene;
  const said = { channel, wallet: ALICE.address, key: KEY.address };
  const unsigned: SessionInput =
    what === "grant"
      ? { what, grant: { ...said, functions: [], expiryMs: 2n ** 50n, ...parts }, signature: new Uint8Array() }
      : { what, revoke: { ...said, nonce: 2n, ...parts }, signature: new Uint8Array() };
  const signature = signDigest(sessionDigest(scene.domain, unsigned), by.key);
  return encodeSessionInput({ ...unsigned, signature });
}

/** Four joins, a transfer, one of all that its sender has, a session granted, used and revoked, and a call. */
async function played(): Promise<CourtScene> {
  const scene = await sceneOf();
  await scene.takeInbox();
  await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 10n]));
  await scene.play(RECORD_KINDS.call, scene.callInput(BOB, "transfer", [EVE.address, 1_010n]));
  await scene.play(RECORD_KINDS.session, sessionInput(scene, "grant"));
  await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 1n], {}, KEY.key));
  await scene.play(RECORD_KINDS.session, sessionInput(scene, "revoke"));
  await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 1n], { nonce: 3n }));
  return scene;
}

async function ticking(): Promise<CourtScene> {
  const scene = await sceneOf({ tickMs: 1_000n, maxCatchUpTicks: 3n });
  const { timeMs } = recordAt(scene, 0).header;
  await scene.takeInbox();
  await scene.play(RECORD_KINDS.tick, new Uint8Array(), { timeMs: timeMs + 1_000 });
  await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 10n]));
  return scene;
}

const load = async (): Promise<CourtScene> => await networkHelpers.loadFixture(played);

const beforeOf = (scene: CourtScene, height: number): RecordHeader => recordAt(scene, height - 1).header;
const placed = (scene: CourtScene, height: number, change: Partial<RecordHeader> = {}): Evidence => ({
  fault: "misplaced",
  record: openAt(scene, height, change),
  before: beforeOf(scene, height),
});
const equivocation = (scene: CourtScene, height: number, change: Partial<RecordHeader> = { gasUsed: 1 }): Evidence => ({
  fault: "equivocation",
  record: openAt(scene, height),
  other: openAt(scene, height, change),
});

function touchedOf(scene: CourtScene, height: number) {
  return recordAt(scene, height).touched.map(({ slot, before }) => ({ slot, value: before }));
}

function setHash(set: readonly { readonly slot: Uint8Array; readonly value: Uint8Array }[]): Uint8Array {
  return keccak256(concatBytes(...set.flatMap(({ slot, value }) => [slot, value])));
}

/** A touched set of which one value is another. */
function falseValue(scene: CourtScene, height: number, index: number, value?: Uint8Array): Evidence {
  const touched = touchedOf(scene, height);
  const entry = touched[index]!;
  if (value !== undefined) touched[index] = { slot: entry.slot, value };
  return {
    fault: "falseValue",
    record: openAt(scene, height, value === undefined ? {} : { touchedHash: setHash(touched) }),
    before: beforeOf(scene, height),
    touched,
    index,
    proof: proofAt(scene, height, entry.slot),
  };
}

async function falseRoot(scene: CourtScene, height: number, change: Partial<RecordHeader>): Promise<Evidence> {
  const writes = writesOf(recordAt(scene, height).touched);
  const after = scene.player.head.header.height;
  const { records } = scene;
  const taken = await scene.player.revertTo(height - 1);
  const proofs = scene.sandbox.proveWrites(writes).map(({ proof, beside }) => ({
    proof: hubProofOf(proof),
    ...(beside === undefined ? {} : { beside }),
  }));
  for (const { header, body } of taken) {
    await scene.player.play(header.kind, body.input, { term: header.term, timeMs: header.timeMs });
  }
  expect(hexlify(scene.player.head.hash)).to.equal(hexlify(records[after]!.hash));
  return { fault: "falseRoot", record: openAt(scene, height, change), before: beforeOf(scene, height), writes, proofs };
}

function forged(scene: CourtScene, height: number, input: Uint8Array, signer = ALICE, wallet = ALICE): Evidence {
  const { inputHash } = recordAt(scene, height).header;
  const isOwn = Buffer.compare(inputHash, keccak256(input)) === 0;
  return {
    fault: "forged",
    record: openAt(scene, height, isOwn ? {} : { inputHash: keccak256(input) }),
    before: beforeOf(scene, height),
    input,
    nonce: proofAt(scene, height, slotOf(nonceSlotOf(wallet.address))),
    session:
      signer === wallet ? NO_PROOF : proofAt(scene, height, slotOf(sessionSlotOf(wallet.address, signer.address))),
  };
}

async function expectConviction(scene: CourtScene, evidence: Evidence): Promise<void> {
  const { header } = evidence.record;
  const leader = scene.peers[0]!;
  await expect(accuse(scene, scene.stranger, evidence))
    .to.emit(scene.hub, "Convicted")
    .withArgs(scene.channel, header.term, header.height, leader.account.address, FINE, 0n);
  const { term, leader: next } = await scene.hub.channelOf(scene.channel);
  expect([term, next]).to.deep.equal([BigInt(header.term) + 1n, scene.peers[1]!.account.address]);
  expect(await scene.hub.isConvicted(scene.channel, leader.key, header.term)).to.equal(true);
}

async function expectRefusal(scene: CourtScene, evidence: Evidence, error: string): Promise<void> {
  await expect(accuse(scene, scene.stranger, evidence)).to.be.revertedWithCustomError(scene.court, error);
}

const NO_FAULT = "ChannelCourt_NoFault";

describe("ChannelCourt", () => {
  describe("an opening", () => {
    const honest = (record: SignedOpening, other: SignedOpening): Evidence => ({
      fault: "equivocation",
      record,
      other,
    });

    it("convicts the member that has signed it, in this channel of this hub on this chain", async () => {
      const scene = await load();
      const right = openAt(scene, At.transfer);
      await expectRefusal(scene, honest(right, right), NO_FAULT);
      const { header } = right;
      const lie = { ...header, gasUsed: 1 };
      const elsewhere = channelDomain(1n, scene.domain.hub);
      const otherHub = channelDomain(scene.domain.chainId, scene.stranger.address.toLowerCase());
      const alone = { header: lie, proof: [], ...single(lie) };
      // Whoever that makes the signer, it is another one.
      const wrong: [string, SignedOpening][] = [
        ["another member's key", openAt(scene, At.transfer, { gasUsed: 1 }, 1)],
        ["another chain", { ...alone, signature: signHeaders({ ...scene, domain: elsewhere }, [lie]) }],
        ["another hub", { ...alone, signature: signHeaders({ ...scene, domain: otherHub }, [lie]) }],
        ["another channel", openAt(scene, At.transfer, { channel: scene.channel + 1n })],
        ["another term", openAt(scene, At.transfer, { term: 2 })],
        ["a changed header", { ...right, header: lie }],
        ["a changed proof", { ...right, proof: [...right.proof.slice(0, -1), new Uint8Array(32).fill(1)] }],
        ["a changed batch", { ...right, first: right.first - 1 }],
      ];
      for (const [name, record] of wrong) {
        for (const evidence of [honest(record, right), honest(right, record)]) {
          await expectRefusal(scene, evidence, NO_FAULT).catch((error: unknown) => {
            throw new Error(name, { cause: error });
          });
        }
      }
      const unsigned = { ...right, signature: new Uint8Array(65) };
      await expectRefusal(scene, honest(unsigned, right), "ChannelCourt_NotSigned");
    });

    it("of who is no member convicts nobody", async () => {
      const scene = await load();
      // The sixth peer has not joined.
      for (const evidence of [
        { ...placed(scene, At.transfer), record: openAt(scene, At.transfer, { status: 3 }, 5) },
        { ...placed(scene, At.transfer), record: { ...openAt(scene, At.transfer, { status: 3 }), first: 1 } },
      ]) {
        await expect(accuse(scene, scene.stranger, evidence)).to.be.revertedWithCustomError(
          scene.hub,
          "ChannelHub_NotMember",
        );
      }
      // Of another channel whose program, keys and heights are the same.
      const foreign = { ...recordAt(scene, At.transfer).header, channel: scene.channel + 1n, status: 3 };
      const record = { header: foreign, proof: [], ...single(foreign), signature: signHeaders(scene, [foreign]) };
      await expect(
        accuse(scene, scene.stranger, { fault: "misplaced", record, before: beforeOf(scene, At.transfer) }),
      ).to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotMember");
    });

    it("is of a height that the batch holds, and never of record 0, which nobody signs", async () => {
      const scene = await load();
      const right = openAt(scene, At.transfer);
      await expectRefusal(scene, honest({ ...right, last: At.transfer - 1 }, right), "ChannelCourt_NoHeight");
      await expectRefusal(scene, honest({ ...right, first: At.transfer + 1 }, right), "ChannelCourt_NoHeight");
      await expectRefusal(scene, honest(openAt(scene, 0), openAt(scene, 0, { term: 1 })), "ChannelCourt_NoHeight");
    });
  });

  describe("equivocation", () => {
    it("is two records of one height", async () => {
      const scene = await load();
      await expectConviction(scene, equivocation(scene, At.transfer));
    });

    it("is of the first record too", async () => {
      const scene = await load();
      await expectConviction(scene, equivocation(scene, 1));
    });

    it("is found in two batches that part somewhere", async () => {
      const scene = await load();
      const [one, other] = [5, 6, 7]
        .map((height) => recordAt(scene, height))
        .reduce<[Uint8Array[], Uint8Array[]]>(
          ([a, b], { body, header }) => [
            [...a, encodeRecordBody(body)],
            [...b, encodeRecordBody(header.height === 6 ? { ...body, gasUsed: 1 } : body)],
          ],
          [[], []],
        );
      const headers = scene.headers().slice(5, 8);
      const lied: RecordHeader[] = [];
      for (const header of headers) {
        const before = lied.at(-1);
        const previous = before === undefined ? header.previous : hashRecord(before);
        lied.push({ ...header, previous, ...(header.height === 6 ? { gasUsed: 1 } : {}) });
      }
      const batchOf = (records: Uint8Array[], signed: readonly RecordHeader[]) => ({
        term: 1,
        first: 5,
        records,
        signature: signHeaders(scene, signed),
      });
      const before = recordAt(scene, 4).hash;
      const places = { channel: scene.channel, beforeOne: before, beforeOther: before };
      const evidence = equivocationOf(batchOf(one, headers), batchOf(other, lied), places)!;
      expect(evidence.record.header.height).to.equal(6);
      expect(equivocationOf(batchOf(one, headers), batchOf(one, headers), places)).to.equal(undefined);
      await expectConviction(scene, evidence);
    });

    it("is not a record twice, in other batches, or records of other heights", async () => {
      const scene = await load();
      const { header } = recordAt(scene, At.transfer);
      const alone = { header, proof: [], ...single(header), signature: signHeaders(scene, [header]) };
      await expectRefusal(scene, { fault: "equivocation", record: openAt(scene, At.transfer), other: alone }, NO_FAULT);
      const next = openAt(scene, At.emptied);
      await expectRefusal(scene, { fault: "equivocation", record: openAt(scene, At.transfer), other: next }, NO_FAULT);
    });
  });

  describe("a record that is not linked", () => {
    it("names another one than the one before it of its term", async () => {
      const scene = await load();
      const lie = openAt(scene, At.emptied, { previous: new Uint8Array(32).fill(1) });
      await expectConviction(scene, { fault: "unlinked", record: lie, signedBefore: openAt(scene, At.transfer) });
    });

    it("is none that names the one before it, and none that stands elsewhere", async () => {
      const scene = await load();
      const before = openAt(scene, At.transfer);
      await expectRefusal(
        scene,
        { fault: "unlinked", record: openAt(scene, At.emptied), signedBefore: before },
        NO_FAULT,
      );
      await expectRefusal(
        scene,
        { fault: "unlinked", record: openAt(scene, At.grant), signedBefore: before },
        NO_FAULT,
      );
      await expectRefusal(scene, { fault: "unlinked", record: before, signedBefore: before }, NO_FAULT);
    });
  });

  describe("a misplaced record", () => {
    const before = (scene: CourtScene): RecordHeader => beforeOf(scene, At.transfer);
    const lies: [string, (scene: CourtScene) => Partial<RecordHeader>][] = [
      ["begins the channel a second time", () => ({ kind: RECORD_KINDS.initialize })],
      ["is of no kind", () => ({ kind: 6 })],
      ["begins the term that is there", () => ({ kind: RECORD_KINDS.term })],
      ["begins a term without an election", () => ({ term: 2 })],
      ["is of no status", () => ({ status: 3 })],
      ["falls in time", (scene) => ({ timeMs: before(scene).timeMs - 1 })],
      ["leaves out a height", () => ({ height: At.transfer + 1 })],
      ["leaves out an entry of the inbox", () => ({ inboxCursor: MEMBERS + 1 })],
      ["gives an entry back", () => ({ inboxCursor: MEMBERS - 1 })],
      ["takes an entry and does not count it", () => ({ kind: RECORD_KINDS.inbox })],
      ["takes an entry that is none", () => ({ kind: RECORD_KINDS.inbox, inboxCursor: MEMBERS + 1 })],
      ["is a tick with an input", () => ({ kind: RECORD_KINDS.tick })],
    ];
    for (const [name, change] of lies) {
      it(name, async () => {
        const scene = await load();
        await expectConviction(scene, placed(scene, At.transfer, change(scene)));
      });
    }

    it("takes another entry than the hub's at that place", async () => {
      const scene = await load();
      await expectConviction(scene, placed(scene, 2, { inputHash: recordAt(scene, 1).header.inputHash }));
    });

    it("is none of those that were played, from the first one on", async () => {
      const scene = await load();
      for (let height = 1; height <= At.last; height += 1) await expectRefusal(scene, placed(scene, height), NO_FAULT);
    });

    it("is held against the record that it names itself", async () => {
      const scene = await load();
      const evidence = placed(scene, At.transfer, { timeMs: 1 });
      const other = { ...evidence, before: beforeOf(scene, At.transfer - 1) } as Evidence;
      await expectRefusal(scene, other, "ChannelCourt_NotBefore");
    });
  });

  describe("a tick", () => {
    const mistimed = (scene: CourtScene, height: number, change: Partial<RecordHeader> = {}): Evidence => ({
      fault: "mistimed",
      record: openAt(scene, height, change),
      before: beforeOf(scene, height),
      clock: proofAt(scene, height, CLOCK),
    });
    const loadTicking = async (): Promise<CourtScene> => await networkHelpers.loadFixture(ticking);

    it("is due when the clock in the state before says so", async () => {
      const scene = await loadTicking();
      for (let height = 1; height <= 6; height += 1) await expectRefusal(scene, mistimed(scene, height), NO_FAULT);
    });

    it("comes too early", async () => {
      const scene = await loadTicking();
      const { timeMs } = recordAt(scene, 5).header;
      await expectConviction(scene, mistimed(scene, 5, { timeMs: timeMs - 1 }));
    });

    it("is passed over", async () => {
      const scene = await loadTicking();
      const { timeMs } = recordAt(scene, 5).header;
      await expectConviction(scene, mistimed(scene, 6, { timeMs: timeMs + 1_000 }));
    });

    it("is never due where a channel does not tick", async () => {
      const scene = await load();
      await expectRefusal(scene, mistimed(scene, At.transfer), NO_FAULT);
      await expectConviction(scene, mistimed(scene, At.transfer, { kind: RECORD_KINDS.tick }));
    });

    it("has a clock that must be proven", async () => {
      const scene = await loadTicking();
      const evidence = { ...mistimed(scene, 5), clock: NO_PROOF } as Evidence;
      await expectRefusal(scene, evidence, "StateTree_WrongRoot");
    });
  });

  describe("an entry of the inbox", () => {
    const HALF_HOUR = 1_800_000;
    const past = async (scene: CourtScene, height: number, lateMs: number, index = MEMBERS + 1): Promise<Evidence> => {
      const entry = entryOf(
        (await scene.hub.queryFilter(scene.hub.filters.InboxAdded(scene.channel)))[index - 1]!.args,
      );
      return {
        fault: "pastEntry",
        record: openAt(scene, height, { timeMs: entry.timeMs + HALF_HOUR + lateMs }),
        entry,
      };
    };

    it("is left for more than half an hour while calls are taken", async () => {
      const scene = await load();
      await scene.hub.connect(scene.peers[2]!.account).requestExit(scene.channel);
      await expectRefusal(scene, await past(scene, At.transfer, 0), NO_FAULT);
      await expectConviction(scene, await past(scene, At.transfer, 1));
    });

    it("is not left where the next entry is taken, which may be older, nor where it was taken", async () => {
      const scene = await load();
      await scene.hub.connect(scene.peers[2]!.account).requestExit(scene.channel);
      await expectRefusal(scene, await past(scene, 2, 1), NO_FAULT);
      await expectRefusal(scene, await past(scene, At.transfer, 1, MEMBERS), NO_FAULT);
      const evidence = await past(scene, At.transfer, 1);
      if (evidence.fault !== "pastEntry") throw new Error("another fault");
      await expectRefusal(scene, { ...evidence, entry: { ...evidence.entry, timeMs: 0 } }, NO_FAULT);
    });
  });

  describe("a false value", () => {
    it("is another one than a slot held", async () => {
      const scene = await load();
      const index = touchedOf(scene, At.transfer).findIndex(({ value }) => value.some((byte) => byte !== 0));
      await expectConviction(scene, falseValue(scene, At.transfer, index, new Uint8Array(32).fill(9)));
    });

    it("is one of a slot that held nothing", async () => {
      const scene = await load();
      const index = touchedOf(scene, At.transfer).findIndex(({ value }) => value.every((byte) => byte === 0));
      await expectConviction(scene, falseValue(scene, At.transfer, index, new Uint8Array(32).fill(9)));
    });

    it("is zero of a slot that held something", async () => {
      const scene = await load();
      const index = touchedOf(scene, At.emptied).findIndex(({ value }) => value.some((byte) => byte !== 0));
      await expectConviction(scene, falseValue(scene, At.emptied, index, new Uint8Array(32)));
    });

    it("is none of those that were played", async () => {
      const scene = await load();
      for (let height = 1; height <= At.last; height += 1) {
        for (const index of touchedOf(scene, height).keys()) {
          await expectRefusal(scene, falseValue(scene, height, index), NO_FAULT);
        }
      }
    });

    it("is of the set that the record has", async () => {
      const scene = await load();
      const evidence = {
        ...falseValue(scene, At.transfer, 0),
        record: openAt(scene, At.emptied),
        before: beforeOf(scene, At.emptied),
      };
      await expectRefusal(scene, evidence, "ChannelCourt_WrongSet");
    });
  });

  describe("a false root", () => {
    for (const height of [At.transfer, At.emptied, At.grant, 1]) {
      it(`is not what the writes of record ${height} lead to`, async () => {
        const scene = await load();
        await expectConviction(scene, await falseRoot(scene, height, { stateRoot: new Uint8Array(32).fill(1) }));
      });
    }

    it("is the root before, when something was written", async () => {
      const scene = await load();
      await expectConviction(
        scene,
        await falseRoot(scene, At.emptied, { stateRoot: beforeOf(scene, At.emptied).stateRoot }),
      );
    });

    it("is none of those that were played, deletions included", async () => {
      const scene = await load();
      expect(
        writesOf(recordAt(scene, At.emptied).touched).some(({ value }) => value.every((byte) => byte === 0)),
      ).to.equal(true);
      for (let height = 1; height <= At.last; height += 1) {
        await expectRefusal(scene, await falseRoot(scene, height, {}), NO_FAULT);
      }
    });

    it("needs a proof for each write, and the writes that the record has", async () => {
      const scene = await load();
      const evidence = await falseRoot(scene, At.transfer, { stateRoot: new Uint8Array(32) });
      if (evidence.fault !== "falseRoot") throw new Error("another fault");
      const fewer = { ...evidence, proofs: evidence.proofs.slice(1) };
      await expectRefusal(scene, fewer, "StateTree_WrongCount");
      const less = { ...evidence, writes: evidence.writes.slice(1), proofs: evidence.proofs.slice(1) };
      await expectRefusal(scene, less, "ChannelCourt_WrongSet");
    });
  });

  describe("a forged word of a user", () => {
    const inputOf = (scene: CourtScene, height: number): Uint8Array => recordAt(scene, height).body.input;
    const call = (scene: CourtScene, parts = {}, key = ALICE.key): Uint8Array =>
      scene.callInput(ALICE, "transfer", [BOB.address, 10n], { nonce: 0n, ...parts }, key);

    const lies: [string, (scene: CourtScene) => Evidence][] = [
      ["is of another channel", (scene) => forged(scene, At.transfer, call(scene, { channel: 77n }))],
      ["is too late", (scene) => forged(scene, At.transfer, call(scene, { validUntilMs: 1n }))],
      ["has a nonce that is not the next", (scene) => forged(scene, At.transfer, call(scene, { nonce: 1n }))],
      ["is signed by a key without a session", (scene) => forged(scene, At.transfer, call(scene, {}, EVE.key), EVE)],
      ["is signed by nobody", (scene) => forged(scene, At.transfer, withoutSignature(call(scene)))],
      [
        "is not encoded as it must be",
        (scene) => forged(scene, At.transfer, concatBytes(call(scene), new Uint8Array(32))),
      ],
      ["is no call at all", (scene) => forged(scene, At.transfer, new Uint8Array(100).fill(1))],
      ["is longer than inputs are", (scene) => forged(scene, At.transfer, new Uint8Array(16_385))],
      [
        "uses a session again after its revocation",
        (scene) => forged(scene, At.last, call(scene, { nonce: 3n }, KEY.key), KEY),
      ],
      [
        "names functions that its session does not have",
        (scene) => forged(scene, At.bySession, withFunctions(scene, call(scene, { nonce: 1n }, KEY.key)), KEY),
      ],
      ["grants what another one signed", (scene) => forged(scene, At.grant, sessionInput(scene, "grant", EVE), KEY)],
      [
        "grants in another channel",
        (scene) => forged(scene, At.grant, sessionInput(scene, "grant", ALICE, { channel: 77n }), KEY),
      ],
      ["grants a key twice", (scene) => forged(scene, At.revoke, sessionInput(scene, "grant"), KEY)],
      [
        "revokes with another nonce",
        (scene) => forged(scene, At.revoke, sessionInput(scene, "revoke", ALICE, { nonce: 5n })),
      ],
      ["is no session at all", (scene) => forged(scene, At.grant, new Uint8Array(40))],
    ];
    for (const [name, lie] of lies) {
      it(name, async () => {
        const scene = await load();
        await expectConviction(scene, lie(scene));
      });
    }

    it("is none of those that were played, by wallets and by session keys", async () => {
      const scene = await load();
      await expectRefusal(scene, forged(scene, At.transfer, inputOf(scene, At.transfer)), NO_FAULT);
      await expectRefusal(scene, forged(scene, At.emptied, inputOf(scene, At.emptied), BOB, BOB), NO_FAULT);
      await expectRefusal(scene, forged(scene, At.grant, inputOf(scene, At.grant), KEY), NO_FAULT);
      await expectRefusal(scene, forged(scene, At.bySession, inputOf(scene, At.bySession), KEY), NO_FAULT);
      await expectRefusal(scene, forged(scene, At.revoke, inputOf(scene, At.revoke)), NO_FAULT);
      await expectRefusal(scene, forged(scene, At.last, inputOf(scene, At.last)), NO_FAULT);
    });

    it("is none that grants a key again after its time, and is one before, after its revocation, or too late", async () => {
      const scene = await load();
      const { timeMs } = recordAt(scene, At.last).header;
      const soon = BigInt(timeMs + 2);
      const grant = (expiryMs: bigint, key: string) => sessionInput(scene, "grant", ALICE, { expiryMs, key });
      const { height } = (await scene.play(RECORD_KINDS.session, grant(soon, EVE.address), { timeMs: timeMs + 1 }))
        .header;
      const again = grant(2n ** 50n, EVE.address);
      await scene.play(RECORD_KINDS.session, again, { timeMs: timeMs + 3 });
      const wordOf = (key: string, input: Uint8Array, change: Partial<RecordHeader> = {}): Evidence => ({
        fault: "forged",
        record: openAt(scene, height + 1, { inputHash: keccak256(input), ...change }),
        before: beforeOf(scene, height + 1),
        input,
        nonce: NO_PROOF,
        session: proofAt(scene, height + 1, slotOf(sessionSlotOf(ALICE.address, key))),
      });
      await expectRefusal(scene, wordOf(EVE.address, again), NO_FAULT);
      const lies = [
        wordOf(EVE.address, again, { timeMs: timeMs + 2 }),
        wordOf(KEY.address, grant(2n ** 50n, KEY.address)),
        wordOf(EVE.address, grant(BigInt(timeMs + 2), EVE.address)),
      ];
      const snapshot = await networkHelpers.takeSnapshot();
      for (const lie of lies) {
        await expectConviction(scene, lie);
        await snapshot.restore();
      }
    });

    it("is no entry of the inbox, which the chain has", async () => {
      const scene = await load();
      await expectRefusal(scene, forged(scene, 1, inputOf(scene, 1)), NO_FAULT);
    });

    it("is of the input that the record has, and judged with enough gas", async () => {
      const scene = await load();
      const evidence = forged(scene, At.transfer, call(scene, { nonce: 1n }));
      const honest = { ...forged(scene, At.transfer, inputOf(scene, At.transfer)), input: call(scene, { nonce: 1n }) };
      await expectRefusal(scene, honest, "ChannelCourt_WrongInput");
      await expect(accuse(scene, scene.stranger, evidence, { gasLimit: 1_000_000n })).to.be.revertedWithCustomError(
        scene.court,
        "ChannelCourt_TooLittleGas",
      );
    });
  });
});

function single({ height }: RecordHeader) {
  return { first: height, last: height };
}

function withoutSignature(input: Uint8Array): Uint8Array {
  const copy = input.slice();
  // The signature's 65 bytes are padded to 96 at the end.
  copy.fill(0, copy.length - 96);
  return copy;
}

function withFunctions(scene: CourtScene, input: Uint8Array): Uint8Array {
  const coder = scene.ethers.AbiCoder.defaultAbiCoder();
  const type = "tuple(uint256,address,uint64,uint64,uint64,bytes)";
  const [call, signature] = coder.decode([type, "bytes"], input) as unknown as [unknown, string];
  const list = coder.encode(["bytes4[]"], [[scene.abi.getFunction("transfer")!.selector]]);
  return fromHex(coder.encode([type, "bytes"], [call, signature + list.slice(2)]));
}
