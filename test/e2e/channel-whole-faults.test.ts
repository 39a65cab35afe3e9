import { expect } from "chai";
import { hexlify, JsonRpcProvider, Wallet, type Interface } from "ethers";

import { ChannelHub__factory } from "../../typechain-types/factories/channels/ChannelHub__factory.ts";
import { FeatureProgram__factory } from "../../typechain-types/factories/mocks/channels/FeatureProgram__factory.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { SprfError } from "../../src/errors.ts";
import type { ChannelHub } from "../../src/ports/channel-hub.ts";
import type { ChannelNetwork } from "../../src/ports/channel-network.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { decodeChannelMessage, encodeChannelMessage } from "../../src/wire/channel/messages.ts";
import { RECORD_KINDS } from "../../src/wire/channel/record.ts";
import { chunksOf, hashChunk, signVote, VOTE_OPTIONS, type Change } from "../../src/wire/channel/settlement.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamInit, type TeamMember } from "../helpers/channel-team.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

const PEERS = 5;
/** An account of the devnet that is no member. */
const ANYBODY = 9;
const SLOW = { timeoutMs: 30_000 };
const WINDOW_SECONDS = 600;
const ALIVE_SECONDS = 3_600;
const FEATURES: Interface = FeatureProgram__factory.createInterface();
const ETHER_KEY = keccak256(new Uint8Array(64));
/** As many new slots as one call may pay for, and three parts of a settlement. */
const BLOB_BYTES = 32 * 80;
const BLOBS = 14;

