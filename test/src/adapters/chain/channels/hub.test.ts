import { expect } from "chai";
import { keccak256 } from "ethers";

import { SprfError } from "../../../../../src/errors.ts";
import type { ChannelInfo, HubNews, HubVote } from "../../../../../src/ports/channel-hub.ts";
import { fromHex, toHex } from "../../../../../src/utils/bytes.ts";
import { channelDomain } from "../../../../../src/wire/channel/domain.ts";
import { contentOf, hashInboxEntry } from "../../../../../src/wire/channel/inbox-entry.ts";
import {
  changesRootOf,
  type Change,
  hashPunishment,
  hashSettlement,
  PUNISHMENT_REASONS,
  SETTLEMENT_MODES,
  type Settlement,
  signVote,
  VOTE_OPTIONS,
} from "../../../../../src/wire/channel/settlement.ts";
import { assetKeyOf, ledgerChanges, ledgerSlot, requestSlot, wordOf } from "../../../../contracts/helpers/channels.ts";
import { type ChannelChain, type ChannelPeer, startChannelChain } from "../../../../helpers/channel-chain.ts";
import { codeOf } from "../../../../helpers/code-of.ts";
import { StateTreeModel } from "../../../../helpers/state-tree-model.ts";
import { until } from "../../../../helpers/until.ts";

const ZERO_WORD = new Uint8Array(32);
const COUNT_SELECTOR = fromHex("06661abd");
const ETHER = `0x${"0".repeat(40)}`;
const ETHER_KEY = fromHex(assetKeyOf(ETHER));
const BLOCKS = 3;

const word = (value: bigint): Uint8Array => fromHex(wordOf(value));
const changesOf = (count: number, value: bigint): Change[] =>
  Array.from({ length: count }, (_, i) => ({ slot: word(BigInt(i)), oldValue: ZERO_WORD, newValue: word(value) }));

