import { expect } from "chai";
import type { Interface } from "ethers";

import { FeatureProgram__factory } from "../../typechain-types/factories/mocks/channels/FeatureProgram__factory.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createMemoryRecordLog } from "../../src/adapters/record-log/memory.ts";
import { followChain } from "../../src/channel/chain-view.ts";
import type { PlayedRecord } from "../../src/channel/player.ts";
import { ownSettlementTo } from "../../src/channel/scratch.ts";
import type { OwnSettlement } from "../../src/domain/channel/settlement-faults.ts";
import type { HubDemand } from "../../src/ports/channel-challenges.ts";
import type { ChannelConfig } from "../../src/ports/channel-hub.ts";
import { settlementOf } from "../../src/domain/channel/settle.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { encodeCallInput } from "../../src/wire/channel/call.ts";
import { merkleProof } from "../../src/wire/channel/merkle.ts";
import { hashRecord, packTouched, packWrites, RECORD_KINDS, type RecordHeader } from "../../src/wire/channel/record.ts";
import { assetKeyOf } from "../../src/wire/channel/asset-key.ts";
import {
  changesRootOf,
  chunksOf,
  hashChunk,
  hashSettlement,
  signVote,
  VOTE_OPTIONS,
  type Settlement,
} from "../../src/wire/channel/settlement.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamInit, type TeamMember } from "../helpers/channel-team.ts";
import { until } from "../helpers/until.ts";

const MEMBERS = 4;
const WINDOW_SECONDS = 600;
const EXIT_SECONDS = 2 * WINDOW_SECONDS + 600;
const STAKE_WEI = 10n ** 18n;
const FINE_WEI = 3n * 10n ** 17n;
const BROUGHT_WEI = 5n * 10n ** 18n;
const FUND_WEI = 10n ** 17n;
const SLOW = { timeoutMs: 60_000 };
const ETHER = `0x${"0".repeat(40)}`;
const ETHER_KEY = assetKeyOf(ETHER, 0n);
const WORD = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const FEATURES: Interface = FeatureProgram__factory.createInterface();
const CONFIG: Partial<ChannelConfig> = { windowSeconds: WINDOW_SECONDS, stakeWei: STAKE_WEI, fineWei: FINE_WEI };

