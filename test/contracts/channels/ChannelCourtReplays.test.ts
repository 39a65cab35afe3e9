import { expect } from "chai";
import { hexlify } from "ethers";
import { network } from "hardhat";

import { hubProofOf } from "../../../src/channel/hub-proof.ts";
import { replayAgainst } from "../../../src/channel/gather-evidence.ts";
import { createSandbox } from "../../../src/channel/sandbox/sandbox.ts";
import { writesOf } from "../../../src/domain/channel/evidence.ts";
import type { Evidence, RecordOpening, SlotValue } from "../../../src/ports/channel-court.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { deployHub, FINE, peerAt, propose, settle, settlementOf, State } from "../helpers/channels.ts";
import {
  accuse,
  commit,
  type CourtScene,
  createCourtScene,
  falseResult,
  openAt,
  openIn,
  openReplay,
  recordAt,
  signHeaders,
  userOf,
} from "../helpers/court.ts";
import { hashOfSet } from "../helpers/replay.ts";

const { ethers, networkHelpers } = await network.create();

const MEMBERS = 4;
const [ALICE, BOB] = [userOf(1), userOf(2)];
/** Of the scene's records: the first transfer, and the last one. */
const [TRANSFER, LAST] = [5, 7];
const NO_FAULT = "ChannelCourt_NoFault";
const filled = new Uint8Array(32).fill(9);

async function played(): Promise<CourtScene> {
  const config = { fineWei: FINE, windowSeconds: 600n };
  const scene = await createCourtScene(await deployHub(ethers, 6), MEMBERS, config);
  await scene.takeInbox();
  while (scene.records.length <= LAST) {
    await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 1n]));
  }
  return scene;
}
const load = async (): Promise<CourtScene> => await networkHelpers.loadFixture(played);
/** One whose player may be moved. */
async function sceneOfItsOwn(): Promise<CourtScene> {
  await networkHelpers.loadFixture(empty);
  return await played();
}
const empty = async (): Promise<void> => {};

async function expectConviction(scene: CourtScene, evidence: Evidence, rewardWei = 0n): Promise<void> {
  const { header } = evidence.record;
  await expect(accuse(scene, scene.stranger, evidence))
    .to.emit(scene.hub, "Convicted")
    .withArgs(scene.channel, header.term, header.height, peerAt(scene, 0).account.address, FINE, rewardWei);
}

async function expectRefusal(scene: CourtScene, evidence: Evidence, error: string): Promise<void> {
  await expect(accuse(scene, scene.stranger, evidence)).to.be.revertedWithCustomError(scene.court, error);
}

/** The records from `first` on, of which one is a lie and the next ones follow it. */
function withLie(
  scene: CourtScene,
  height: number,
  change: Partial<RecordHeader>,
  { first = 1 }: { readonly first?: number } = {},
): RecordHeader[] {
  const headers: RecordHeader[] = [];
  for (const header of scene.headers().slice(first)) {
    const last = headers.at(-1);
    const previous = last === undefined ? header.previous : hashRecord(last);
    headers.push({ ...header, previous, ...(header.height === height ? change : {}) });
  }
  return headers;
}

async function proposeRecords(scene: CourtScene, headers: readonly RecordHeader[]): Promise<bigint> {
  const head = headers.at(-1)!;
  const settlement = await settlementOf(scene, {
    toHeight: BigInt(head.height),
    timeMs: BigInt(head.timeMs),
    head: hexlify(hashRecord(head)),
    recordsRoot: hexlify(merkleRoot(headers.map(hashRecord))),
  });
  return await propose(scene, peerAt(scene, 1), settlement);
}

const stateOf = async ({ hub, channel }: CourtScene, id: bigint) => (await hub.proposalOf(channel, id)).state;

/** Record 1 as it is when it follows this record 0. */
const openFirst = (scene: CourtScene, genesis: RecordHeader): RecordOpening =>
  openAt(scene, 1, { previous: hashRecord(genesis) });

