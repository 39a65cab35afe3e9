import { expect } from "chai";
import { hexlify } from "ethers";
import { network } from "hardhat";

import { recordStruct } from "../../../src/adapters/chain/channels/challenge-values.ts";
import { genesisAgainst } from "../../../src/channel/genesis-evidence.ts";
import { createSandbox, type Sandbox } from "../../../src/channel/sandbox/sandbox.ts";
import { writesOf } from "../../../src/domain/channel/evidence.ts";
import type { RecordData } from "../../../src/ports/channel-challenges.ts";
import type { Evidence, SlotValue } from "../../../src/ports/channel-court.ts";
import { concatBytes, fromHex } from "../../../src/utils/bytes.ts";
import { keccak256 } from "../../../src/utils/keccak.ts";
import { merkleProof, merkleRoot } from "../../../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { deployHub, FINE, hashOfSettlement, peerAt, settlementOf, State, votesOf } from "../helpers/channels.ts";
import { accuse, type CourtScene, createCourtScene, openReplay, recordAt } from "../helpers/court.ts";
import { hashOfSet } from "../helpers/replay.ts";

const { ethers, networkHelpers } = await network.create();

const MEMBERS = 4;
const WINDOW = 600n;
const BOND = 10n ** 18n;
const RECORDS = 0n;
const NOTHING = new Uint8Array();
const filled = new Uint8Array(32).fill(9);
const zero = new Uint8Array(32);

/** Joins of four members; three of them are the cartel. */
async function played(): Promise<CourtScene> {
  const scene = await createCourtScene(await deployHub(ethers, 6), MEMBERS, { fineWei: FINE, windowSeconds: WINDOW });
  await scene.takeInbox();
  return scene;
}
const load = async (): Promise<CourtScene> => await networkHelpers.loadFixture(played);

const packed = (set: readonly SlotValue[]): Uint8Array =>
  concatBytes(...set.flatMap(({ slot, value }) => [slot, value]));
const valuesBefore = (scene: CourtScene): SlotValue[] =>
  recordAt(scene, 0).touched.map(({ slot, before }) => ({ slot, value: before }));

/** A record 0 as somebody shows it. */
interface Lie {
  readonly header?: Partial<RecordHeader>;
  readonly input?: Uint8Array;
  readonly touched?: readonly SlotValue[];
  readonly writes?: readonly SlotValue[];
}

interface Told {
  readonly proposal: bigint;
  readonly genesis: RecordData;
  readonly touched: readonly SlotValue[];
  /** From record 1 on. */
  readonly headers: readonly RecordHeader[];
  record(height: number): RecordData;
}

/** The cartel votes for a first settlement behind this record 0; `decoys` are further records that it has. */
async function pass(scene: CourtScene, lie: Lie = {}, decoys: readonly RecordHeader[] = []): Promise<Told> {
  const own = recordAt(scene, 0);
  const { input = own.body.input, touched = valuesBefore(scene), writes = writesOf(own.touched) } = lie;
  const hashes = { inputHash: keccak256(input), touchedHash: hashOfSet(touched), writesHash: hashOfSet(writes) };
  const genesis: RecordData = {
    header: { ...own.header, ...hashes, ...lie.header },
    input,
    touched: packed(touched),
    writes: packed(writes),
    proof: [],
  };
  const headers: RecordHeader[] = [];
  for (const { header } of scene.records.slice(1)) {
    headers.push({ ...header, previous: hashRecord(headers.at(-1) ?? genesis.header) });
  }
  const leaves = [...headers, ...decoys].map(hashRecord);
  const head = headers.at(-1)!;
  const settlement = await settlementOf(scene, {
    toHeight: BigInt(head.height),
    timeMs: BigInt(head.timeMs),
    head: hexlify(hashRecord(head)),
    recordsRoot: hexlify(merkleRoot(leaves)),
    stateRoot: hexlify(head.stateRoot),
    inboxCursor: BigInt(head.inboxCursor),
  });
  const votes = await votesOf(scene, scene.peers.slice(0, MEMBERS - 1), hashOfSettlement(settlement));
  await scene.hub.settle(settlement, [], votes);
  const record = (height: number): RecordData => {
    const { body, touched: slots } = recordAt(scene, height);
    const before = slots.map(({ slot, before: value }) => ({ slot, value }));
    const proof = merkleProof(leaves, height - 1);
    const sets = { touched: packed(before), writes: packed(writesOf(slots)) };
    return { header: headers[height - 1]!, input: body.input, ...sets, proof };
  };
  return { proposal: await scene.hub.proposalCount(scene.channel), genesis, touched, headers, record };
}

const honestOf = (scene: CourtScene) => peerAt(scene, MEMBERS - 1).account;
const stateOf = async ({ hub, channel }: CourtScene, proposal: bigint) =>
  (await hub.proposalOf(channel, proposal)).state;