describe("e2e: a channel's members, proposers and leaders fail on the real hub", function () {
  this.timeout(120_000);
  let chain: ChannelChain;
  let program: NonNullable<TeamInit["program"]>;
  let peers: ChannelPeer[];
  let team: ChannelTeam | undefined;
  let provider: JsonRpcProvider;
  let anybody: Wallet;
  // One each: some put the clock on.
  beforeEach(async () => {
    chain = await startChannelChain();
    program = { address: await chain.deployFeatures(), abi: FEATURES };
    provider = new JsonRpcProvider(chain.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
    anybody = new Wallet(hexlify(devnetKeys(ANYBODY).accountPrivateKey), provider);
    peers = [];
    for (let index = 1; index <= PEERS; index += 1) peers.push(await chain.peer(index));
  });
  afterEach(async () => {
    await team?.stop();
    team = undefined;
    provider.destroy();
    await chain.close();
  });

  const mine = async (seconds: number): Promise<void> => {
    await chain.rpc("evm_increaseTime", seconds);
    await chain.rpc("evm_mine");
  };
  const heightOf = async ({ info }: ChannelTeam): Promise<number> => (await peers[0]!.hub.head(info.channel)).height;

  async function fill(member: TeamMember, of: ChannelTeam, byte: number): Promise<void> {
    for (let index = 0; index < BLOBS; index += 1) {
      const blob = hexlify(new Uint8Array(BLOB_BYTES).fill(byte));
      await member.node.submit(of.callOf(0, "setBlob", [hexlify(ETHER_KEY), index, blob]));
    }
  }

  it("should take the call that a leader drops out of the inbox, once", async () => {
    /** A leader that hears no calls. */
    const deaf = (index: number, network: ChannelNetwork): ChannelNetwork => ({
      ...network,
      self: network.self,
      listen: (listener) =>
        network.listen({
          ...listener,
          onMessage: async (from, bytes) => {
            if (index === 0 && decodeChannelMessage(bytes).kind === "input") return;
            await listener.onMessage(from, bytes);
          },
        }),
    });
    team = await startChannelTeam(chain, peers.slice(0, 3), {}, { networkOf: deaf });
    const [, second, third] = team.members as [TeamMember, TeamMember, TeamMember];
    await until(() => team!.members[0]!.node.leads);
    await team.same();
    const dropped = team.call(0);
    const stop = new AbortController();
    const submitted = codeOf(second.node.submit(dropped, { signal: stop.signal }));
    await third.peer.hub.forceCall(dropped);
    await until(() => second.node.heightOf(dropped.call.sender, 0n) !== undefined, {
      ...SLOW,
      what: "the forced call",
    });
    stop.abort();
    expect(await submitted).to.not.equal(undefined);
    await team.same();
    const height = second.node.heightOf(dropped.call.sender, 0n)!;
    expect(second.node.record(height)!.header.kind).to.equal(RECORD_KINDS.inbox);
    expect(second.node.outcome(height)).to.include({ status: "success" });
    for (const member of team.members) expect(await team.count(member)).to.equal(1n);
    // Whoever forces it again gets a record that does nothing.
    const { height: before } = second.node.head;
    await second.peer.hub.forceCall(dropped);
    await until(() => second.node.head.height > before, { ...SLOW, what: "the next entry" });
    await team.same();
    for (const member of team.members) expect(await team.count(member)).to.equal(1n);
    const settled = await third.node.settle();
    expect(await heightOf(team)).to.equal(settled);
  });

  it("should end the parts of a settlement whose proposer was killed between them, and read nothing meanwhile", async () => {
    const halfway = Promise.withResolvers<{ readonly changes: readonly Change[] }>();
    /** A proposer that is stopped behind the first part. */
    const failing = (index: number, hub: ChannelHub): ChannelHub => ({
      ...hub,
      settle: async (settlement, changes, votes, options) => {
        if (index !== 0) return await hub.settle(settlement, changes, votes, options);
        const proposal = await hub.proposeSettlement(settlement, options);
        await hub.voteBySignatures(settlement.channel, proposal, votes, options);
        const [first = []] = chunksOf(changes);
        const contract = ChannelHub__factory.connect(chain.addresses.hub, anybody);
        const hashes = chunksOf(changes).map((chunk) => hexlify(hashChunk(chunk)));
        const structs = first.map(({ slot, oldValue, newValue }) => ({
          slot: hexlify(slot),
          oldValue: hexlify(oldValue),
          newValue: hexlify(newValue),
        }));
        await (await contract.applyChanges(settlement.channel, proposal, hashes, 0, structs)).wait();
        halfway.resolve({ changes });
        return await new Promise((_, reject) => {
          options?.signal?.addEventListener("abort", () => reject(new SprfError("ABORTED", "killed")));
        });
      },
    });
    team = await startChannelTeam(
      chain,
      peers.slice(0, 2),
      {},
      { program, hubOf: failing, node: { requestPatienceMs: 0 } },
    );
    const [first, second] = team.members as [TeamMember, TeamMember];
    const { hub } = second.peer;
    const { channel } = team.info;
    await until(() => first.node.leads);
    await fill(second, team, 1);
    await team.same();
    const { height } = first.node.head;
    const settling = codeOf(first.node.settle());
    const { changes } = await halfway.promise;
    expect(changes.length).to.be.above(hub.maxChanges);
    expect((await hub.head(channel)).isLocked).to.equal(true);
    const view = fromHex(FEATURES.encodeFunctionData("blobOf", [hexlify(ETHER_KEY), 0]));
    expect(await codeOf(hub.readStore(team.info, view))).to.equal("CHAIN_REVERTED");
    expect(await codeOf(hub.claim(channel, second.peer.account, ETHER_KEY))).to.equal("CHAIN_REVERTED");
    await first.kill();
    expect(await settling).to.not.equal(undefined);

    await until(async () => (await heightOf(team!)) === height, { ...SLOW, what: "the other one ends it" });
    expect((await hub.head(channel)).isLocked).to.equal(false);
    const [blob] = FEATURES.decodeFunctionResult("blobOf", await hub.readStore(team.info, view));
    expect(blob).to.equal(hexlify(new Uint8Array(BLOB_BYTES).fill(1)));
    await first.start();
    await until(() => first.node.leads && first.node.finalHeight === height, SLOW);
    // Whoever is not killed brings all parts.
    await fill(first, team, 2);
    await team.same();
    const next = await first.node.settle();
    expect(await heightOf(team)).to.equal(next);
    const [after] = FEATURES.decodeFunctionResult("blobOf", await hub.readStore(team.info, view));
    expect(after).to.equal(hexlify(new Uint8Array(BLOB_BYTES).fill(2)));
  });

  it("should wait for the window of a settlement, and end it when the proposer was killed meanwhile", async () => {
    team = await startChannelTeam(
      chain,
      peers.slice(0, 4),
      { windowSeconds: WINDOW_SECONDS },
      {
        program,
        node: { requestPatienceMs: 0 },
        isAway: (index) => index === 3,
      },
    );
    const [first, second, third] = team.members as [TeamMember, TeamMember, TeamMember];
    const there = [first, second, third];
    const { hub } = second.peer;
    await until(() => first.node.leads);
    await second.node.submit(team.callOf(0, "setPacked", [5n, true, team.info.app]));
    await team.same(there);
    const { height } = first.node.head;
    const settling = codeOf(first.node.settle());
    const isPassed = async (): Promise<boolean> => (await hub.proposal(team!.info.channel, 1n))?.state === "pending";
    await until(isPassed, { ...SLOW, what: "three of four are for it" });
    expect(await heightOf(team)).to.equal(0);
    // Others go on, and nobody settles anything else.
    await third.node.submit(team.callOf(0, "setPacked", [6n, true, team.info.app]));
    await team.same(there);
    await first.kill();
    expect(await settling).to.not.equal(undefined);
    expect(await heightOf(team)).to.equal(0);
    await mine(WINDOW_SECONDS);
    await until(async () => (await heightOf(team!)) === height, { ...SLOW, what: "another one executes it" });
    const view = fromHex(FEATURES.encodeFunctionData("first"));
    expect(BigInt(hexlify(await hub.readStore(team.info, view)))).to.equal(5n);
    await until(() => second.node.finalHeight === height && third.node.finalHeight === height, SLOW);
    // With everybody's signature nothing waits.
    await first.start();
    await team.members[3]!.start();
    await until(() => first.node.leads, SLOW);
    await team.same();
    const next = await first.node.settle();
    expect(await heightOf(team)).to.equal(next);
  });

  it("should count who abstains, and not who is absent", async () => {
    let abstained = 0;
    /** The fourth abstains. */
    const abstaining = (index: number, network: ChannelNetwork): ChannelNetwork => ({
      ...network,
      self: network.self,
      send(to, bytes) {
        const message = decodeChannelMessage(bytes);
        if (index !== 3 || message.kind !== "vote" || message.proposalHash === undefined)
          return network.send(to, bytes);
        const { channel, proposalHash } = message;
        const option = VOTE_OPTIONS.abstain;
        const { keys } = peers[3]!;
        const signature = signVote(
          team!.members[3]!.node.domain,
          { channel, proposalHash, option },
          keys.messagePrivateKey,
        );
        abstained += 1;
        return network.send(to, encodeChannelMessage(channel, { kind: "vote", proposalHash, option, signature }));
      },
    });
    const config = { aliveSeconds: ALIVE_SECONDS, windowSeconds: WINDOW_SECONDS };
    team = await startChannelTeam(chain, peers, config, {
      program,
      networkOf: abstaining,
      isAway: (index) => index === 4,
    });
    const there = team.members.slice(0, 4);
    const [first, second] = there as [TeamMember, TeamMember];
    await until(() => first.node.leads);
    await second.node.submit(team.callOf(0, "setPacked", [5n, true, team.info.app]));
    await team.same(there);
    const settling = first.node.settle();
    // Three of five are none: one abstains, one is silent.
    await until(() => abstained > 0, { ...SLOW, what: "the abstention" });
    const { hub } = second.peer;
    expect((await hub.member(team.info.channel, peers[4]!.account))?.isAbsent).to.equal(false);
    // Who has said nothing for so long is not counted; those who vote are.
    await mine(ALIVE_SECONDS + 1);
    await until(async () => (await hub.proposal(team!.info.channel, 1n))?.state === "pending", {
      ...SLOW,
      what: "three of four are for it",
    });
    const found = await hub.proposal(team.info.channel, 1n);
    expect(found).to.include({ weightFor: 3n, weightAgainst: 0n, weightAbstained: 1n, weightCounted: 4n });
    await mine(WINDOW_SECONDS);
    expect(await settling).to.equal(await heightOf(team));
  });
});