describe("ChannelCourt, of results and borders", () => {
  describe("a false result", () => {
    const lies: [string, (scene: CourtScene) => Partial<RecordHeader>][] = [
      ["is another status", () => ({ status: 0 })],
      ["is a unit of gas less", (scene) => ({ gasUsed: recordAt(scene, TRANSFER).header.gasUsed - 1 })],
      ["is a unit of gas more", (scene) => ({ gasUsed: recordAt(scene, TRANSFER).header.gasUsed + 1 })],
      ["is another return", () => ({ returnHash: filled })],
      ["is another write set, also of which nobody has more than the hash", () => ({ writesHash: filled })],
    ];
    for (const [name, lie] of lies) {
      it(name, async () => {
        const scene = await load();
        await expectConviction(scene, await falseResult(scene, TRANSFER, lie(scene)));
      });
    }

    it("is another one of a join as well", async () => {
      const scene = await load();
      await expectConviction(scene, await falseResult(scene, 2, { writesHash: filled }));
    });

    it("is none of those that were played, from the first one on", async () => {
      const scene = await load();
      for (let height = 1; height <= LAST; height += 1) {
        await expectRefusal(scene, await falseResult(scene, height), NO_FAULT);
      }
    });

    it("is run on what anybody has loaded, once for whoever asks", async () => {
      const scene = await load();
      const lie = await falseResult(scene, TRANSFER, { gasUsed: 1 });
      await expectRefusal(scene, { ...lie, record: openAt(scene, TRANSFER) }, NO_FAULT);
      await commit(scene, scene.stranger, lie);
      await expectConviction(scene, lie, FINE / 2n);
      await expect(accuse(scene, scene.owner, lie)).to.be.revertedWithCustomError(
        scene.hub,
        "ChannelHub_AlreadyConvicted",
      );
      // And of another record on the same slots.
      const other = { ...lie, record: openAt(scene, TRANSFER, { returnHash: filled }, 1) };
      await expect(accuse(scene, scene.stranger, other)).to.emit(scene.hub, "Convicted");
    });

    it("makes a settlement void that has it, whose root follows from what it says that it wrote", async () => {
      const scene = await load();
      const headers = withLie(scene, TRANSFER, { writesHash: filled, stateRoot: filled });
      const proposal = await proposeRecords(scene, headers);
      const evidence = await falseResult(scene, TRANSFER, {}, openIn(headers, TRANSFER, proposal));
      await expect(accuse(scene, scene.stranger, evidence))
        .to.emit(scene.hub, "SettlementVoided")
        .and.not.to.emit(scene.hub, "Convicted");
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      const right = await proposeRecords(scene, withLie(scene, TRANSFER, {}));
      const honest = await falseResult(scene, TRANSFER, {}, openIn(withLie(scene, TRANSFER, {}), TRANSFER, right));
      await expectRefusal(scene, honest, NO_FAULT);
    });

    it("needs its slots in an earlier block, and the record before that it names", async () => {
      const scene = await load();
      const lie = await falseResult(scene, TRANSFER, { gasUsed: 1 });
      const replay = await scene.ethers.getContractAt("IChannelReplay", await scene.court.replay());
      const early = { ...lie, openedIn: lie.openedIn! - 1 };
      await expect(accuse(scene, scene.stranger, early)).to.be.revertedWithCustomError(
        replay,
        "ChannelReplay_NotOpened",
      );
      const foreign = { ...lie, before: recordAt(scene, TRANSFER - 2).header };
      await expectRefusal(scene, foreign, "ChannelCourt_NotBefore");
    });
  });

  describe("what a node gathers of a settlement's record", () => {
    /** With the head before the transfer. */
    async function gather(scene: CourtScene, headers: readonly RecordHeader[], touched: readonly SlotValue[]) {
      const proposal = await proposeRecords(scene, headers);
      await scene.player.revertTo(TRANSFER - 1);
      const { input } = recordAt(scene, TRANSFER).body;
      const record = openIn(headers, TRANSFER, proposal);
      const evidence = await replayAgainst(scene, record, { input, touched });
      expect(scene.player.head.header.height).to.equal(TRANSFER - 1);
      return { proposal, evidence };
    }
    const touchedAt = (scene: CourtScene): SlotValue[] =>
      recordAt(scene, TRANSFER).touched.map(({ slot, before }) => ({ slot, value: before }));

    it("is nothing where it is right", async () => {
      const scene = await sceneOfItsOwn();
      const { evidence } = await gather(scene, withLie(scene, TRANSFER, {}), touchedAt(scene));
      expect(evidence).to.equal(undefined);
    });

    for (const [name, left] of [
      ["a false result", undefined],
      ["a touched set that leaves a balance out", 0],
      ["a touched set that leaves another slot out", 1],
      ["a touched set that leaves the last one out", 2],
    ] as const) {
      it(`makes it void for ${name}`, async () => {
        const scene = await sceneOfItsOwn();
        const touched = touchedAt(scene).filter((_, index) => index !== left);
        const lie = { touchedHash: hashOfSet(touched), writesHash: filled, stateRoot: filled };
        const { proposal, evidence } = await gather(scene, withLie(scene, TRANSFER, lie), touched);
        if (evidence?.fault !== "falseResult") throw new Error("nothing was gathered");
        expect(evidence.besides.length).to.equal(left === undefined ? 0 : 1);
        const openedIn = await openReplay(scene, evidence.before.stateRoot, evidence);
        await accuse(scene, scene.stranger, { ...evidence, openedIn });
        expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      });
    }
  });

  describe("record 0", () => {
    const genesisOf = (scene: CourtScene): RecordHeader => recordAt(scene, 0).header;
    const lies: [string, (genesis: RecordHeader) => Partial<RecordHeader>][] = [
      ["of another channel", ({ channel }) => ({ channel: channel + 1n })],
      ["of another time", ({ timeMs }) => ({ timeMs: timeMs + 1 })],
      ["of another state", () => ({ inputHash: filled })],
      ["of a term", () => ({ term: 1 })],
      ["that follows another one", () => ({ previous: filled })],
      ["of another kind", () => ({ kind: RECORD_KINDS.tick })],
      ["that has taken an entry", () => ({ inboxCursor: 1 })],
    ];
    for (const [name, lie] of lies) {
      it(`${name} is not the channel's`, async () => {
        const scene = await load();
        const before = { ...genesisOf(scene), ...lie(genesisOf(scene)) };
        const record = openFirst(scene, before);
        await expectConviction(scene, { fault: "falseGenesis", record, before, writes: [], proofs: [] });
      });
    }

    /** Record 0's writes, with their proofs from the empty root on. */
    async function genesisWrites(scene: CourtScene) {
      const writes = writesOf(recordAt(scene, 0).touched);
      const empty = await createSandbox({
        address: `0x${scene.program.slice(2).toLowerCase()}`,
        code: fromHex(await scene.ethers.provider.getCode(scene.program)),
        ticks: { tickMs: 0, maxCatchUpTicks: 0, genesisMs: 0 },
      });
      const proofs = empty.proveWrites(writes).map(({ proof }) => ({ proof: hubProofOf(proof) }));
      return { writes, proofs };
    }

    it("has the root that its writes lead to", async () => {
      const scene = await load();
      const { writes, proofs } = await genesisWrites(scene);
      const right = genesisOf(scene);
      const honest: Evidence = { fault: "falseGenesis", record: openAt(scene, 1), before: right, writes, proofs };
      await expectRefusal(scene, honest, NO_FAULT);
      await expectRefusal(scene, { ...honest, writes: [], proofs: [] }, "ChannelCourt_WrongSet");
      const before = { ...right, stateRoot: filled };
      await expectConviction(scene, { ...honest, record: openFirst(scene, before), before });
    });

    it("is run again on the empty state", async () => {
      const scene = await load();
      const { body, touched } = recordAt(scene, 0);
      const right = genesisOf(scene);
      const set = touched.map(({ slot, before }) => ({ slot, value: before }));
      const replayed = { input: body.input, touched: set, besides: [] };
      const openedIn = await openReplay(scene, new Uint8Array(32), replayed);
      const honest: Evidence = {
        fault: "falseGenesisResult",
        record: openAt(scene, 1),
        before: right,
        ...replayed,
        openedIn,
      };
      await expectRefusal(scene, honest, NO_FAULT);
      await expectRefusal(
        scene,
        { ...honest, record: openAt(scene, 2), before: recordAt(scene, 1).header },
        "ChannelCourt_NotGenesis",
      );
      const before = { ...right, writesHash: filled, stateRoot: filled };
      await expectConviction(scene, { ...honest, record: openFirst(scene, before), before });
    });

    it("is shown in a settlement too", async () => {
      const scene = await load();
      const before = { ...genesisOf(scene), timeMs: 1 };
      const headers = withLie(scene, 1, { previous: hashRecord(before) });
      const proposal = await proposeRecords(scene, headers);
      const record = openIn(headers, 1, proposal);
      await accuse(scene, scene.stranger, { fault: "falseGenesis", record, before, writes: [], proofs: [] });
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
    });
  });

  describe("the border of two settlements", () => {
    /** All up to the first transfer is final. */
    async function settled(): Promise<CourtScene> {
      const scene = await played();
      const headers = scene.headers().slice(1, TRANSFER + 1);
      const head = headers.at(-1)!;
      await settle(scene, scene.peers.slice(0, MEMBERS), {
        toHeight: BigInt(TRANSFER),
        timeMs: BigInt(head.timeMs),
        head: hexlify(hashRecord(head)),
        recordsRoot: hexlify(merkleRoot(headers.map(hashRecord))),
        stateRoot: hexlify(head.stateRoot),
        inboxCursor: BigInt(head.inboxCursor),
      });
      expect((await scene.hub.headOf(scene.channel)).height).to.equal(BigInt(TRANSFER));
      return scene;
    }
    const loadSettled = async (): Promise<CourtScene> => await networkHelpers.loadFixture(settled);
    const first = { first: TRANSFER + 1 };

    it("has the faults of any record after another one: time, term, result", async () => {
      const scene = await loadSettled();
      const headers = withLie(scene, TRANSFER + 1, { timeMs: 1 }, first);
      const proposal = await proposeRecords(scene, headers);
      const before = recordAt(scene, TRANSFER).header;
      await accuse(scene, scene.stranger, {
        fault: "misplaced",
        record: openIn(headers, TRANSFER + 1, proposal),
        before,
      });
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      const lied = withLie(scene, TRANSFER + 1, { writesHash: filled, stateRoot: filled }, first);
      const other = await proposeRecords(scene, lied);
      await accuse(
        scene,
        scene.stranger,
        await falseResult(scene, TRANSFER + 1, {}, openIn(lied, TRANSFER + 1, other)),
      );
      expect(await stateOf(scene, other)).to.equal(State.Rejected);
    });
  });

  describe("two batches of a term", () => {
    const alone = (scene: CourtScene, header: RecordHeader): RecordOpening => ({
      header,
      proof: [],
      first: header.height,
      last: header.height,
      signature: signHeaders(scene, [header]),
    });

    it("are linked where one ends and the next one begins", async () => {
      const scene = await load();
      const { header } = recordAt(scene, TRANSFER + 1);
      const signedBefore = alone(scene, recordAt(scene, TRANSFER).header);
      const honest: Evidence = { fault: "unlinked", record: alone(scene, header), signedBefore };
      await expectRefusal(scene, honest, NO_FAULT);
      await expectConviction(scene, { ...honest, record: alone(scene, { ...header, previous: filled }) });
    });
  });
});