async function demand(scene: CourtScene, { proposal }: Told, first = 0n, last = 1n) {
  const { hub, channel } = scene;
  return await hub.connect(honestOf(scene)).demandData(channel, proposal, RECORDS, first, last, { value: BOND });
}

async function answer(scene: CourtScene, { proposal }: Told, records: readonly RecordData[]) {
  const { hub, channel, stranger } = scene;
  return await hub.connect(stranger).answerRecords(channel, proposal, honestOf(scene), records.map(recordStruct));
}

async function emptyState(scene: CourtScene): Promise<Sandbox> {
  return await createSandbox({
    address: `0x${scene.program.slice(2).toLowerCase()}`,
    code: fromHex(await scene.ethers.provider.getCode(scene.program)),
    ticks: { tickMs: 0, maxCatchUpTicks: 0, genesisMs: 0 },
  });
}

/** What the honest node makes of what it was shown, with what the chain runs again loaded. */
async function evidenceOf(scene: CourtScene, told: Told): Promise<Evidence> {
  const { header, proof } = told.record(1);
  const record = { header, proof, proposal: told.proposal };
  const shown = { header: told.genesis.header, touched: told.touched };
  const evidence = genesisAgainst({ record, shown, genesis: recordAt(scene, 0) }, await emptyState(scene));
  if (evidence.fault !== "falseGenesisResult") return evidence;
  return { ...evidence, openedIn: await openReplay(scene, zero, evidence) };
}

