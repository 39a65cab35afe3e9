import { concat, hexlify, id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import {
  accuse,
  asApp,
  assetKeyOf,
  type Change,
  changesFrom,
  changesRootOf,
  channelOf,
  chunkHashesOf,
  CHUNK,
  CONFIG,
  deployHub,
  hashOfPunishment,
  hashOfSettlement,
  type Hub,
  type HubConfig,
  INITIAL_STATE,
  join,
  Kind,
  ledgerChanges,
  ledgerSlot,
  type Made,
  Mode,
  Option,
  peerAt,
  propose,
  punishmentOf,
  settlementOf,
  FINE,
  STAKE,
  votesOf,
  wordOf,
} from "../test/contracts/helpers/channels.ts";
import { acksOf, tell, type Telling } from "../test/contracts/helpers/channel-states.ts";
import {
  accuse as accuseInCourt,
  commit,
  createCourtScene,
  openAt,
  openIn,
  recordAt,
  userOf,
} from "../test/contracts/helpers/court.ts";
import { StateTreeModel } from "../test/helpers/state-tree-model.ts";
import { headerStruct, openingStruct } from "../src/adapters/chain/channels/court-values.ts";
import { hubProofOf } from "../src/channel/hub-proof.ts";
import { writesOf } from "../src/domain/channel/evidence.ts";
import type { Evidence } from "../src/ports/channel-court.ts";
import { fromHex } from "../src/utils/bytes.ts";
import { signAck } from "../src/wire/channel/batch.ts";
import { merkleRoot } from "../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS } from "../src/wire/channel/record.ts";
import { measureReplay } from "./gas-rows-replay.ts";
import type { ReportRow } from "./report.ts";

const MEMBERS = 20;
/** A quorum of them. */
const VOTERS = 14;
/** Of the scripted app: it hears, and does nothing. */
const FORGET = 3;
/** Slots that a settlement changes. */
const SIZES = [10, 100, 700];
/** Changes that one transaction pays for when all are new. */
const WHOLE = 512;
/** Of k overwritten slots, with the votes. */
const overwrittenTarget = (slots: number): number => 8_000 * slots + 200_000;
/** Calls that one settlement stands for. */
const BATCHES = [1_000, 10_000];
/** Slots that so many transfers among a hundred accounts change. */
const ACCOUNTS = 100;
const EXIT_WINDOW = 600n;
const EXIT_TARGET = 200_000;
/** DataKind, as the contracts number it. */
const [RECORDS, CHANGES] = [0n, 1n];
const ETHER_KEY = assetKeyOf("0x0000000000000000000000000000000000000000");

interface Sent {
  wait(): Promise<{ readonly gasUsed: bigint } | null>;
}

/** Gas of what apps, members and users of channels do, each transaction whole, measured on chains made for it. */
export async function measureChannelGas(): Promise<ReportRow[]> {
  return [
    ...(await measureLife()),
    ...(await measureExit()),
    ...(await measureChallenges()),
    ...(await measureSettlements()),
    ...(await measureAbsence()),
    ...(await measureCalls()),
    ...(await measureCourt()),
    ...(await measureReplays()),
  ];
}

async function gasOf(sent: Promise<Sent>): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a transaction was not mined");
  return Number(receipt.gasUsed);
}

function row(name: string, value: number, target?: number): ReportRow {
  return target === undefined
    ? { name, value, unit: "gas" }
    : { name, value, unit: "gas", target, met: value <= target };
}

async function newHub(peers: number): Promise<Hub> {
  const { ethers } = await network.create();
  const base = await deployHub(ethers, peers);
  await base.app.setHearing(FORGET, "0x");
  return base;
}

const quorumOf = ({ peers }: Hub): Hub["peers"] => peers.slice(0, VOTERS);

