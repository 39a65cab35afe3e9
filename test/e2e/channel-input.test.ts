import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect } from "chai";
import { Wallet, hexlify } from "ethers";

import { createChannelApiServer, type ChannelApiServer } from "../../src/adapters/channel-api/ws-server.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createChannelService } from "../../src/channel/channel-service.ts";
import { connectChannel } from "../../src/create-channel-client.ts";
import { isSprfError } from "../../src/errors.ts";
import type { ChannelHub, HubVote } from "../../src/ports/channel-hub.ts";
import type { ChannelUpdate } from "../../src/ports/channel-service.ts";
import { concatBytes, fromHex, utf8 } from "../../src/utils/bytes.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { encodeChannelMessage } from "../../src/wire/channel/messages.ts";
import { RECORD_STATUS, ZERO_HASH } from "../../src/wire/channel/record.ts";
import { hashSettlement, signVote, type Change, type Settlement } from "../../src/wire/channel/settlement.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, userKey, type ChannelTeam, type TeamMember } from "../helpers/channel-team.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FLOOD = 3_000;
/** The flood has five times as many bytes; the records that nodes keep for a while are some of what grows. */
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;
/** More than a client holds before it stops reading. */
const UNREAD_CALLS = 2_000;

type Settle = Parameters<ChannelHub["settle"]>;