describe("ChannelHub, of record 0", () => {
  it("should undo a theft behind a record 0 that nobody shows", async () => {
    const scene = await load();
    const { hub, channel, stranger } = scene;
    const told = await pass(scene, { header: { stateRoot: filled } });
    await demand(scene, told);
    const { deadline } = await hub.demandOf(channel, told.proposal, honestOf(scene));
    await networkHelpers.time.increaseTo(deadline);
    await expect(hub.connect(stranger).resolveDemand(channel, told.proposal, honestOf(scene))).to.emit(
      hub,
      "SettlementVoided",
    );
    expect(await stateOf(scene, told.proposal)).to.equal(State.Rejected);
    expect(await hub.creditOf(channel, honestOf(scene))).to.equal(BOND);
  });

  it("should take it from nobody but with the record 1 that names it, whole and without siblings", async () => {
    const scene = await load();
    const { hub, channel } = scene;
    const told = await pass(scene);
    const first = told.record(1);
    for (const [from, to] of [
      [0n, 0n],
      [0n, 5n],
    ] as const) {
      await expect(demand(scene, told, from, to)).to.be.revertedWithCustomError(hub, "ChannelHub_BadDemand");
    }
    await demand(scene, told, 0n, 2n);
    const { genesis } = told;
    for (const records of [
      [genesis],
      [first],
      [{ ...genesis, header: { ...genesis.header, timeMs: 1 } }, first],
      [{ ...genesis, header: { ...genesis.header, height: 1 } }, first],
      [{ ...genesis, input: filled }, first],
      [{ ...genesis, touched: NOTHING }, first],
      [{ ...genesis, writes: NOTHING }, first],
      // It would be paid for.
      [{ ...genesis, proof: [filled] }, first],
      // One that is none of the settlement's names another one.
      [genesis, { ...first, header: { ...first.header, gasUsed: 7 } }],
      [genesis, told.record(2)],
    ]) {
      await expect(answer(scene, told, records)).to.be.revertedWithCustomError(hub, "ChannelHub_WrongAnswer");
    }
    await expect(answer(scene, told, [genesis, first])).to.emit(hub, "RecordsShown");
    expect((await hub.demandOf(channel, told.proposal, honestOf(scene))).next).to.equal(2n);
    await answer(scene, told, [told.record(2)]);
    expect(await hub.creditOf(channel, honestOf(scene))).to.be.below(BOND);
    expect(await stateOf(scene, told.proposal)).to.equal(State.Pending);
  });

  it("should have none to ask for once something is final", async () => {
    const scene = await load();
    const { hub, channel } = scene;
    const first = await pass(scene);
    await networkHelpers.time.increase(WINDOW);
    await hub.executeProposal(channel, first.proposal, []);
    const settlement = await settlementOf(scene);
    const votes = await votesOf(scene, scene.peers.slice(0, MEMBERS - 1), hashOfSettlement(settlement));
    await hub.settle(settlement, [], votes);
    const second = { ...first, proposal: await hub.proposalCount(channel) };
    for (const from of [0n, settlement.fromHeight]) {
      await expect(demand(scene, second, BigInt(from), 5n)).to.be.revertedWithCustomError(hub, "ChannelHub_BadDemand");
    }
    await demand(scene, second, 5n, 5n);
  });

  const slotAt = (number: number): Uint8Array => new Uint8Array(32).fill(0xff).fill(number, 30);
  const lies: [string, (scene: CourtScene) => Lie][] = [
    ["another time", () => ({ header: { timeMs: 1 } })],
    ["another state", () => ({ input: filled })],
    ["a term", () => ({ header: { term: 1 } })],
    ["one before it", () => ({ header: { previous: filled } })],
    ["another kind", () => ({ header: { kind: RECORD_KINDS.term } })],
    ["a kind that there is not", () => ({ header: { kind: 200 } })],
    ["an entry taken", () => ({ header: { inboxCursor: 1 } })],
    ["a root that its writes do not lead to", () => ({ header: { stateRoot: filled } })],
    ["other writes", () => ({ writes: [{ slot: filled, value: filled }], header: { stateRoot: filled } })],
    ["no writes", () => ({ writes: [], header: { stateRoot: zero } })],
    ["another status", () => ({ header: { status: 0 } })],
    ["a status that there is not", () => ({ header: { status: 9 } })],
    ["other gas", (scene) => ({ header: { gasUsed: recordAt(scene, 0).header.gasUsed + 1 } })],
    ["another return", () => ({ header: { returnHash: filled } })],
    [
      "a slot that held something",
      (scene) => ({ touched: valuesBefore(scene).map((each) => ({ ...each, value: filled })) }),
    ],
    ["a slot left out", (scene) => ({ touched: valuesBefore(scene).slice(1) })],
    ["no slots", () => ({ touched: [] })],
    ["a slot too many", (scene) => ({ touched: [...valuesBefore(scene), { slot: slotAt(0xff), value: zero }] })],
    ["slots in another order", (scene) => ({ touched: valuesBefore(scene).toReversed() })],
    [
      "more slots than it may have, so that nothing was written",
      (scene) => ({
        touched: [...valuesBefore(scene), ...Array.from({ length: 140 }, (_, i) => ({ slot: slotAt(i), value: zero }))],
        writes: [],
        header: { status: 2, stateRoot: zero },
      }),
    ],
  ];
  for (const [name, lie] of lies) {
    it(`should undo one with a shown record 0 that has ${name}`, async () => {
      const scene = await load();
      const told = await pass(scene, lie(scene));
      await demand(scene, told);
      await answer(scene, told, [told.genesis, told.record(1)]);
      expect(await stateOf(scene, told.proposal)).to.equal(State.Pending);
      await expect(accuse(scene, scene.stranger, await evidenceOf(scene, told))).to.emit(scene.hub, "SettlementVoided");
      expect(await stateOf(scene, told.proposal)).to.equal(State.Rejected);
    });
  }

  it("should let the true one stand, whatever it is accused of", async () => {
    const scene = await load();
    const { court, hub, channel, stranger } = scene;
    const told = await pass(scene);
    await demand(scene, told);
    await answer(scene, told, [told.genesis, told.record(1)]);
    const own = recordAt(scene, 0);
    const place = {
      record: { header: told.record(1).header, proof: told.record(1).proof, proposal: told.proposal },
      before: own.header,
    };
    const writes = writesOf(own.touched);
    const rootFault = genesisAgainst(
      { record: place.record, shown: { header: { ...own.header, stateRoot: filled }, touched: [] }, genesis: own },
      await emptyState(scene),
    );
    if (rootFault.fault !== "falseGenesis") throw new Error("another fault");
    expect(rootFault.writes).to.deep.equal(writes);
    const replayed = { input: own.body.input, touched: valuesBefore(scene), besides: [] };
    const openedIn = await openReplay(scene, zero, replayed);
    for (const evidence of [
      { ...rootFault, ...place },
      { fault: "falseGenesisResult", ...place, ...replayed, openedIn },
    ] as const) {
      await expect(accuse(scene, stranger, evidence)).to.be.revertedWithCustomError(court, "ChannelCourt_NoFault");
    }
    for (const [evidence, error] of [
      [{ ...rootFault, ...place, writes: [], proofs: [] }, "ChannelCourt_WrongSet"],
      [{ ...rootFault, ...place, before: { ...own.header, timeMs: 1 } }, "ChannelCourt_NotBefore"],
    ] as const) {
      await expect(accuse(scene, stranger, evidence)).to.be.revertedWithCustomError(court, error);
    }
    await networkHelpers.time.increase(WINDOW);
    await hub.executeProposal(channel, told.proposal, []);
    expect(await stateOf(scene, told.proposal)).to.equal(State.Final);
  });

  it("should undo one that has two records 1, of which the other one names the true record 0", async () => {
    const scene = await load();
    const honest = recordAt(scene, 1).header;
    const told = await pass(scene, { header: { stateRoot: filled } }, [honest]);
    await demand(scene, told);
    const leaves = [...told.headers, honest].map(hashRecord);
    const decoy = { ...told.record(1), header: honest, proof: merkleProof(leaves, leaves.length - 1) };
    const genesis = { ...told.genesis, header: recordAt(scene, 0).header };
    await answer(scene, told, [genesis, decoy]);
    const { header, proof } = told.record(2);
    const { proposal } = told;
    await accuse(scene, scene.stranger, {
      fault: "unlinked",
      record: { header, proof, proposal },
      signedBefore: { header: honest, proof: decoy.proof, proposal },
    });
    expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
  });
});