describe("e2e: one honest node guards its channel by itself", function () {
  this.timeout(180_000);
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  let program: NonNullable<TeamInit["program"]>;
  let team: ChannelTeam;
  let watcher: TeamMember | undefined;
  // One each: all put the clock on.
  beforeEach(async () => {
    chain = await startChannelChain();
    program = { address: await chain.deployFeatures(), abi: FEATURES };
    peers = [];
    for (let index = 1; index <= MEMBERS + 1; index += 1) peers.push(await chain.peer(index));
  });
  afterEach(async () => {
    await watcher?.kill();
    watcher = undefined;
    await team.stop();
    await chain.close();
  });

  const pass = async (seconds: number): Promise<void> => {
    await chain.rpc("evm_increaseTime", seconds);
    await chain.rpc("evm_mine");
  };

  /** Members that each brought ether, with records that all have. The last one is honest. */
  async function begin(init: Partial<TeamInit> = {}): Promise<{ cartel: TeamMember[]; honest: TeamMember }> {
    const assets = [{ kind: 0, token: ETHER, id: 0n, amount: BROUGHT_WEI }];
    const members = peers.slice(0, MEMBERS);
    team = await startChannelTeam(chain, members, CONFIG, {
      program,
      assets,
      proves: true,
      node: { dataPatienceMs: 500 },
      ...init,
    });
    return { cartel: team.members.slice(0, -1), honest: team.members.at(-1)! };
  }

  async function play(): Promise<void> {
    const [first] = team.members as [TeamMember];
    await until(() => first.node.leads, SLOW);
    await first.node.submit(team.callOf(0, "setPacked", [5n, true, team.info.app]));
    await team.same();
  }

  /** What is true, by a member's log. */
  async function truth(
    { disk, node, peer }: TeamMember,
    onRecord?: (record: PlayedRecord) => void,
  ): Promise<OwnSettlement> {
    const { info } = team;
    const stop = new AbortController();
    const { hub } = peer;
    const { view, life } = await followChain(
      {
        hub,
        channel: info.channel,
        fromBlock: info.createdInBlock,
        confirmations: 0,
        logger: createMemoryLogger(),
        onNews: () => undefined,
      },
      stop.signal,
    );
    const source = { info, domain: node.domain, hub, chain: view, log: createMemoryRecordLog(disk) };
    const span = { fromHeight: 0, toHeight: node.head.height, mode: info.config.mode };
    const own = await ownSettlementTo(source, span, stop.signal, onRecord);
    stop.abort();
    await life;
    return own!;
  }

  /** Three of four vote for it. */
  async function vote(cartel: readonly TeamMember[], settlement: Settlement): Promise<bigint> {
    const [{ peer, node }] = cartel as [TeamMember];
    const proposalHash = hashSettlement(settlement);
    const { channel } = settlement;
    const option = VOTE_OPTIONS.for;
    const votes = cartel.map(({ peer: { account, keys } }) => ({
      member: account,
      option,
      signature: signVote(node.domain, { channel, proposalHash, option }, keys.messagePrivateKey),
    }));
    const { proposal, isFinal } = await peer.hub.settle(settlement, [], votes);
    expect(isFinal).to.equal(false);
    return proposal;
  }

  const untilVoid = async (proposal: bigint): Promise<void> => {
    const { hub } = peers[0]!;
    const state = async (): Promise<string | undefined> => (await hub.proposal(team.info.channel, proposal))?.state;
    await until(async () => (await state()) === "rejected", { ...SLOW, what: "the settlement is void" });
  };

  it("should undo a root that is not its record's, without a human", async () => {
    const { cartel, honest } = await begin();
    await play();
    const own = await truth(honest);
    for (const member of cartel) await member.kill();
    const { hub } = honest.peer;
    await untilVoid(await vote(cartel, { ...own.settlement, stateRoot: WORD(7) }));
    for (const { peer } of cartel) {
      const { bannedUntilMs, stakeWei } = (await hub.member(team.info.channel, peer.account))!;
      expect(bannedUntilMs).to.be.above(0);
      expect(stakeWei).to.equal(STAKE_WEI - FINE_WEI);
    }
    expect(honest.node.finalHeight).to.equal(0);
    expect(honest.node.trouble).to.equal(undefined);
  });

  it("should ask for changes that are others than its own, and show the one that is wrong", async () => {
    const { cartel, honest } = await begin();
    await play();
    const own = await truth(honest);
    for (const member of cartel) await member.kill();
    const [liar] = cartel as [TeamMember];
    const changes = own.changes.map((change, index) => (index === 1 ? { ...change, newValue: WORD(9) } : change));
    const { channel } = team.info;
    const proposal = await vote(cartel, { ...own.settlement, changesRoot: changesRootOf(changes) });
    const isAsked = async (): Promise<boolean> =>
      (await liar.peer.hub.demandOf(channel, proposal, honest.peer.account)).isOpen;
    await until(isAsked, { ...SLOW, what: "the changes are asked for" });
    // It is killed between two steps, and goes on.
    await honest.kill();
    const shown = { chunkHashes: chunksOf(changes).map(hashChunk), first: 0, changes };
    await liar.peer.hub.answerChanges(channel, proposal, honest.peer.account, shown);
    await honest.start();
    await untilVoid(proposal);
  });

  it("should have the court see a record that nobody ever signed, once it is shown", async () => {
    const { cartel, honest } = await begin();
    await play();
    const own = await truth(honest);
    for (const member of cartel) await member.kill();
    const { channel } = team.info;
    // A user's call, that does to the state what the cartel likes, and says that it has touched nothing.
    const input = encodeCallInput(team.callOf(0, "setPacked", [6n, true, team.info.app]));
    const none = keccak256(new Uint8Array());
    const hashes = { inputHash: keccak256(input), touchedHash: none, writesHash: none, stateRoot: WORD(8) };
    const { header: last } = own;
    const header = { ...last, ...hashes, kind: RECORD_KINDS.call, height: last.height + 1, previous: hashRecord(last) };
    const recordHashes = [...own.recordHashes, hashRecord(header)];
    const { changes } = own;
    const mode = team.info.config.mode;
    const settlement = settlementOf({ fromHeight: 0, header, head: hashRecord(header), recordHashes, changes, mode });
    const proposal = await vote(cartel, settlement);
    const [{ peer: liar }] = cartel as [TeamMember];
    const isAsked = async (): Promise<boolean> =>
      (await liar.hub.demandOf(channel, proposal, honest.peer.account)).isOpen;
    await until(isAsked, { ...SLOW, what: "the record is asked for" });
    const empty = new Uint8Array();
    const proof = merkleProof(recordHashes, recordHashes.length - 1);
    const record = { header, input, touched: empty, writes: empty, proof };
    await liar.hub.answerRecords(channel, proposal, honest.peer.account, [record]);
    await untilVoid(proposal);
  });

  it("should have the court run a record 0 that is not the channel's, once it is shown", async () => {
    const { cartel, honest } = await begin();
    await play();
    const played: PlayedRecord[] = [];
    const own = await truth(honest, (record) => played.push(record));
    for (const member of cartel) await member.kill();
    const { channel } = team.info;
    const { hub } = cartel[0]!.peer;
    const headers: RecordHeader[] = [];
    for (const { header } of played) {
      const last = headers.at(-1);
      const lie = last === undefined ? { gasUsed: header.gasUsed + 1 } : { previous: hashRecord(last) };
      headers.push({ ...header, ...lie });
    }
    const recordHashes = headers.slice(1).map(hashRecord);
    const header = headers.at(-1)!;
    const { changes } = own;
    const { mode } = team.info.config;
    const told = { fromHeight: 0, header, head: hashRecord(header), recordHashes, changes, mode };
    const proposal = await vote(cartel, settlementOf(told));
    const records = played.map(({ body, touched }, height) => ({
      header: headers[height]!,
      input: body.input,
      touched: packTouched(touched),
      writes: packWrites(touched),
      proof: height === 0 ? [] : merkleProof(recordHashes, height - 1),
    }));
    for (const first of [1, 0]) {
      const asked = async (): Promise<HubDemand> => await hub.demandOf(channel, proposal, honest.peer.account);
      const isAsked = async (): Promise<boolean> => (await asked()).isOpen && (await asked()).next === first;
      await until(isAsked, { ...SLOW, what: `the records from ${first} on are asked for` });
      await hub.answerRecords(channel, proposal, honest.peer.account, records.slice(first, (await asked()).last + 1));
    }
    await untilVoid(proposal);
  });

  it("should make a settlement void whose records nobody shows", async () => {
    const { cartel, honest } = await begin();
    await play();
    const { settlement } = await truth(honest);
    for (const member of cartel) await member.kill();
    const { channel } = team.info;
    const hidden = { ...settlement, toHeight: settlement.toHeight + 3, head: WORD(3), recordsRoot: WORD(4) };
    const proposal = await vote(cartel, { ...hidden, stateRoot: WORD(5), changesRoot: WORD(6) });
    const { hub, account } = honest.peer;
    await until(async () => (await hub.demandOf(channel, proposal, account)).isOpen, {
      ...SLOW,
      what: "the records are asked for",
    });
    await pass(WINDOW_SECONDS + 1);
    await untilVoid(proposal);
    expect((await hub.head(channel)).height).to.equal(0);
  });

  it("should answer for a true settlement whose proposer is silent", async () => {
    const { cartel, honest } = await begin();
    await play();
    const { settlement } = await truth(honest);
    for (const member of cartel) await member.kill();
    const { channel } = team.info;
    const proposal = await vote(cartel, settlement);
    const { hub, account } = cartel[0]!.peer;
    await hub.demandData(channel, proposal, { kind: "records", first: 0, last: settlement.toHeight });
    const isAnswered = async (): Promise<boolean> => !(await hub.demandOf(channel, proposal, account)).isOpen;
    await until(isAnswered, { ...SLOW, what: "the records are shown" });
    expect(await hub.creditWei(channel, honest.peer.account)).to.be.above(0n);
    expect((await hub.proposal(channel, proposal))!.state).to.equal("pending");
  });

  it("should leave a dead quorum with what its member owns", async () => {
    const { cartel, honest } = await begin();
    await play();
    for (const member of cartel) await member.kill();
    const { hub, account } = honest.peer;
    const { channel } = team.info;
    const { height } = honest.node.head;
    await hub.requestExit(channel);
    await pass(EXIT_SECONDS + 1);
    await until(async () => (await hub.freezeOf(channel)).best !== 0n, { ...SLOW, what: "frozen, and brought" });
    await honest.kill();
    await honest.start();
    await pass(WINDOW_SECONDS + 1);
    await until(async () => (await hub.channel(channel))!.isClosed, { ...SLOW, what: "concluded" });
    expect((await hub.head(channel)).height).to.equal(height);
    const isClaimed = async (): Promise<boolean> => (await hub.paid(channel, account, ETHER_KEY)) === BROUGHT_WEI;
    await until(isClaimed, { ...SLOW, what: "claimed" });
    await until(async () => (await hub.creditWei(channel, account)) === 0n, { ...SLOW, what: "the stake too" });
  });

  it("should be done by a watcher for a member that is offline, which the channel's fund pays", async () => {
    const { cartel, honest } = await begin({ isAway: () => true });
    const guest = peers[MEMBERS]!;
    const { channel } = team.info;
    await honest.peer.watch.appoint(channel, guest.signer);
    await honest.peer.watch.give(channel, FUND_WEI);
    for (const member of team.members) await member.start();
    watcher = team.watcher(guest);
    await watcher.start();
    await play();
    await team.same([...team.members, watcher]);
    const own = await truth(watcher);
    for (const member of team.members) await member.kill();
    const proposal = await vote(cartel, { ...own.settlement, timeMs: own.settlement.timeMs + 1 });
    await untilVoid(proposal);
    const paidWei = await guest.watch.creditWei();
    expect(paidWei).to.be.above(0n);
    expect(await guest.watch.fundWei(channel)).to.equal(FUND_WEI - paidWei);
    await guest.watch.withdraw();
    expect(await guest.watch.creditWei()).to.equal(0n);
  });

  it("should have a watcher convict a leader that lies where every other member is offline, which the fund pays", async () => {
    await begin({ isAway: () => true });
    const guest = peers[MEMBERS]!;
    const { channel } = team.info;
    const [liar, ...others] = team.members as [TeamMember, ...TeamMember[]];
    await liar.peer.watch.appoint(channel, guest.signer);
    await liar.peer.watch.give(channel, FUND_WEI);
    await liar.node.start();
    for (const member of others) await member.start();
    watcher = team.watcher(guest);
    await watcher.start();
    await play();
    await team.same([...team.members, watcher]);
    for (const member of others) await member.kill();
    liar.network.lieAbout("a wrong result", {
      node: liar.node,
      instead: team.callOf(1, "setPacked", [6n, false, ETHER]),
    });
    await liar.node.submit(team.callOf(0, "setPacked", [7n, true, team.info.app]));
    const banned = async (): Promise<number> =>
      (await guest.hub.member(channel, liar.peer.account))?.bannedUntilMs ?? 0;
    await until(async () => (await banned()) > 0, { ...SLOW, what: "the leader is banned" });
    expect((await guest.hub.member(channel, liar.peer.account))!.stakeWei).to.equal(STAKE_WEI - FINE_WEI);
    const paidWei = await guest.watch.creditWei();
    expect(paidWei).to.be.above(0n);
    expect(await guest.watch.fundWei(channel)).to.equal(FUND_WEI - paidWei);
  });
});