/** What a member needs that leaves alone. */
async function measureExit(): Promise<ReportRow[]> {
  const { ethers, networkHelpers } = await network.create();
  const base = await deployHub(ethers, 5);
  const made = await channelOf(base, 4, { windowSeconds: EXIT_WINDOW });
  const { hub, channel } = made;
  const leaver = peerAt(made, 4);
  await join(made, leaver, { assets: [{ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: 100n }] });
  const state = new StateTreeModel();
  const changes = ledgerChanges([["owned", leaver.account.address, ETHER_KEY, 100n]]);
  const told = await tell(made, state, changes);
  const rows: ReportRow[] = [];
  const measure = async (name: string, sent: Promise<Sent>): Promise<void> => {
    rows.push(row(`ChannelHub.${name}`, await gasOf(sent)));
  };
  await measure("requestExit, alone", hub.connect(leaver.account).requestExit(channel));
  const { leftAt } = await hub.memberOf(channel, leaver.account);
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, leftAt));
  if (event === undefined) throw new Error("the leave is not in the inbox");
  const { index, kind, account, timeMs, data } = event.args;
  await networkHelpers.time.increase(3n * EXIT_WINDOW);
  await measure("freeze", hub.freeze(channel, { index, kind, account, timeMs, data }));
  const acks = await acksOf(made, made.peers.slice(0, 4), told.header);
  await measure("bring, 4 acks and a change", hub.bring(told.settlement, told.headerStruct, acks, told.changes));
  await networkHelpers.time.increase(EXIT_WINDOW);
  await measure("conclude, 5 members", hub.conclude(channel));
  const proofs = (["exits", "owned"] as const).map((ledger) =>
    state.prove(ledgerSlot(ledger, leaver.account.address, ETHER_KEY)),
  );
  const [exits, owned] = proofs;
  if (exits === undefined || owned === undefined) throw new Error("no proofs");
  await measure("claimByProof, ether of a frozen channel", hub.claimByProof(channel, account, ETHER_KEY, exits, owned));
  // What each member needs; a channel is frozen and concluded once, by anybody.
  const own = rows.filter(({ name }) => /requestExit|claimByProof/u.test(name));
  rows.push(
    row(
      "ChannelHub, an exit: requestExit and claimByProof",
      own.reduce((sum, { value }) => sum + value, 0),
      EXIT_TARGET,
    ),
  );
  return rows;
}

/** Proofs against a settlement, and demands for its data, in a channel of four. */
async function measureChallenges(): Promise<ReportRow[]> {
  const { ethers, networkHelpers } = await network.create();
  const base = await deployHub(ethers, 5);
  const rows: ReportRow[] = [];
  const measure = async (name: string, sent: Promise<Sent>): Promise<void> => {
    rows.push(row(`ChannelHub.${name}`, await gasOf(sent)));
  };
  const config = { windowSeconds: EXIT_WINDOW, stakeWei: STAKE, fineWei: FINE };
  const slots = ledgerChanges(
    base.peers.slice(0, 4).map(({ account }) => ["owned", account.address, ETHER_KEY, 100n] as const),
  );
  const [slot] = slots;
  if (slot === undefined) throw new Error("no slots");
  /** Each in a channel of its own, since who voted is banned by a proof. */
  const passed = async (telling: Telling) => {
    const made = await channelOf(base, 4, config);
    const state = new StateTreeModel();
    const told = await tell(made, state, slots, telling);
    const votes = await votesOf(made, made.peers.slice(0, 3), hashOfSettlement(told.settlement));
    await made.hub.settle(told.settlement, [], votes);
    const part = { chunkHashes: chunkHashesOf(told.changes), first: 0n, changes: told.changes };
    return { ...made, told, part, proof: state.prove(slot.slot), proposal: await made.hub.proposalCount(made.channel) };
  };
  const nothing = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };

  const head = await passed({ settlement: { stateRoot: id("another") } });
  const { hub } = head;
  await measure("proveHead, 3 voters", hub.proveHead(head.channel, head.proposal, head.told.headerStruct, []));
  const wrong = slots.map((change) => (change === slot ? { ...change, newValue: wordOf(7n) } : change));
  const changed = await passed({ changes: wrong });
  await measure(
    "proveChange, of 4, 3 voters",
    hub.proveChange(changed.channel, changed.proposal, changed.part, 0n, nothing, changed.proof),
  );
  const omitted = await passed({ changes: slots.slice(1) });
  await measure(
    "proveOmission, of 4, 3 voters",
    hub.proveOmission(omitted.channel, omitted.proposal, omitted.part, slot.slot, nothing, omitted.proof),
  );

  const true_ = await passed({});
  const asking = hub.connect(peerAt(base, 3).account);
  const member = peerAt(base, 3).account;
  const value = STAKE;
  const at = [true_.channel, true_.proposal] as const;
  await measure("demandData, the first", asking.demandData(...at, RECORDS, 1n, 3n, { value }));
  const records = [1n, 2n, 3n].map((height) => true_.told.record(height));
  await measure("answerRecords, 3 small ones", hub.answerRecords(...at, member, records));
  await asking.demandData(...at, CHANGES, 0n, 0n, { value });
  await measure(
    "answerChanges, 4 changes",
    hub.answerChanges(...at, member, true_.part.chunkHashes, true_.part.changes),
  );
  await asking.demandData(...at, RECORDS, 1n, 1n, { value });
  await networkHelpers.time.increase(2n * EXIT_WINDOW);
  await measure("resolveDemand, which voids a settlement", hub.resolveDemand(...at, member));
  return rows;
}

