import { expect } from "chai";
import fc from "fast-check";

import { isSprfError } from "../../src/errors.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type { ChannelHub } from "../../src/ports/channel-hub.ts";
import { signAck, signBatch } from "../../src/wire/channel/batch.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { signLeaderChange } from "../../src/wire/channel/leader-change.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../src/wire/channel/record.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { createMemoryHub } from "../helpers/memory-channel-hub.ts";

const MEMBERS = 4;
const ANSWER_SECONDS = 600;
const RUNS = 8;
/** Far beyond the time to answer; blocks and calls alone never take as long. */
const LATER_SECONDS = 2 * ANSWER_SECONDS;
const TIMEOUT_MS = 300_000;

/** A channel on one of both hubs. */
interface Side {
  readonly channel: bigint;
  readonly hub: (member: number) => ChannelHub;
  readonly absence: (member: number) => ChannelAbsence;
  readonly pass: () => Promise<void>;
  /** Records up to the one that a member was accused with, by its number. */
  readonly accusedWith: Map<number, readonly RecordHeader[]>;
}

/** What somebody does; numbers are of members. */
type Move =
  | { readonly what: "accuse leader"; readonly by: number; readonly ahead: number }
  | { readonly what: "report"; readonly by: number; readonly ahead: number }
  | { readonly what: "accuse" | "accuse of silence"; readonly by: number; readonly of: number }
  | { readonly what: "ack" | "word" | "record" | "resolve" | "back"; readonly by: number; readonly of: number }
  | { readonly what: "certificate"; readonly by: number; readonly of: number; readonly signers: readonly number[] }
  | { readonly what: "demand"; readonly by: number; readonly of: number; readonly first: number }
  /** Without the last inputs, and with a number of headers behind what was demanded, the last one signed by somebody. */
  | {
      readonly what: "post";
      readonly by: number;
      readonly of: number;
      readonly less?: number;
      readonly more: number;
      readonly signer: number;
    }
  | { readonly what: "later" };

/** Members are accused with the last of so many records; the first ones are of the term before. */
const [RECORDS, OLD_RECORDS, MOST] = [24, 18, 16];
const [LARGE_FROM, LARGE] = [14, 16_500];

const someone = fc.nat({ max: MEMBERS - 1 });
const pair = { by: someone, of: someone };
const moveOf: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("accuse leader" as const), by: someone, ahead: fc.nat({ max: 2 }) }),
  },
  fc.record({ what: fc.constant("report" as const), by: someone, ahead: fc.nat({ max: 2 }) }),
  { weight: 3, arbitrary: fc.record({ what: fc.constant("accuse" as const), ...pair }) },
  fc.record({ what: fc.constant("accuse of silence" as const), ...pair }),
  fc.record({ what: fc.constantFrom("ack" as const, "word" as const, "record" as const), ...pair }),
  { weight: 4, arbitrary: fc.record({ what: fc.constant("resolve" as const), ...pair }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("back" as const), ...pair }) },
  fc.record({
    what: fc.constant("certificate" as const),
    ...pair,
    signers: fc.uniqueArray(someone, { minLength: 1 }),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant("demand" as const), ...pair, first: fc.nat({ max: RECORDS + 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("post" as const),
      ...pair,
      less: fc.constantFrom(0, 0, 0, 3, 7),
      more: fc.nat({ max: 4 }),
      signer: someone,
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("later" as const) }) },
);
/** One that is given what it asks for, and then one that is not. */
const WITHHELD: readonly Move[] = [
  { what: "accuse", by: 0, of: 1 },
  { what: "demand", by: 1, of: 1, first: 2 },
  { what: "post", by: 2, of: 1, more: 0, signer: 0 },
  { what: "post", by: 2, of: 1, more: 2, signer: 3 },
  { what: "post", by: 2, of: 1, more: 2, signer: 0 },
  { what: "demand", by: 1, of: 1, first: 2 },
  { what: "ack", by: 3, of: 1 },
  { what: "later" },
  { what: "accuse", by: 0, of: 1 },
  { what: "demand", by: 1, of: 1, first: 20 },
  { what: "post", by: 0, of: 1, more: 0, signer: 2 },
  { what: "later" },
  { what: "accuse", by: 0, of: 2 },
  // Two are accused now, and those who are count.
  { what: "demand", by: 2, of: 1, first: 9 },
  { what: "later" },
  { what: "resolve", by: 3, of: 1 },
  { what: "resolve", by: 3, of: 0 },
  { what: "accuse", by: 0, of: 3 },
  { what: "demand", by: 3, of: 0, first: 14 },
  // Three large ones are not enough, and four are: 14 to 17, which are of the term before.
  { what: "post", by: 0, of: 0, less: 8, more: 2, signer: 0 },
  { what: "post", by: 0, of: 0, less: 7, more: 1, signer: 0 },
  { what: "post", by: 0, of: 0, less: 7, more: 2, signer: 0 },
];