describe("adapters/chain/channels", () => {
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  let info: ChannelInfo;
  before(async () => {
    chain = await startChannelChain();
    peers = [await chain.peer(1), await chain.peer(2), await chain.peer(3)];
  });
  after(async () => await chain?.close());

  const peerAt = (index: number): ChannelPeer => {
    const peer = peers[index];
    if (peer === undefined) throw new Error("there is no such peer");
    return peer;
  };
  const make = async (config: Parameters<ChannelChain["create"]>[0] = {}, members = 2): Promise<ChannelPeer> => {
    info = await chain.create(config);
    for (const peer of peers.slice(0, members)) await chain.join(info, peer);
    return peerAt(0);
  };
  const settlementOf = async (
    changes: readonly Change[] = [],
    parts: Partial<Settlement> = {},
  ): Promise<Settlement> => {
    const { hub } = peerAt(0);
    const [head, now] = [await hub.head(info.channel), await hub.channel(info.channel)];
    return {
      channel: info.channel,
      fromHeight: head.height,
      toHeight: head.height + 5,
      timeMs: head.timeMs + 1,
      head: word(7n),
      recordsRoot: word(8n),
      stateRoot: word(9n),
      changesRoot: changesRootOf(changes),
      inboxCursor: now?.inboxLength ?? 0,
      mode: info.config.mode,
      ...parts,
    };
  };
  const votesOf = (proposalHash: Uint8Array, voters: readonly ChannelPeer[]): HubVote[] => {
    const { hub } = peerAt(0);
    const option = VOTE_OPTIONS.for;
    const domain = channelDomain(hub.chainId, hub.address);
    return voters.map(({ account, keys }) => ({
      member: account,
      option,
      signature: signVote(domain, { channel: info.channel, proposalHash, option }, keys.messagePrivateKey),
    }));
  };
  const settle = async (
    changes: readonly Change[] = [],
    parts: Partial<Settlement> = {},
    voters = peers.slice(0, 2),
  ) => {
    const settlement = await settlementOf(changes, parts);
    const votes = votesOf(hashSettlement(settlement), voters);
    return { settlement, ...(await peerAt(0).hub.settle(settlement, changes, votes)) };
  };

  it("should tell all that a node needs to begin, and that what is not there is not", async () => {
    const { hub } = peerAt(0);
    info = await chain.create({ tickMs: 100, maxCatchUpTicks: 4, readAccess: "members" }, "0x1234");
    expect(await hub.channel(info.channel)).to.deep.equal(info);
    expect([info.app, info.program, info.term, info.memberCount]).to.deep.equal([chain.app, chain.program, 0, 0]);
    expect(info).to.not.have.property("leader");
    expect([info.config.tickMs, info.config.readAccess]).to.deep.equal([100, "members"]);
    expect(await hub.initialState(info)).to.deep.equal(fromHex("1234"));
    const code = await hub.programCode(info);
    expect(keccak256(code)).to.equal(`0x${toHex(info.codeHash)}`);
    expect(await codeOf(hub.programCode({ ...info, codeHash: ZERO_WORD }))).to.equal("CHAIN_REVERTED");
    expect(toHex(await hub.label(info.channel, ZERO_WORD))).to.equal(chain.program.slice(2).padEnd(64, "0"));
    expect(await hub.pool()).to.equal(chain.addresses.pool.toLowerCase());
    expect(await hub.channel(info.channel + 1n)).to.equal(undefined);
    expect(await hub.member(info.channel, chain.app)).to.equal(undefined);
    expect(await hub.inboxHash(info.channel, 1)).to.equal(undefined);
    expect(await hub.proposal(info.channel, 1n)).to.equal(undefined);
    expect(await codeOf(hub.initialState({ ...info, createdInBlock: 0 }))).to.equal("CHAIN_UNREACHABLE");
  });

  it("should join members by consents that their accounts sign, and tell them as entries with the chain's hash", async () => {
    const { hub } = await make();
    const [first, second] = [peerAt(0), peerAt(1)];
    const members = await hub.members(info.channel);
    expect(
      members.map(({ account, signer, joinNumber, joinedAt }) => [account, signer, joinNumber, joinedAt]),
    ).to.deep.equal([
      [first.account, first.signer, 1, 1],
      [second.account, second.signer, 2, 2],
    ]);
    await second.hub.requestExit(info.channel);
    expect(await hub.member(info.channel, second.account)).to.include({ leftAt: 3, isGone: false });
    const told = await hub.events(info.channel, info.createdInBlock, await hub.blockNumber());
    const entries = told.flatMap((event) => (event.kind === "inbox" ? [event.entry] : []));
    expect(entries.map((entry) => contentOf(entry))).to.deep.equal([
      { kind: "join", signer: first.signer, joinNumber: 1, assets: [] },
      { kind: "join", signer: second.signer, joinNumber: 2, assets: [] },
      { kind: "leave" },
    ]);
    for (const entry of entries) {
      expect(await hub.inboxHash(info.channel, entry.index)).to.deep.equal(hashInboxEntry(entry));
    }
    expect(told.find(({ kind }) => kind === "term")).to.deep.equal({ kind: "term", term: 1, leader: first.account });
  });

  it("should follow a channel from its creation or a block on, behind the confirmations, until aborted", async () => {
    const { hub } = await make({}, 1);
    const abort = new AbortController();
    const joinBlock = await hub.blockNumber();
    const seen: { readonly news: HubNews; readonly latest: number }[] = [];
    const following = (async () => {
      for await (const news of hub.follow(info.channel, { confirmations: BLOCKS, signal: abort.signal })) {
        seen.push({ news, latest: await hub.blockNumber() });
      }
    })();
    await chain.rpc("hardhat_mine", `0x${BLOCKS.toString(16)}`);
    await until(() => seen.some(({ news }) => news.events.length > 0));
    abort.abort();
    await following;
    const told = seen.filter(({ news }) => news.events.length > 0);
    expect(told.flatMap(({ news }) => news.events).map(({ kind }) => kind)).to.deep.equal(["inbox", "term"]);
    for (const { latest } of told) expect(latest).to.be.at.least(joinBlock + BLOCKS);
    for (const { news, latest } of seen) expect(news.toBlock).to.be.at.most(latest - BLOCKS);

    const again = new AbortController();
    await chain.join(info, peerAt(1));
    for await (const { events } of hub.follow(info.channel, { fromBlock: joinBlock + 1, signal: again.signal })) {
      if (events.length === 0) continue;
      expect(events.map((event) => (event.kind === "inbox" ? event.entry.index : event.kind))).to.deep.equal([2]);
      again.abort();
    }
  });

  it("should settle with signed votes in one transaction, and read the store after it", async () => {
    const { hub } = await make();
    const changes = changesOf(2, 9n);
    const { settlement, proposal, isFinal } = await settle(changes);
    expect([proposal, isFinal]).to.deep.equal([0n, true]);
    const head = await hub.head(info.channel);
    expect(head).to.deep.equal({
      height: settlement.toHeight,
      timeMs: settlement.timeMs,
      inboxCursor: settlement.inboxCursor,
      isLocked: false,
      recordHash: settlement.head,
      stateRoot: settlement.stateRoot,
    });
    expect(await hub.readStore(info, COUNT_SELECTOR)).to.deep.equal(word(9n));
    const told = await hub.events(info.channel, info.createdInBlock, await hub.blockNumber());
    expect(told.at(-1)).to.deep.equal({
      kind: "settled",
      proposal: 0n,
      height: settlement.toHeight,
      head: settlement.head,
      stateRoot: settlement.stateRoot,
      inboxCursor: settlement.inboxCursor,
    });
  });

  it("should bring more changes than a transaction takes in parts, and go on where it was interrupted", async function () {
    this.timeout(60_000);
    const { hub } = await make();
    const changes = changesOf(hub.maxChanges + 300, 3n);
    const first = await settle(changes);
    expect(first.isFinal).to.equal(true);
    expect((await hub.head(info.channel)).height).to.equal(5);
    expect(await hub.readStore(info, COUNT_SELECTOR)).to.deep.equal(word(3n));

    const next = changesOf(hub.maxChanges + 300, 4n);
    const settlement = await settlementOf(next);
    const proposal = await hub.proposeSettlement(settlement);
    await hub.voteBySignatures(info.channel, proposal, votesOf(hashSettlement(settlement), peers.slice(0, 2)));
    const abort = new AbortController();
    const interrupted = hub.executeSettlement(info.channel, proposal, next, { signal: abort.signal });
    const stopped = codeOf(interrupted);
    await until(async () => (await hub.proposal(info.channel, proposal))?.chunksApplied !== 0);
    abort.abort();
    await stopped;
    await hub.executeSettlement(info.channel, proposal, next);
    expect(await hub.head(info.channel)).to.include({ height: 10, isLocked: false });
    expect(await hub.readStore(info, COUNT_SELECTOR)).to.deep.equal(word(4n));
  });

  it("should wait for a window, propose, vote and execute", async () => {
    const { hub } = await make({ windowSeconds: 100 }, 3);
    const fourth = await chain.peer(4);
    await chain.join(info, fourth);
    const passed = await settle([], {}, peers);
    expect(passed.isFinal).to.equal(false);
    expect(await hub.proposal(info.channel, 1n)).to.include({ state: "pending", weightFor: 3n, weightCounted: 4n });
    await fourth.hub.vote(info.channel, 1n, VOTE_OPTIONS.for);
    await hub.executeSettlement(info.channel, 1n, []);
    expect((await hub.head(info.channel)).height).to.equal(5);

    const proposal = await hub.proposeSettlement(await settlementOf());
    expect(proposal).to.equal(2n);
    await peerAt(1).hub.vote(info.channel, proposal, VOTE_OPTIONS.against);
    await peerAt(2).hub.vote(info.channel, proposal, VOTE_OPTIONS.abstain);
    expect(await hub.proposal(info.channel, proposal)).to.include({
      state: "rejected",
      proposer: peerAt(0).account,
      weightAgainst: 1n,
      weightAbstained: 1n,
    });
  });

  it("should delegate, and take that back", async () => {
    const { hub } = await make({}, 3);
    for (const index of [4, 5, 6]) await chain.join(info, await chain.peer(index));
    const candidate = peerAt(1).account;
    await hub.delegate(info.channel, candidate);
    expect(await hub.member(info.channel, hub.account)).to.include({ candidate, weight: 0 });
    expect(await hub.member(info.channel, candidate))
      .to.include({ weight: 2 })
      .and.not.have.property("candidate");
    const block = await hub.blockNumber();
    const [event] = await hub.events(info.channel, block, block);
    expect(event?.kind === "inbox" ? contentOf(event.entry) : event).to.deep.equal({ kind: "delegate", candidate });
    expect(await codeOf(peerAt(2).hub.delegate(info.channel, candidate))).to.equal("CHAIN_REVERTED");
    await hub.delegate(info.channel, undefined);
    expect(await hub.member(info.channel, hub.account))
      .to.include({ weight: 1 })
      .and.not.have.property("candidate");
  });

  it("should punish, keep alive, and force calls", async () => {
    const { hub } = await make({ aliveSeconds: 600 });
    const [leader, other] = [peerAt(0), peerAt(1)];
    await hub.keepAlive(info.channel, new Map([[other.account, 12]]));
    const call = {
      channel: info.channel,
      sender: leader.account,
      nonce: 0n,
      gasLimit: 100_000n,
      validUntilMs: 5n,
      data: fromHex("d09de08a"),
    };
    const signature = new Uint8Array(65).fill(1);
    await hub.forceCall({ call, signature });
    const punishment = {
      channel: info.channel,
      term: 1,
      target: leader.account,
      height: 2,
      recordHash: word(2n),
      reason: PUNISHMENT_REASONS.wrongResult,
    };
    const proposal = await other.hub.proposePunishment(punishment);
    expect(await hub.proposal(info.channel, proposal)).to.deep.include({
      type: "punishment",
      state: "passed",
      proposalHash: hashPunishment(punishment),
    });
    await hub.executePunishment(info.channel, proposal);
    const member = await hub.member(info.channel, leader.account);
    expect(member?.bannedUntilMs).to.be.greaterThan(0);
    expect(await hub.channel(info.channel)).to.include({ term: 2, leader: other.account });
    const told = await hub.events(info.channel, info.createdInBlock, await hub.blockNumber());
    expect(told.find(({ kind }) => kind === "alive")).to.deep.equal({
      kind: "alive",
      member: leader.account,
      delaysMs: new Map([[other.account, 12]]),
    });
    expect(told.find(({ kind }) => kind === "banned")).to.deep.equal({
      kind: "banned",
      member: leader.account,
      bannedUntilMs: member?.bannedUntilMs,
      fineWei: 0n,
    });
    const contents = told.flatMap((event) => (event.kind === "inbox" ? [contentOf(event.entry)] : []));
    expect(contents[2]).to.deep.equal({ kind: "forcedCall", signedCall: { call, signature } });
    expect(contents.slice(3)).to.deep.equal([
      { kind: "ban", bannedUntilMs: member?.bannedUntilMs, newLeader: other.account },
      { kind: "term", term: 2, leader: other.account },
    ]);
  });

  it("should pay what left the channel, and stakes from the value and the pool", async () => {
    const { hub, pool, account } = peerAt(0);
    await pool.depositWei(500n);
    info = await chain.create({ stakeWei: 100n });
    await chain.join(info, peerAt(0), { pooled: true, assets: [{ kind: 0, token: ETHER, id: 0n, amount: 50n }] });
    await chain.join(info, peerAt(1));
    expect(await pool.stake(account)).to.deep.equal({
      freeWei: 400n,
      reservedWei: 100n,
      unbondingWei: 0n,
      unbondsAtSeconds: 0,
    });
    expect(await hub.member(info.channel, account)).to.include({ stakeSource: pool.address, stakeWei: 100n });
    expect(await hub.asset(info.channel, ETHER_KEY)).to.deep.equal({ kind: 0, token: ETHER, id: 0n, amount: 50n });
    const changes = ledgerChanges([["exits", account, assetKeyOf(ETHER), 30n]]).map(({ slot, oldValue, newValue }) => ({
      slot: fromHex(slot),
      oldValue: fromHex(oldValue),
      newValue: fromHex(newValue),
    }));
    for (const peer of peers.slice(0, 2)) await peer.hub.requestExit(info.channel);
    await settle(changes);
    expect(await hub.claim(info.channel, account, ETHER_KEY)).to.equal(30n);
    expect(await hub.paid(info.channel, account, ETHER_KEY)).to.equal(30n);
    expect(await codeOf(hub.claim(info.channel, account, ETHER_KEY))).to.equal("CHAIN_REVERTED");
    expect(await pool.stake(account)).to.include({ freeWei: 500n, reservedWei: 0n });
    const second = peerAt(1);
    expect(await hub.creditWei(info.channel, second.account)).to.equal(100n);
    expect(await second.hub.withdrawStake(info.channel)).to.equal(100n);

    await pool.unbondWei(500n);
    await chain.rpc("evm_increaseTime", await pool.unbondingSeconds());
    expect(await pool.withdraw()).to.equal(500n);
    await chain.closeChannel(info.channel);
    expect(await hub.channel(info.channel)).to.include({ isClosing: true, isClosed: true });
  });

  it("should claim and materialise by proofs in the mode of roots", async () => {
    const { hub, account } = peerAt(0);
    info = await chain.create({ mode: SETTLEMENT_MODES.root });
    await chain.join(info, peerAt(0), { assets: [{ kind: 0, token: ETHER, id: 0n, amount: 50n }] });
    const tree = new StateTreeModel();
    const [exits, owned] = [
      ledgerSlot("exits", account, assetKeyOf(ETHER)),
      ledgerSlot("owned", account, assetKeyOf(ETHER)),
    ];
    tree.set(exits, wordOf(20n));
    tree.set(wordOf(0n), wordOf(6n));
    const proofOf = (slot: string) => {
      const { siblings, leafPath, leafValue } = tree.prove(slot);
      return { siblings: siblings.map(fromHex), leafPath: fromHex(leafPath), leafValue: fromHex(leafValue) };
    };
    const { isFinal } = await settle(changesOf(1, 6n), { stateRoot: fromHex(tree.root()) }, [peerAt(0)]);
    expect(isFinal).to.equal(true);
    const proofs = { exits: proofOf(exits), owned: proofOf(owned) };
    expect(await hub.claimByProof(info.channel, account, ETHER_KEY, proofs)).to.equal(20n);
    await hub.materialise(info.channel, [{ slot: word(0n), value: word(6n), proof: proofOf(wordOf(0n)) }]);
    expect(await hub.readStore(info, COUNT_SELECTOR)).to.deep.equal(word(6n));
  });

  it("should bring what a program asks for to the hub, with a proof in the mode of roots", async () => {
    const entryKinds = async (): Promise<number[]> => {
      const { hub } = peerAt(0);
      const events = await hub.events(info.channel, info.createdInBlock, await hub.blockNumber());
      return events.flatMap((event) => (event.kind === "inbox" ? [event.entry.kind] : []));
    };
    const ask = (account: string): Change => ({
      slot: fromHex(requestSlot(account)),
      oldValue: ZERO_WORD,
      newValue: word(1n),
    });
    const { hub } = await make();
    const second = peerAt(1).account;
    expect(await codeOf(hub.leaveByRequest(info.channel, second, undefined))).to.equal("CHAIN_REVERTED");
    await settle([ask(second), ask(ETHER)].sort((a, b) => Buffer.compare(a.slot, b.slot)));
    await hub.leaveByRequest(info.channel, second, undefined);
    await hub.closeByRequest(info.channel, undefined);
    expect(await entryKinds()).to.deep.equal([1, 1, 2, 3]);

    await make({ mode: SETTLEMENT_MODES.root });
    const tree = new StateTreeModel();
    for (const account of [second, ETHER]) tree.set(requestSlot(account), wordOf(1n));
    const proofOf = (account: string) => {
      const { siblings, leafPath, leafValue } = tree.prove(requestSlot(account));
      return { siblings: siblings.map(fromHex), leafPath: fromHex(leafPath), leafValue: fromHex(leafValue) };
    };
    await settle([], { stateRoot: fromHex(tree.root()) });
    expect(await codeOf(hub.leaveByRequest(info.channel, second, proofOf(ETHER)))).to.equal("CHAIN_REVERTED");
    expect(await codeOf(hub.closeByRequest(info.channel, undefined))).to.equal("CHAIN_REVERTED");
    await hub.leaveByRequest(info.channel, second, proofOf(second));
    await hub.closeByRequest(info.channel, proofOf(ETHER));
    expect(await entryKinds()).to.deep.equal([1, 1, 2, 3]);
  });

  it("should say why the hub refuses", async () => {
    const { hub } = await make();
    const stranger = await chain.peer(5);
    const settlement = await settlementOf();
    const reasonOf = async (call: Promise<unknown>): Promise<unknown> =>
      await call.then(
        () => undefined,
        (error: unknown) => error instanceof SprfError && error.context["error"],
      );
    expect(await reasonOf(stranger.hub.requestExit(info.channel))).to.equal("ChannelHub_NotMember");
    expect(await reasonOf(hub.settle(settlement, [], []))).to.equal("ChannelHub_NoQuorum");
    expect(await reasonOf(hub.registerProgram(chain.addresses.hub))).to.equal("OpcodeScan_Forbidden");
    const backwards = changesOf(2, 1n).reverse();
    const unsorted = await settlementOf(backwards);
    const votes = votesOf(hashSettlement(unsorted), peers.slice(0, 2));
    expect(await reasonOf(hub.settle(unsorted, backwards, votes))).to.equal("ChangeSets_Unsorted");
  });
});