async function measureLife(): Promise<ReportRow[]> {
  const base = await newHub(5);
  const { hub, pool } = base;
  const rows: ReportRow[] = [];
  const measure = async (name: string, sent: Promise<Sent>): Promise<void> => {
    rows.push(row(`ChannelHub.${name}`, await gasOf(sent)));
  };
  const program = await base.ethers.deployContract("TokenProgram");
  await measure("registerProgram, a token", hub.registerProgram(program));
  const config = { ...CONFIG, stakeWei: STAKE };
  await measure("create", asApp(base, 0n, "create", [base.program, INITIAL_STATE, config, []]));
  const made = await channelOf(base, 2, { stakeWei: STAKE });
  const [first, second, third, pooled] = [peerAt(base, 0), peerAt(base, 1), peerAt(base, 2), peerAt(base, 3)];
  await measure("join, with a stake", join(made, third));
  await pool.deposit(pooled.account, { value: 2n * STAKE });
  await measure(
    "join, with a stake from the pool",
    join(made, pooled, { consent: { stakeSource: await pool.getAddress() } }),
  );
  const assets = [{ kind: Kind.Ether, token: "0x0000000000000000000000000000000000000000", id: 0n, amount: 100n }];
  await measure("join, with a stake and ether", join(made, peerAt(base, 4), { assets }));
  await measure("keepAlive", hub.connect(first.account).keepAlive(made.channel, []));
  const settlement = await settlementOf(made);
  const proposal = await propose(made, first, settlement);
  rows.push(row("ChannelHub.createProposal, a settlement", await gasOfLast(base)));
  await measure("vote", hub.connect(second.account).vote(made.channel, proposal, Option.For));
  const votes = await votesOf(made, base.peers.slice(2), hashOfSettlement(settlement));
  await measure("voteBySignatures, 3 votes", hub.voteBySignatures(made.channel, proposal, votes));
  await measure("executeProposal, no changes", hub.executeProposal(made.channel, proposal, []));
  await measure("requestExit", hub.connect(third.account).requestExit(made.channel));
  const ledger = ledgerChanges([["exits", third.account.address, ETHER_KEY, 40n]]);
  await settleWith(made, base.peers, ledger);
  await measure("claim, ether", hub.claim(made.channel, third.account, ETHER_KEY));
  await measure("withdrawStake", hub.connect(third.account).withdrawStake(made.channel, third.account));
  const punishment = await punishmentOf(made, first);
  const accusation = await accuse(made, second, punishment);
  rows.push(row("ChannelHub.createProposal, a punishment", await gasOfLast(base)));
  await hub.voteBySignatures(made.channel, accusation, await votesOf(made, [pooled], hashOfPunishment(punishment)));
  await measure("executeProposal, a punishment", hub.executeProposal(made.channel, accusation, []));
  return rows;
}