/** The last ones are so large that four of them are enough. */
const inputOf = (height: number): Uint8Array => new Uint8Array(height < LARGE_FROM ? height : LARGE).fill(height);

describe("e2e: absence on the chain and in the tests' memory hub", function () {
  this.timeout(TIMEOUT_MS);
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  before(async () => {
    chain = await startChannelChain();
    peers = [];
    for (let index = 1; index <= MEMBERS; index += 1) peers.push(await chain.peer(index));
  });
  after(async () => await chain?.close());

  const keyOf = (member: number): Uint8Array => peers[member]!.keys.messagePrivateKey;

  async function onChain(): Promise<Side> {
    const info = await chain.create({ answerSeconds: ANSWER_SECONDS });
    for (const peer of peers) await chain.join(info, peer);
    return {
      channel: info.channel,
      accusedWith: new Map(),
      hub: (member) => peers[member]!.hub,
      absence: (member) => peers[member]!.absence,
      async pass() {
        await chain.rpc("evm_increaseTime", LATER_SECONDS);
        await chain.rpc("evm_mine");
      },
    };
  }

  function inMemory(): Side {
    let nowMs = 1_800_000_000_000;
    const init = { code: new Uint8Array(), createdAtMs: nowMs, nowMs: () => nowMs };
    const memory = createMemoryHub({ ...init, config: { answerSeconds: ANSWER_SECONDS } });
    for (const { account, signer } of peers) memory.join(account, signer);
    return {
      channel: 1n,
      accusedWith: new Map(),
      hub: (member) => memory.as(peers[member]!.account),
      absence: (member) => memory.absenceAs(peers[member]!.account),
      pass: async () => void (nowMs += 1_000 * LATER_SECONDS),
    };
  }

  /** As a member's node would see it. */
  async function stateOf({ channel, hub, absence }: Side): Promise<unknown> {
    const info = await hub(0).channel(channel);
    const nameOf = (account: string | undefined): number => peers.findIndex((peer) => peer.account === account);
    const accusations = [];
    const absent = [];
    for (const [member, { account }] of peers.entries()) {
      const found = await absence(0).accusation(channel, account);
      if ((await hub(0).member(channel, account))?.isAbsent === true) absent.push(member);
      if (found === undefined) continue;
      const { accuser, of, isThere, term, height, entry, demanded } = found;
      accusations.push({ member, accuser: nameOf(accuser), of, isThere, term, height, entry, demanded });
    }
    return { term: info?.term, leader: nameOf(info?.leader), inbox: info?.inboxLength, absent, accusations };
  }

  /** What became of it: done, or refused. */
  async function play(side: Side, move: Move): Promise<string> {
    try {
      await act(side, move);
      return "done";
    } catch (error) {
      if (isSprfError(error, "CHAIN_REVERTED")) return "refused";
      throw error;
    }
  }

  async function act({ channel, hub, absence, pass, accusedWith }: Side, move: Move): Promise<void> {
    if (move.what === "later") return await pass();
    const { by } = move;
    const own = absence(by);
    const info = await hub(by).channel(channel);
    const leader = peers.findIndex(({ account }) => account === info?.leader);
    const { term = 0, inboxLength = 0 } = info ?? {};
    const domain = channelDomain(hub(by).chainId, hub(by).address);
    const header: RecordHeader = {
      channel,
      term,
      height: 9,
      kind: 1,
      timeMs: 1_000,
      previous: ZERO_HASH,
      inputHash: EMPTY_HASH,
      touchedHash: EMPTY_HASH,
      writesHash: EMPTY_HASH,
      status: 1,
      gasUsed: 0,
      returnHash: EMPTY_HASH,
      stateRoot: ZERO_HASH,
      inboxCursor: inboxLength,
    };
    const recordHash = hashRecord(header);
    const batch = { channel, term, first: 9, last: 9, recordsRoot: recordHash };
    const opening = { header, proof: [], first: 9, last: 9, signature: signBatch(domain, batch, keyOf(leader)) };
    /** Records that follow each other, to accuse somebody with the last one. */
    const recordsNow = (): RecordHeader[] => {
      const records: RecordHeader[] = [];
      for (let height = 1; height <= RECORDS; height += 1) {
        const last = records.at(-1);
        const previous = last === undefined ? ZERO_HASH : hashRecord(last);
        const of = height > OLD_RECORDS ? term : Math.max(0, term - 1);
        records.push({ ...header, height, term: of, previous, inputHash: keccak256(inputOf(height)) });
      }
      return records;
    };
    const openBy = (member: number, record: RecordHeader) => {
      const { height: first } = record;
      const own = { channel, term: record.term, first, last: first, recordsRoot: hashRecord(record) };
      return { header: record, proof: [], first, last: first, signature: signBatch(domain, own, keyOf(member)) };
    };
    const ackOf = (member: number, of: { term: number; height: number; recordHash: Uint8Array }) => {
      const ack = { channel, term: of.term, height: of.height, recordHash: of.recordHash, certified: 0 };
      return { certified: 0, signature: signAck(domain, ack, keyOf(member)) };
    };
    const wordOf = (member: number, of: { term: number; newLeader: string }) => {
      const standing = { certifiedTerm: 0, certifiedHeight: 0, head: 9 };
      const signature = signLeaderChange(domain, { channel, ...of, ...standing }, keyOf(member));
      return { member: peers[member]!.account, ...standing, signature };
    };
    if (move.what === "accuse leader") return await own.accuseLeader(channel, term + move.ahead);
    if (move.what === "report") {
      const of = { term: term + move.ahead, newLeader: peers[by]!.account };
      const words = peers
        .map((_, member) => member)
        .slice(move.ahead % 2)
        .map((member) => wordOf(member, of));
      return await own.reportElection(channel, of.term, of.newLeader, words);
    }
    // Answers and ends are of somebody who is accused, where there is one.
    const open: number[] = [];
    for (const [member, peer] of peers.entries()) {
      if ((await own.accusation(channel, peer.account)) !== undefined) open.push(member);
    }
    const isNew = move.what === "accuse" || move.what === "accuse of silence";
    const of = (isNew ? undefined : open[move.of % Math.max(1, open.length)]) ?? move.of;
    const { account } = peers[of]!;
    const accusation = await own.accusation(channel, account);
    const accused = accusation ?? { term, height: 9, recordHash, accuser: account };
    switch (move.what) {
      case "accuse": {
        const records = recordsNow();
        await own.accuse(channel, account, openBy(leader, records.at(-1)!));
        accusedWith.set(of, records);
        return;
      }
      case "demand":
        return await absence(of).demandRecords(channel, move.first);
      case "post": {
        const { first, last } = accusation?.demanded ?? { first: 3, last: 2 + MOST };
        const records = accusedWith.get(of) ?? recordsNow();
        const end = Math.max(first, last - (move.less ?? 0));
        const headers = records.slice(first - 1, end + move.more);
        const inputs = records.slice(first - 1, end).map(({ height }) => inputOf(height));
        const signed = openBy(move.signer, headers.at(-1)!);
        return await own.postRecords(channel, account, { headers, inputs, signed });
      }
      case "accuse of silence":
        return await own.accuseOfSilence(channel, account);
      case "ack":
        return await own.answerByAck(channel, account, ackOf(of, accused));
      case "word":
        return await own.answerByWord(channel, wordOf(of, { term: accused.term, newLeader: accused.accuser }));
      case "record":
        return await own.answerByRecord(channel, account, opening);
      case "resolve":
        return await own.resolve(channel, account);
      case "back":
        return await own.comeBack(channel, header, ackOf(by, { term, height: 9, recordHash }));
      case "certificate": {
        const acks = move.signers.map((member) => {
          return { member: peers[member]!.account, ...ackOf(member, { term, height: 9, recordHash }) };
        });
        return await own.answerByCertificate(channel, account, header, acks);
      }
    }
  }

  it("should take and refuse the same moves of four members, and come to the same", async () => {
    const counts = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(moveOf, { minLength: 12, maxLength: 24 }), async (moves) => {
        const [real, memory] = [await onChain(), inMemory()];
        for (const [index, move] of moves.entries()) {
          const what = `move ${index}: ${JSON.stringify(move)}`;
          const became = await play(real, move);
          counts.set(`${move.what} ${became}`, (counts.get(`${move.what} ${became}`) ?? 0) + 1);
          expect(await play(memory, move), what).to.equal(became);
          expect(await stateOf(memory), what).to.deep.equal(await stateOf(real));
        }
      }),
      { numRuns: RUNS, endOnFailure: true, examples: [[[...WITHHELD]]] },
    );
    for (const what of ["accuse", "demand", "post", "ack", "resolve"]) {
      expect(counts.get(`${what} done`), what).to.be.greaterThan(0);
    }
    // Three times in the example alone, which comes first.
    expect(counts.get("post done")).to.be.at.least(3);
    expect(counts.get("post refused")).to.be.at.least(4);
  });
});