describe("e2e: what a channel's node is given that is wrong", function () {
  this.timeout(180_000);
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  let stranger: ChannelPeer;
  let team: ChannelTeam;
  let leader: TeamMember;
  let follower: TeamMember;
  let api: ChannelApiServer;
  /** Tried before the first settlement of the leader, with what it was about to send. */
  let beforeSettling: ((...settle: Settle) => Promise<void>) | undefined;

  before(async () => {
    chain = await startChannelChain();
    const first = await chain.peer(1);
    const { hub } = first;
    const watched: ChannelHub = {
      ...hub,
      async settle(...settle) {
        const attempt = beforeSettling;
        beforeSettling = undefined;
        await attempt?.(...settle);
        return await hub.settle(...settle);
      },
    };
    peers = [{ ...first, hub: watched }, await chain.peer(2), await chain.peer(3)];
    stranger = await chain.peer(4);
    team = await startChannelTeam(chain, peers);
    [leader, follower] = team.members as [TeamMember, TeamMember];
    await until(() => leader.node.leads);
    await team.same();
    api = createChannelApiServer({
      service: createChannelService({ nodes: new Map([[team.info.channel, follower.node]]), hub: follower.peer.hub }),
      host: "127.0.0.1",
      port: 0,
      readers: "anyone",
      clock: systemClock,
      random: systemRandom,
      logger: createMemoryLogger(),
    });
    await api.start();
  });
  after(async () => {
    await api?.stop();
    await team?.stop();
    await chain?.close();
  });
  // Whatever it was given, the node goes on.
  afterEach(async () => {
    await follower.node.committed(await follower.node.submit(team.call(0)));
    await team.same();
  });

  for (const through of ["the leader", "a follower"]) {
    it(`should refuse calls that are none now, through ${through}`, async () => {
      const { node } = through === "the leader" ? leader : follower;
      const refused = async (changes: Parameters<ChannelTeam["call"]>[1]) =>
        await codeOf(node.submit(team.call(9, { ...changes })));
      expect(await refused({ nonce: 1n })).to.equal("CHANNEL_NONCE_WRONG");
      expect(await refused({ channel: 99n })).to.equal("CHANNEL_FOREIGN_INPUT");
      expect(await refused({ validUntilMs: BigInt(Date.now() - 1) })).to.equal("CHANNEL_CALL_EXPIRED");
      expect(await refused({ gasLimit: 2_000_001n })).to.equal("CHANNEL_CALL_TOO_LARGE");
      expect(await refused({ data: new Uint8Array(8 * 1024 + 1) })).to.equal("CHANNEL_CALL_TOO_LARGE");
      expect(await refused({ sender: stranger.account })).to.equal("CHANNEL_SIGNATURE_INVALID");
      const signed = team.call(9, { nonce: 0n });
      expect(await codeOf(node.submit({ ...signed, signature: new Uint8Array(64) }))).to.equal("MESSAGE_INVALID");
      for (const signature of [new Uint8Array(65), highS(signed.signature)]) {
        expect(await codeOf(node.submit({ ...signed, signature }))).to.equal("CHANNEL_SIGNATURE_INVALID");
      }
    });
  }

  it("should record a call that reverts as a failure, which costs its number only", async () => {
    const before = await team.count(follower);
    const height = await follower.node.submit(team.call(7, { nonce: 0n, data: fromHex("0xdeadbeef") }));
    await follower.node.committed(height);
    expect(follower.node.record(height)?.header.status).to.equal(RECORD_STATUS.failed);
    expect(await team.count(follower)).to.equal(before);
    expect(await codeOf(follower.node.submit(team.call(7, { nonce: 0n })))).to.equal("CHANNEL_NONCE_WRONG");
  });

  it("should let nobody settle, vote or accuse who is no member", async () => {
    const settlement = await oneToCome();
    expect(await hubErrorOf(stranger.hub.proposeSettlement(settlement))).to.equal("ChannelHub_NotMember");
    const punishment = {
      channel: team.info.channel,
      term: 1,
      target: leader.peer.account,
      height: 1,
      recordHash: ZERO_HASH,
      reason: 1,
    };
    expect(await hubErrorOf(stranger.hub.proposePunishment(punishment))).to.equal("ChannelHub_NotMember");
    // Its app may not bring it either without its consent.
    const hub = { ...stranger.hub, signConsent: async () => new Uint8Array(65) };
    const joined = await chain.join(team.info, { ...stranger, hub }).then(
      () => true,
      () => false,
    );
    expect(joined).to.equal(false);
    expect(await stranger.hub.member(team.info.channel, stranger.account)).to.equal(undefined);
  });

  it("should settle only what members have signed, from where the last settlement ended", async () => {
    const errors: Record<string, string | undefined> = {};
    beforeSettling = async (settlement, changes, votes) => {
      const { hub } = peers[1]!;
      const attempt = async (
        what: string,
        ...[other, otherChanges, otherVotes]: [Settlement, readonly Change[], readonly HubVote[]]
      ) => {
        errors[what] = await hubErrorOf(hub.settle(other, otherChanges, otherVotes));
      };
      const [vote, ...rest] = votes as [HubVote, ...HubVote[]];
      const again = (change: Partial<Settlement>): Settlement => ({ ...settlement, ...change });
      const domain = channelDomain(hub.chainId, hub.address);
      const signedIn = (where: typeof domain, of: Settlement, channel = settlement.channel): HubVote[] =>
        peers.map(({ account, keys }) => ({
          member: account,
          option: 1,
          signature: signVote(where, { channel, proposalHash: hashSettlement(of), option: 1 }, keys.messagePrivateKey),
        }));
      const late = again({ fromHeight: settlement.fromHeight + 1 });
      await attempt("another start", late, changes, signedIn(domain, late));
      const empty = again({ toHeight: settlement.fromHeight });
      await attempt("no record", empty, changes, signedIn(domain, empty));
      const [change, ...others] = changes as [Change, ...Change[]];
      await attempt(
        "another change",
        settlement,
        [{ ...change, newValue: new Uint8Array(32).fill(7) }, ...others],
        votes,
      );
      await attempt("fewer changes", settlement, others.length > 0 ? others : [change, change], votes);
      await attempt("a forged vote", settlement, changes, [{ ...vote, signature: rest[0]!.signature }, ...rest]);
      await attempt("a vote three times", settlement, changes, [vote, vote, vote]);
      await attempt("a high S", settlement, changes, [{ ...vote, signature: highS(vote.signature) }, ...rest]);
      await attempt("too few votes", settlement, changes, rest.slice(0, 1));
      await attempt(
        "votes of another channel",
        settlement,
        changes,
        signedIn(domain, settlement, settlement.channel + 1n),
      );
      await attempt(
        "votes of another chain",
        settlement,
        changes,
        signedIn(channelDomain(1n, hub.address), settlement),
      );
      await attempt(
        "votes for another settlement",
        settlement,
        changes,
        signedIn(domain, again({ stateRoot: ZERO_HASH })),
      );
      const foreign = again({ channel: settlement.channel + 1n });
      await attempt("another channel", foreign, changes, signedIn(domain, foreign));
    };
    const height = await leader.node.settle();
    expect(errors).to.deep.equal({
      "another start": "ChannelHub_WrongHeights",
      "no record": "ChannelHub_WrongHeights",
      "another change": "ChannelHub_WrongChanges",
      "fewer changes": errors["fewer changes"],
      "a forged vote": "ChannelHub_BadSignature",
      "a vote three times": "ChannelHub_NoQuorum",
      "a high S": "ChannelHub_BadSignature",
      "too few votes": "ChannelHub_NoQuorum",
      "votes of another channel": "ChannelHub_BadSignature",
      "votes of another chain": "ChannelHub_BadSignature",
      "votes for another settlement": "ChannelHub_BadSignature",
      "another channel": "ChannelHub_UnknownChannel",
    });
    expect(errors["fewer changes"]).to.be.oneOf(["ChannelHub_WrongChanges", "ChannelHub_BadProposal"]);
    expect((await peers[1]!.hub.head(team.info.channel)).height).to.equal(height);
  });

  it("should drop what members send that is no message, or signed by nobody, and keep no memory of it", async () => {
    const { channel } = team.info;
    const to = leader.peer.signer;
    const from = follower.network;
    const { hash, height } = follower.node.head;
    const signature = new Uint8Array(65).fill(1);
    const acks = [{ height, recordHash: hash, certified: height, signature }];
    const certificate = { term: 1, height: height + 1, recordHash: hash, acks: [{ certified: 0, signature }] };
    const junk = [
      utf8("no message"),
      new Uint8Array(),
      new Uint8Array(1_000_000),
      encodeChannelMessage(channel + 1n, { kind: "sync", height: 0, recordHash: hash }),
      encodeChannelMessage(channel, { kind: "acks", term: 1, acks }),
      encodeChannelMessage(channel, { kind: "acks", term: 99, acks }),
      encodeChannelMessage(channel, { kind: "batch", certificate }),
      encodeChannelMessage(channel, {
        kind: "batch",
        batch: { term: 1, first: height + 1, records: [new Uint8Array(10)], signature },
      }),
      encodeChannelMessage(channel, { kind: "vote", proposalHash: hash, option: 1, signature }),
      encodeChannelMessage(channel, { kind: "receipt", id: 77, height: 5 }),
      encodeChannelMessage(channel, { kind: "input", id: 9_999_999, recordKind: 1, input: new Uint8Array(100) }),
      encodeChannelMessage(channel, { kind: "part-request", height: 3, part: 9_999 }),
    ];
    const send = async (times: number): Promise<void> => {
      for (let index = 0; index < times; index += 1) {
        const message = junk[index % junk.length]!;
        await until(() => from.send(to, message), { timeoutMs: 30_000, what: "room for a message" });
      }
      await follower.node.committed(await follower.node.submit(team.call(0)));
    };
    await send(junk.length * 20);
    const before = heapBytes();
    await send(FLOOD);
    const codes = new Set<string | undefined>();
    for (let index = 0; index < FLOOD; index += 100) {
      const bad = Array.from(
        { length: 100 },
        async () => await codeOf(follower.node.submit(team.call(9, { nonce: 5n }))),
      );
      for (const code of await Promise.all(bad)) codes.add(code);
    }
    expect([...codes]).to.deep.equal(["CHANNEL_NONCE_WRONG"]);
    expect(heapBytes() - before).to.be.below(MAX_GROWTH_BYTES);
  });

  it("should wait for a subscriber that does not read, and tell it all once it does", async () => {
    const { hub } = follower.peer;
    const signer = new Wallet(hexlify(userKey(0)));
    const { channel } = team.info;
    const client = await connectChannel({
      url: api.url,
      channel,
      chainId: hub.chainId,
      hub: hub.address,
      signer,
      abi: [],
    });
    const ended = new AbortController();
    try {
      const updates = client.subscribe({ signal: ended.signal })[Symbol.asyncIterator]();
      expect((await updates.next()).value).to.include({ type: "snapshot" });
      const from = follower.node.head.height;
      for (let index = 0; index < UNREAD_CALLS; index += 100) {
        await Promise.all(Array.from({ length: 100 }, async () => await follower.node.submit(team.call(0))));
      }
      await team.same();
      for (let height = from + 1; height <= from + UNREAD_CALLS; height += 1) {
        const next = await updates.next();
        const update: ChannelUpdate | undefined = next.done === true ? undefined : next.value;
        expect(update?.type === "record" && update.record.height).to.equal(height);
      }
    } finally {
      ended.abort();
      await client.disconnect();
    }
  });

  async function oneToCome(): Promise<Settlement> {
    const { channel } = team.info;
    const head = await stranger.hub.head(channel);
    return {
      channel,
      fromHeight: head.height,
      toHeight: head.height + 1,
      timeMs: Date.now(),
      head: ZERO_HASH,
      recordsRoot: ZERO_HASH,
      stateRoot: ZERO_HASH,
      changesRoot: ZERO_HASH,
      inboxCursor: head.inboxCursor,
      mode: 0,
    };
  }
});

/** The other signature of the same words, which counts for nothing. */
function highS(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32, 64)).toString("hex")}`);
  const other = fromHex((ORDER - s).toString(16).padStart(64, "0"));
  return concatBytes(signature.subarray(0, 32), other, new Uint8Array([signature[64] === 27 ? 28 : 27]));
}

/** With which error the hub has refused. */
async function hubErrorOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isSprfError(error)) throw error;
    const { error: name } = error.context;
    return typeof name === "string" ? name : error.code;
  }
}

let collect: (() => void) | undefined;

function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  return process.memoryUsage().heapUsed;
}