async function gasOfLast({ ethers }: Hub): Promise<number> {
  const block = await ethers.provider.getBlock("latest", true);
  const receipt = await ethers.provider.getTransactionReceipt(block?.transactions[0] ?? "");
  return Number(receipt?.gasUsed ?? 0n);
}

type Measured = Made & { readonly isSlots?: boolean };

/** Gas of all transactions that a settlement takes. */
async function settleWith(
  made: Measured,
  voters: readonly Hub["peers"][number][],
  changes: readonly Change[],
  parts: Parameters<typeof settlementOf>[1] = {},
): Promise<number> {
  const settlement = await settlementOf(made, { changesRoot: changesRootOf(changes), ...parts });
  const votes = await votesOf(made, voters, hashOfSettlement(settlement));
  const isWhole = made.isSlots !== false && changes.length <= WHOLE;
  const gas = await gasOf(made.hub.settle(settlement, isWhole ? [...changes] : [], votes));
  return made.isSlots === false || isWhole ? gas : gas + (await applyParts(made, changes));
}

async function applyParts({ hub, channel }: Made, changes: readonly Change[]): Promise<number> {
  const proposal = await hub.proposalCount(channel);
  const hashes = chunkHashesOf(changes);
  let gas = 0;
  for (let first = 0; first < changes.length; first += WHOLE) {
    const part = changes.slice(first, first + WHOLE);
    gas += await gasOf(hub.applyChanges(channel, proposal, hashes, first / CHUNK, part));
  }
  return gas;
}

/** Each with the votes of a quorum of twenty members. */
async function measureSettlements(): Promise<ReportRow[]> {
  const rows: ReportRow[] = [];
  const base = await newHub(MEMBERS);
  for (const mode of ["slots", "root"] as const) {
    const config: Partial<HubConfig> = { mode: mode === "slots" ? Mode.Slots : Mode.Root };
    const made = { ...(await channelOf(base, MEMBERS, config)), isSlots: mode === "slots" };
    await settleWith(made, quorumOf(base), []);
    rows.push(row(`settle, ${mode}, ${VOTERS} votes, no changes`, await settleWith(made, quorumOf(base), [])));
    for (const [index, size] of SIZES.entries()) {
      const start = index * 1_000;
      for (const [what, value, target] of [
        ["new", 1n, undefined],
        ["overwritten", 2n, overwrittenTarget(size)],
      ] as const) {
        const gas = await settleWith(made, quorumOf(base), changesFrom(start, size, value));
        rows.push(row(`settle, ${mode}, ${VOTERS} votes, ${size} ${what} slots`, gas, target));
      }
    }
  }
  rows.push(row("materialise, 10 slots", await measureMaterialise(base)));
  return rows;
}

async function measureMaterialise(base: Hub): Promise<number> {
  const made = await channelOf(base, 1, { mode: Mode.Root });
  const tree = new StateTreeModel();
  const changes = changesFrom(0, 1_000);
  for (const { slot, newValue } of changes) tree.set(slot, newValue);
  await settleWith({ ...made, isSlots: false }, base.peers.slice(0, 1), [], { stateRoot: tree.root() });
  const some = changes.slice(0, 10);
  return await gasOf(
    made.hub.materialise(
      made.channel,
      some.map(({ slot }) => slot),
      some.map(({ newValue }) => newValue),
      some.map(({ slot }) => tree.prove(slot)),
    ),
  );
}

/** Two openings and what compares them, without what the verdict does: a member's seat, its fine, two entries of the inbox. */
const EQUIVOCATION_TARGET = 75_000;
/** Of a replay's two transactions, without the verdict. */
const REPLAY_TARGET = 350_000;
/** Records of the batches that are opened. */
const OPENED = 8;

async function measureCourt(): Promise<ReportRow[]> {
  const base = await newHub(4);
  const scene = await createCourtScene(base, 4, { stakeWei: STAKE, fineWei: FINE });
  await scene.takeInbox();
  const [from, to] = [userOf(1), userOf(2)];
  while (scene.records.length <= OPENED) {
    await scene.play(RECORD_KINDS.call, scene.callInput(from, "transfer", [to.address, 1n]));
  }
  const record = openAt(scene, OPENED);
  const equivocation: Evidence = { fault: "equivocation", record, other: openAt(scene, OPENED, { gasUsed: 1 }) };
  await commit(scene, scene.stranger, equivocation);
  const verdict = await gasOf(accuseInCourt(scene, scene.stranger, equivocation));
  // The same again shows as much and does nothing.
  const shown = await gasOfRefused(base, accuseInCourt(scene, scene.stranger, equivocation, { gasLimit: 1_000_000n }));
  const before = recordAt(scene, OPENED - 1).header;
  await scene.player.revertTo(OPENED - 1);
  const writes = writesOf(recordAt(scene, OPENED).touched);
  const proofs = scene.sandbox.proveWrites(writes).map(({ proof, beside }) => ({
    proof: hubProofOf(proof),
    ...(beside === undefined ? {} : { beside }),
  }));
  const headers = [...scene.headers().slice(1, OPENED), { ...record.header, stateRoot: before.stateRoot }];
  const recordsRoot = hexlify(merkleRoot(headers.map(hashRecord)));
  const toHeight = BigInt(OPENED);
  const proposal = await propose(scene, peerAt(base, 1), await settlementOf(scene, { toHeight, recordsRoot }));
  const falseRoot: Evidence = { fault: "falseRoot", record: openIn(headers, OPENED, proposal), before, writes, proofs };
  return [
    row("ChannelCourt.accuseEquivocation, what it shows", shown, EQUIVOCATION_TARGET),
    row("ChannelCourt.accuseEquivocation, with a ban, a fine and the next term", verdict),
    row(
      `ChannelCourt.accuseFalseRoot, ${writes.length} slots, of a settlement that is void then`,
      await gasOf(accuseInCourt(scene, scene.stranger, falseRoot)),
    ),
  ];
}

async function measureReplays(): Promise<ReportRow[]> {
  const { slots, open, run, runOfGas, verdict } = await measureReplay(await newHub(2));
  const of = `a transfer of ${slots} slots among 100,000`;
  return [
    row(`ChannelReplay.openReplay, ${of}`, open),
    row(`ChannelCourt.runReplay, ${of}, what it shows`, run),
    row(`ChannelCourt.runReplay, ${of}, what it shows of its gas`, runOfGas),
    row(`both transactions of a replay, ${of}`, open + run, REPLAY_TARGET),
    row(`ChannelCourt.runReplay, ${of}, with a ban, a fine and the next term`, verdict),
  ];
}

/** Of a transaction that is mined and refused. */
async function gasOfRefused(base: Hub, sent: Promise<unknown>): Promise<number> {
  await sent.then(
    () => {
      throw new Error("it was not refused");
    },
    () => undefined,
  );
  return await gasOfLast(base);
}

/** A call's share of a settlement of many transfers among a hundred accounts that had something before, against the same transfer made on chain. */
async function measureCalls(): Promise<ReportRow[]> {
  const base = await newHub(MEMBERS);
  const onChain = await measureTransferOnChain(base);
  const rows = [row("a transfer on chain", onChain)];
  for (const mode of ["slots", "root"] as const) {
    const config = { mode: mode === "slots" ? Mode.Slots : Mode.Root };
    const made = { ...(await channelOf(base, MEMBERS, config)), isSlots: mode === "slots" };
    // Balances and nonces of all accounts.
    await settleWith(made, quorumOf(base), changesFrom(0, 2 * ACCOUNTS));
    for (const calls of BATCHES) {
      const gas = await settleWith(made, quorumOf(base), changesFrom(0, 2 * ACCOUNTS, BigInt(calls)));
      rows.push(
        row(`a transfer of ${calls.toLocaleString("en")} in a settlement, ${mode}`, Math.ceil(gas / calls), onChain),
      );
    }
  }
  return rows;
}

/** Who is there: accusations, answers, and what follows from silence. */
async function measureAbsence(): Promise<ReportRow[]> {
  const { ethers, networkHelpers } = await network.create();
  const scene = await createCourtScene(await deployHub(ethers, 4), 3, { answerSeconds: 60n });
  const { absence, hub, channel } = scene;
  await scene.takeInbox();
  await scene.play(RECORD_KINDS.call, scene.callInput(userOf(1), "transfer", [userOf(2).address, 1n]));
  const value = 10n ** 17n;
  const accountOf = (index: number) => peerAt(scene, index).account;
  const ackOf = (index: number, height: number): string => {
    const { header, hash: recordHash } = recordAt(scene, height);
    const ack = { channel, term: header.term, height, recordHash, certified: 0 };
    return hexlify(signAck(scene.domain, ack, fromHex(peerAt(scene, index).key.privateKey)));
  };
  const later = async (): Promise<void> => {
    await networkHelpers.time.increase(61);
  };
  const follower = accountOf(2).address;
  const leader = accountOf(0).address;
  const accuse = async (): Promise<number> => {
    const head = scene.player.head.header.height;
    return await gasOf(
      absence.connect(accountOf(0)).accuse(channel, follower, openingStruct(openAt(scene, head)), { value }),
    );
  };
  const beat = await gasOf(hub.connect(accountOf(1)).keepAlive(channel, []));
  const accusation = await accuse();
  const answer = await gasOf(absence.answerByAck(channel, follower, 0n, ackOf(2, scene.player.head.header.height)));
  await later();
  await accuse();
  await later();
  const silence = await gasOf(absence.resolve(channel, follower));
  await scene.takeInbox();
  const { height } = scene.player.head.header;
  const back = await gasOf(
    absence.connect(accountOf(2)).comeBack(channel, headerStruct(scene.player.head.header), 0n, ackOf(2, height)),
  );
  const ofLeader = await gasOf(absence.connect(accountOf(1)).accuseLeader(channel, 1n, { value }));
  await scene.takeInbox();
  const last = scene.player.head.header.height;
  const acks = [0, 1, 2].map((index) => ({
    member: accountOf(index).address,
    certified: 0n,
    signature: ackOf(index, last),
  }));
  const certificate = await gasOf(
    absence.answerByCertificate(channel, leader, headerStruct(scene.player.head.header), acks),
  );
  await later();
  await absence.connect(accountOf(1)).accuseLeader(channel, 1n, { value });
  await later();
  const replaced = await gasOf(absence.resolve(channel, leader));
  const beating = await createCourtScene(await deployHub(ethers, 4), 3, { aliveSeconds: 45n });
  await later();
  await beating.hub.connect(accountOf(1)).keepAlive(beating.channel, []);
  const applied = await gasOf(beating.absence.connect(accountOf(1)).applyLeader(beating.channel, 1n));
  return [
    row("a heartbeat of a member", beat),
    row("a member accused of a record that it does not ack", accusation),
    row("its ack as an answer", answer),
    row("its absence without an answer", silence),
    row("its coming back", back),
    row("a leader accused", ofLeader),
    row("a certificate of 3 as its answer", certificate),
    row("its absence without an answer, and the next term", replaced),
    row("the office of a leader without a heartbeat, and its absence", applied),
  ];
}

/** The same program as an ordinary contract: its sender is what stands behind the call's data. */
async function measureTransferOnChain(base: Hub): Promise<number> {
  const program = await base.ethers.deployContract("TokenProgram");
  const [from, to] = [peerAt(base, 0).account.address, peerAt(base, 1).account.address];
  const call = async (data: string, sender: string): Promise<number> => {
    const context = concat([sender, "0x0000000000000001", "0x0000000000000001", ZeroHash]);
    return await gasOf(base.owner.sendTransaction({ to: await program.getAddress(), data: concat([data, context]) }));
  };
  const system = `0x${id("sprf.channel.system").slice(26)}`;
  const coder = base.ethers.AbiCoder.defaultAbiCoder();
  const state = coder.encode(["address[]", "uint256"], [[from, to], 1_000n]);
  await call(program.interface.encodeFunctionData("initialize", [state]), system);
  return await call(program.interface.encodeFunctionData("transfer", [to, 10n]), from);
}
