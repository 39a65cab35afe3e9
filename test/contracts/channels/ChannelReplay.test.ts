import { expect } from "chai";
import { AbiCoder, getCreateAddress, hexlify, keccak256, type TransactionRequest, ZeroAddress } from "ethers";
import { network } from "hardhat";

import { slotValueStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import { proofStruct } from "../../../src/adapters/chain/channels/values.ts";
import { createCallRunner } from "../../../src/channel/sandbox/call-runner.ts";
import { nonceSlotOf, sessionSlotOf } from "../../../src/channel/sandbox/protocol-slots.ts";
import { slotOf } from "../../../src/channel/sandbox/slot-key.ts";
import { createSlotStore } from "../../../src/channel/sandbox/slot-store.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { signDigest } from "../../../src/utils/recoverable-signature.ts";
import { callDigest, type Call } from "../../../src/wire/channel/call.ts";
import { writeCallSignature } from "../../../src/domain/channel/sessions.ts";
import {
  encodeBan,
  encodeInboxEntry,
  encodeJoin,
  INBOX_KINDS,
  type InboxEntry,
} from "../../../src/wire/channel/inbox-entry.ts";
import { RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { encodeSessionInput, sessionDigest, type SessionInput } from "../../../src/wire/channel/session.ts";
import { deployHub, type HubConfig } from "../helpers/channels.ts";
import { userOf, type User } from "../helpers/court.ts";
import {
  callInput,
  createReplayScene,
  hashOfSet,
  isFalse,
  judge,
  lies,
  openCase,
  type ReplayCase,
  replayArguments,
  type ReplayScene,
  withTouched,
} from "../helpers/replay.ts";

const { ethers } = await network.create();
const [ALICE, BOB, KEY] = [userOf(1), userOf(2), userOf(3)];
const TICKING: Partial<HubConfig> = { tickMs: 1_000n, maxCatchUpTicks: 3n };
const coder = AbiCoder.defaultAbiCoder();
const TOKENS = coder.encode(["address[]", "uint256"], [[ALICE.address, BOB.address], 1_000n]);
const SELECTOR = "0xa9059cbb";

const sceneOf = async (
  name = "TokenProgram",
  config: Partial<HubConfig> = {},
  state = name === "TokenProgram" ? TOKENS : "0x",
): Promise<ReplayScene> => await createReplayScene(await deployHub(ethers, 0), name, { config, state });

const transfer = async (scene: ReplayScene, parts: Parameters<typeof callInput>[2] = {}): Promise<ReplayCase> =>
  await scene.play(
    RECORD_KINDS.call,
    callInput(scene, ALICE, { name: "transfer", args: [BOB.address, 10n], ...parts }),
  );

/** Right as it was played, and false with any other result. */
async function expectTold(
  scene: ReplayScene,
  one: ReplayCase,
  but: readonly (keyof RecordHeader)[] = [],
): Promise<void> {
  const openedIn = await openCase(scene, one);
  expect(await isFalse(scene, one, openedIn), "as it was played").to.equal(false);
  for (const lie of lies(one)) {
    const [field] = Object.keys(lie) as (keyof RecordHeader)[];
    if (field === undefined || but.includes(field)) continue;
    expect(await isFalse(scene, one, openedIn, lie), `${field} ${String(lie[field])}`).to.equal(true);
  }
}

/** Plays an entry that the hub might have made. */
async function take(
  scene: ReplayScene,
  kind: number,
  {
    account = ALICE.address,
    data = new Uint8Array(),
    watched = [],
  }: { readonly account?: string; readonly data?: Uint8Array; readonly watched?: readonly Uint8Array[] } = {},
): Promise<ReplayCase> {
  const index = scene.player.head.membership.cursor + 1;
  const { timeMs } = scene.player.head.header;
  const entry: InboxEntry = { index, kind, account, timeMs, data };
  return await scene.play(RECORD_KINDS.inbox, encodeInboxEntry(entry), { watched });
}

const JOIN = encodeJoin(BOB.address, 1, [{ kind: 0, token: ZeroAddress, id: 0n, amount: 70n }]);

function sessionInput({ channel, domain }: ReplayScene, what: "grant" | "revoke", parts: object = {}): Uint8Array {
  const said = { channel, wallet: ALICE.address, key: KEY.address };
  const unsigned: SessionInput =
    what === "grant"
      ? { what, grant: { ...said, functions: [], expiryMs: 2n ** 50n, ...parts }, signature: new Uint8Array() }
      : { what, revoke: { ...said, nonce: 0n, ...parts }, signature: new Uint8Array() };
  return encodeSessionInput({ ...unsigned, signature: signDigest(sessionDigest(domain, unsigned), ALICE.key) });
}

async function expectRefused(
  scene: ReplayScene,
  one: ReplayCase,
  openedIn: bigint,
  error: string,
  from: { interface: unknown } = scene.replay,
): Promise<void> {
  const run = scene.replay.isFalse.staticCall(scene.hub, ...replayArguments(one, openedIn));
  await expect(run).to.be.revertedWithCustomError(from, error);
}

describe("ChannelReplay", () => {
  describe("a record of each kind", () => {
    it("a user's call, of a wallet and of a session key", async () => {
      const scene = await sceneOf();
      await expectTold(scene, await transfer(scene));
      await expectTold(scene, await scene.play(RECORD_KINDS.session, sessionInput(scene, "grant")));
      const bySession = await transfer(scene, { key: KEY.key });
      expect(bySession.header.status).to.equal(1);
      await expectTold(scene, bySession);
      const slot = slotOf(sessionSlotOf(ALICE.address, KEY.address));
      const without = bySession.touched.filter((each) => Buffer.compare(each.slot, slot) !== 0);
      expect(await judge(scene, withTouched(bySession, without))).to.equal(true);
    });

    it("a call that fails, that runs out of gas, and one beyond a limit of the rules", async () => {
      const scene = await sceneOf();
      const failed = await transfer(scene, { args: [BOB.address, 5_000n] });
      const starved = await transfer(scene, { gasLimit: 3_000n });
      const greedy = await transfer(scene, { gasLimit: 2_000_001n });
      const long = await transfer(scene, { data: new Uint8Array(8_193) });
      expect([failed, starved, greedy, long].map(({ header }) => header.status)).to.deep.equal([0, 0, 2, 2]);
      expect(starved.header.gasUsed).to.equal(3_000);
      for (const one of [failed, starved, greedy, long]) await expectTold(scene, one);
    });

    it("a call that touches too many slots, and one that touches as many as it may", async () => {
      const scene = await sceneOf("SlotsMock");
      const sum = async (count: number): Promise<ReplayCase> =>
        await scene.play(RECORD_KINDS.call, callInput(scene, ALICE, { name: "sum", args: [0, count] }));
      const [most, over] = [await sum(127), await sum(128)];
      expect([most, over].map(({ header, touched }) => [header.status, touched.length])).to.deep.equal([
        [1, 128],
        [2, 129],
      ]);
      for (const one of [most, over]) await expectTold(scene, one);
      // Fewer than it touched, so that it would not be too many; the one that is left out is shown.
      const lied = { ...over, header: { ...over.header, status: 1 } };
      const without = withTouched(lied, over.touched.toSpliced(5, 1));
      expect(await judge(scene, { ...without, besides: [over.before[5]!] })).to.equal(true);
    });

    it("a tick, also one that catches up", async () => {
      const scene = await sceneOf("CounterProgram", TICKING);
      const { timeMs } = scene.genesis.header;
      await expectTold(scene, await scene.play(RECORD_KINDS.tick, new Uint8Array(), { timeMs: timeMs + 1_000 }));
      await expectTold(scene, await scene.play(RECORD_KINDS.tick, new Uint8Array(), { timeMs: timeMs + 4_500 }));
      const late = await scene.play(RECORD_KINDS.tick, new Uint8Array(), { timeMs: timeMs + 60_300 });
      await expectTold(scene, late);
      expect(scene.sandbox.tickDueMs()).to.equal(timeMs + 61_000);
      const one = await scene.play(RECORD_KINDS.call, callInput(scene, ALICE, { name: "increment" }));
      await expectTold(scene, one);
      const without = one.touched.filter(({ slot }) => Buffer.compare(slot, clockOf(scene)) !== 0);
      expect(without.length).to.equal(one.touched.length - 1);
      expect(await judge(scene, withTouched(one, without))).to.equal(true);
    });

    it("record 0, of a channel that ticks and of one that does not", async () => {
      for (const config of [{}, TICKING]) {
        const scene = await sceneOf("TokenProgram", config);
        expect(scene.genesis.header.status).to.equal(1);
        await expectTold(scene, scene.genesis);
      }
    });

    it("a join, a leave, a ban and the end", async () => {
      const scene = await sceneOf("FeatureProgram");
      const taken = [
        await take(scene, INBOX_KINDS.join, { data: JOIN }),
        await take(scene, INBOX_KINDS.leave),
        await take(scene, INBOX_KINDS.join, { data: JOIN }),
        await take(scene, INBOX_KINDS.ban, { data: encodeBan(5, ZeroAddress) }),
        await take(scene, INBOX_KINDS.close),
      ];
      for (const one of taken) {
        expect(one.header.status).to.equal(1);
        await expectTold(scene, one);
      }
    });

    it("a join and a leave whose hooks fail", async () => {
      const scene = await sceneOf("FeatureProgram");
      await scene.play(RECORD_KINDS.call, callInput(scene, ALICE, { name: "failHooks", args: [true] }));
      for (const one of [await take(scene, INBOX_KINDS.join, { data: JOIN }), await take(scene, INBOX_KINDS.leave)]) {
        expect(one.header.status).to.equal(1);
        await expectTold(scene, one);
      }
      const close = await take(scene, INBOX_KINDS.close);
      expect(close.header.status).to.equal(0);
      await expectTold(scene, close);
    });

    it("a leave whose hook touches too many slots", async () => {
      const scene = await sceneOf("WideHookProgram", TICKING);
      await take(scene, INBOX_KINDS.join, { data: JOIN });
      const leave = await take(scene, INBOX_KINDS.leave);
      expect([leave.header.status, leave.touched.length > 128]).to.deep.equal([1, true]);
      await expectTold(scene, leave);
    });

    it("entries that do nothing, and the first record of a term", async () => {
      const scene = await sceneOf("CounterProgram", TICKING);
      const term = await take(scene, INBOX_KINDS.term, {
        data: fromHex(coder.encode(["uint64", "address"], [2, ALICE.address])),
      });
      const presence = await take(scene, INBOX_KINDS.presence, { data: fromHex(coder.encode(["bool"], [true])) });
      const election = await scene.play(RECORD_KINDS.term, new Uint8Array([1, 2, 3]));
      for (const one of [term, presence, election]) await expectTold(scene, one);
      // They touch the clock and nothing else.
      expect(await judge(scene, withTouched(election, []))).to.equal(true);
      const other = { slot: slotOf(nonceSlotOf(ALICE.address)), value: new Uint8Array(32) };
      expect(await judge(scene, withTouched(election, [...election.touched, other]))).to.equal(true);
    });

    it("a session granted, granted again after its time, and revoked", async () => {
      const scene = await sceneOf("CounterProgram", TICKING);
      const soon = BigInt(scene.player.head.header.timeMs + 1);
      const functions = [SELECTOR, "0x01020304"];
      const records = [
        await scene.play(RECORD_KINDS.session, sessionInput(scene, "grant", { expiryMs: soon, functions })),
        await scene.play(RECORD_KINDS.session, sessionInput(scene, "grant", { functions })),
        await scene.play(RECORD_KINDS.session, sessionInput(scene, "revoke")),
      ];
      for (const one of records) await expectTold(scene, one);
    });
  });

  describe("a forced call", () => {
    const forced = (
      { domain, channel }: ReplayScene,
      parts: Partial<Call>,
      { by = ALICE, functions = [] as string[] }: { by?: User; functions?: string[] } = {},
    ): Uint8Array => {
      const data = fromHex(
        new ethers.Interface(["function transfer(address,uint256)"]).encodeFunctionData("transfer", [BOB.address, 10n]),
      );
      const call: Call = {
        channel,
        sender: ALICE.address,
        nonce: 0n,
        gasLimit: 100_000n,
        validUntilMs: 2n ** 60n,
        data,
        ...parts,
      };
      const signature = writeCallSignature({ signature: signDigest(callDigest(domain, call), by.key), functions });
      const type = "tuple(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)";
      return fromHex(coder.encode([type, "bytes"], [call, signature]));
    };
    const kind = INBOX_KINDS.forcedCall;

    it("is run, or does nothing when it is late, not signed, not the next, or of a key without a session", async () => {
      const scene = await sceneOf();
      const session = slotOf(sessionSlotOf(ALICE.address, KEY.address));
      const taken = [
        await take(scene, kind, { data: forced(scene, {}) }),
        await take(scene, kind, { data: forced(scene, {}) }),
        await take(scene, kind, { data: forced(scene, { validUntilMs: 1n }) }),
        await take(scene, kind, { data: forced(scene, { nonce: 1n }, { by: KEY }), watched: [session] }),
        await take(scene, kind, { data: forced(scene, { nonce: 1n, gasLimit: 3_000_000n }) }),
        await take(scene, kind, { data: forced(scene, { nonce: 2n, data: new Uint8Array(4) }) }),
      ];
      expect(taken.map(({ header }) => header.status)).to.deep.equal([1, 0, 0, 0, 2, 0]);
      for (const one of taken) await expectTold(scene, one);
    });

    it("of a session key is run as its session allows", async () => {
      const scene = await sceneOf();
      await scene.play(RECORD_KINDS.session, sessionInput(scene, "grant", { functions: [SELECTOR] }));
      const session = slotOf(sessionSlotOf(ALICE.address, KEY.address));
      const right = await take(scene, kind, { data: forced(scene, {}, { by: KEY, functions: [SELECTOR] }) });
      const wrong = await take(scene, kind, {
        data: forced(scene, { nonce: 1n, data: new Uint8Array(4) }, { by: KEY, functions: [SELECTOR] }),
        watched: [session],
      });
      expect([right, wrong].map(({ header }) => header.status)).to.deep.equal([1, 0]);
      for (const one of [right, wrong]) await expectTold(scene, one);
      const hidden = { ...wrong, besides: [] };
      await expectRefused(scene, hidden, await openCase(scene, hidden), "ChannelReplay_MissingSlot");
    });

    it("that cannot be read does nothing", async () => {
      const scene = await sceneOf();
      const type = "tuple(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)";
      const call = [scene.channel, ALICE.address, 0n, 100_000n, 2n ** 60n, "0x"];
      for (const signature of [new Uint8Array(3), new Uint8Array(65), new Uint8Array(100)]) {
        const one = await take(scene, kind, { data: fromHex(coder.encode([type, "bytes"], [call, signature])) });
        expect(one.header.status).to.equal(0);
        await expectTold(scene, one);
      }
    });
  });

  describe("what a program touches", () => {
    it("is all that the record says, and nothing else", async () => {
      const scene = await sceneOf();
      const eve = userOf(9);
      const stranger = slotOf(nonceSlotOf(eve.address));
      const input = callInput(scene, ALICE, { name: "transfer", args: [BOB.address, 10n] });
      const one = await scene.play(RECORD_KINDS.call, input, { watched: [stranger] });
      expect(await judge(scene, one), "with a slot besides that nobody touched").to.equal(false);
      const extra = { slot: stranger, value: new Uint8Array(32) };
      expect(await judge(scene, withTouched(one, [...one.touched, extra])), "one too many").to.equal(true);
    });

    it("is in ascending order", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const [first, second, ...rest] = one.touched;
      for (const touched of [
        [second!, first!, ...rest],
        [first!, first!, second!, ...rest],
      ]) {
        const header = { ...one.header, touchedHash: hashOfSet(touched) };
        expect(await judge(scene, { ...one, header, touched })).to.equal(true);
      }
    });

    it("has besides it what the state before holds, or nothing", async () => {
      const scene = await sceneOf();
      const watched = [slotOf(nonceSlotOf(ALICE.address)), slotOf(nonceSlotOf(BOB.address))];
      const one = await transfer(scene);
      const two = await scene.play(RECORD_KINDS.tick, new Uint8Array(), { watched }).catch(() => undefined);
      expect(two).to.equal(undefined);
      const other = await scene.play(RECORD_KINDS.term, new Uint8Array(), { watched });
      const [nonce] = other.besides;
      expect(BigInt(hexlify(nonce!.value))).to.equal(1n);
      const open = async (besides: ReplayCase["besides"], rootBefore = other.rootBefore): Promise<bigint> =>
        await openCase(scene, { ...other, besides, rootBefore });
      const refusal = async (sent: Promise<unknown>, error: string): Promise<void> =>
        await expect(sent).to.be.revertedWithCustomError(scene.replay, error);
      await refusal(open([{ ...nonce!, value: new Uint8Array(32) }]), "ChannelReplay_WrongValue");
      const { touched, besides } = other;
      const sent = scene.replay.openReplay(
        hexlify(other.rootBefore),
        touched.map(slotValueStruct),
        besides.map(slotValueStruct),
        [proofStruct(nonce!.proof)],
      );
      await refusal(sent, "ChannelReplay_WrongCount");
      const tree = { interface: new ethers.Interface(["error StateTree_WrongRoot(bytes32,bytes32)"]) };
      await expect(open([nonce!], one.rootBefore)).to.be.revertedWithCustomError(tree, "StateTree_WrongRoot");
      await open(besides);
    });

    it("is nothing but zeros before record 0", async () => {
      const scene = await sceneOf();
      const [first, ...rest] = scene.genesis.touched;
      const touched = [{ ...first!, value: new Uint8Array(32).fill(1) }, ...rest];
      expect(await judge(scene, withTouched(scene.genesis, touched))).to.equal(true);
    });
  });

  describe("a long touched set", () => {
    const many = Array.from({ length: 300 }, (_, index) => ({
      slot: fromHex(keccak256(ethers.toBeHex(index, 32))),
      value: fromHex(ethers.toBeHex(index + 1, 32)),
    }));
    const unopened = 0n;

    it("of a call is over the limit by what it says: it needs no run, and has written nothing", async () => {
      const scene = await sceneOf("SlotsMock");
      const call = callInput(scene, ALICE, { name: "sum", args: [0, 200] });
      const over = await scene.play(RECORD_KINDS.call, call);
      expect(over.header.status).to.equal(2);
      expect(await isFalse(scene, over, unopened)).to.equal(false);
      for (const lie of [{ status: 1 }, { status: 0 }, { writesHash: new Uint8Array(32) }]) {
        expect(await isFalse(scene, over, unopened, lie)).to.equal(true);
      }
      const short = await scene.play(RECORD_KINDS.call, callInput(scene, ALICE, { name: "sum", args: [0, 3] }));
      await expectRefused(scene, short, unopened, "ChannelReplay_NotOpened");
      const padded = withTouched(short, [...short.touched, ...many]);
      expect(await isFalse(scene, padded, unopened)).to.equal(true);
      const shown = { ...short, header: { ...short.header, status: 2 } };
      // Whoever loads enough of it shows that it is not what was touched.
      const some = withTouched(shown, [...short.touched, ...many.slice(0, 200)]);
      expect(await judge(scene, some)).to.equal(true);
    });

    it("is loaded in parts, and run in a later block than the last one", async () => {
      const scene = await sceneOf("FeatureProgram");
      await take(scene, INBOX_KINDS.join, { data: JOIN });
      const leave = await take(scene, INBOX_KINDS.leave);
      const padded = withTouched(leave, [...leave.touched, ...many]);
      const openedIn = await openCase(scene, padded);
      await expectRefused(scene, padded, openedIn, "ChannelReplay_NotOpened");
      const place = { root: hexlify(padded.rootBefore), besidesHash: keccak256("0x"), openedIn };
      const set = padded.touched.map(slotValueStruct);
      const { touchedHash } = padded.header;
      expect(await scene.replay.loadedOf(place, hexlify(touchedHash))).to.equal(256n);
      await scene.replay.loadMore(place, set);
      await expectRefused(scene, padded, openedIn, "ChannelReplay_NotOpened");
      await scene.replay.loadMore(place, set);
      await scene.ethers.provider.send("hardhat_mine", ["0x1"]);
      expect(await scene.replay.loadedOf(place, hexlify(touchedHash))).to.equal(BigInt(set.length));
      const scratch = await scratchOf(scene, padded, openedIn);
      for (const { slot, value } of padded.touched) {
        expect(await scene.ethers.provider.getStorage(scratch, hexlify(slot))).to.equal(hexlify(value));
      }
      expect(await isFalse(scene, padded, openedIn), "nobody has touched most of it").to.equal(true);
      const other = scene.replay.loadMore({ ...place, openedIn: openedIn + 1n }, set);
      await expect(other).to.be.revertedWithCustomError(scene.replay, "ChannelReplay_NotOpened");
    });
  });

  describe("whoever calls", () => {
    it("cannot run a record in the block that loads it, nor on what was not loaded", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const openedIn = await openCase(scene, one);
      for (const wrong of [openedIn - 1n, openedIn + 1n]) {
        await expectRefused(scene, one, wrong, "ChannelReplay_NotOpened");
      }
      await scene.ethers.provider.send("evm_setAutomine", [false]);
      try {
        const next = BigInt((await scene.ethers.provider.getBlockNumber()) + 1);
        const struct = replayArguments(one, next);
        const [sender] = await scene.ethers.getSigners();
        const load = await scene.replay.openReplay.populateTransaction(
          hexlify(one.rootBefore),
          one.touched.map(slotValueStruct),
          [],
          [],
        );
        const run = await scene.replay.isFalse.populateTransaction(scene.hub, ...struct);
        const sent = [];
        for (const [request, gasLimit] of [
          [load, 2_000_000n],
          [load, 2_000_000n],
          [run, 5_000_000n],
        ] as const) {
          sent.push(await sender!.sendTransaction({ ...request, gasLimit }));
        }
        await scene.ethers.provider.send("evm_mine", []);
        const receipts = await Promise.all(sent.map(({ hash }) => scene.ethers.provider.getTransactionReceipt(hash)));
        // Loaded once, and again, which does nothing; not run.
        expect(receipts.map((receipt) => [receipt?.blockNumber, receipt?.status])).to.deep.equal([
          [Number(next), 1],
          [Number(next), 1],
          [Number(next), 0],
        ]);
        expect(receipts.map((receipt) => receipt?.logs.length)).to.deep.equal([1, 0, 0]);
      } finally {
        await scene.ethers.provider.send("evm_setAutomine", [true]);
      }
    });

    it("cannot make slots warm by an access list", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const openedIn = await openCase(scene, one);
      const scratch = await scratchOf(scene, one, openedIn);
      const run = await scene.replay.isFalse.populateTransaction(scene.hub, ...replayArguments(one, openedIn));
      const [caller] = await scene.ethers.getSigners();
      const calling = async (storageKeys: string[]): Promise<string> => {
        const request: TransactionRequest = { ...run, accessList: [{ address: scratch, storageKeys }] };
        return await caller!.call({ ...request, type: 1, gasLimit: 5_000_000n });
      };
      for (const { slot } of one.touched) {
        const warm = calling([hexlify(slot)]);
        await expect(warm).to.be.revertedWithCustomError(scene.replay, "ChannelReplay_NotRun");
      }
      // The scratch itself may be warm.
      expect(BigInt(await calling([]))).to.equal(0n);
    });

    it("cannot make a record false by giving too little gas", async () => {
      const scene = await sceneOf();
      const cases = [await transfer(scene), await transfer(scene, { gasLimit: 2_000_000n })];
      const loops = await sceneOf("LoopsMock", {}, "0x");
      const looping = callInput(loops, ALICE, { name: "forNothing", gasLimit: 200_000n });
      for (const [at, one] of [
        [scene, cases[0]!],
        [scene, cases[1]!],
        [loops, await loops.play(RECORD_KINDS.call, looping)],
      ] as const) {
        const openedIn = await openCase(at, one);
        const seen = new Set<string>();
        for (let gasLimit = 60_000n; gasLimit < 2_400_000n; gasLimit += gasLimit / 16n) {
          const said = await at.replay.isFalse
            .staticCall(at.hub, ...replayArguments(one, openedIn), { gasLimit })
            .then(String, () => "reverts");
          seen.add(said);
        }
        expect([...seen]).to.deep.equal(["reverts", "false"]);
      }
    });

    it("cannot use a scratch, or what the scratches are clones of", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const openedIn = await openCase(scene, one);
      const address = await scratchOf(scene, one, openedIn);
      const original = getCreateAddress({ from: await scene.replay.getAddress(), nonce: 1 });
      for (const at of [address, original]) {
        const scratch = await scene.ethers.getContractAt("ChannelScratch", at);
        for (const send of [
          async () => await scratch.load([slotValueStruct(one.touched[0]!)]),
          async () => await scratch.requireCold([]),
          async () => await scratch.run(scene.program, 10_000n, "0x", []),
        ]) {
          await expect(send()).to.be.revertedWithCustomError(scratch, "ChannelScratch_NotOwner");
        }
      }
    });

    it("cannot show another input, touched set or root", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const openedIn = await openCase(scene, one);
      const { court } = scene;
      await expectRefused(scene, { ...one, input: new Uint8Array(3) }, openedIn, "ChannelCourt_WrongInput", court);
      await expectRefused(scene, { ...one, touched: one.touched.slice(1) }, openedIn, "ChannelCourt_WrongSet", court);
      const other = { ...one, rootBefore: new Uint8Array(32) };
      await expectRefused(scene, other, openedIn, "ChannelReplay_NotOpened");
    });

    it("has a slot in one of the two sets", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const twice = { ...one, besides: one.before };
      await expectRefused(scene, twice, await openCase(scene, twice), "ChannelReplay_NotRun");
    });
  });

  describe("the gas of the rules", () => {
    const probeOf = async ({ replay }: ReplayScene): Promise<string> =>
      getCreateAddress({ from: await replay.getAddress(), nonce: 2 });

    it("is what the sandbox needs for the probe, which has every opcode that programs may use", async () => {
      const scene = await sceneOf();
      const code = fromHex(await scene.ethers.provider.getCode(await probeOf(scene)));
      const runner = await createCallRunner(createSlotStore(), {
        address: "0x00000000000000000000000000000000000c0de0",
        code,
      });
      const { succeeded, gasUsed } = await runner.run({ data: new Uint8Array(), gasLimit: 200_000n });
      expect([succeeded, gasUsed]).to.deep.equal([true, 116_619]);
      const missing = allowedOpcodes().filter((opcode) => !opcodesOf(code).has(opcode));
      // STOP, REVERT and INVALID end a call and cost nothing that could change.
      expect(missing).to.deep.equal([0x00, 0xfd, 0xfe]);
    });

    it("decides nothing on a chain that has another one", async () => {
      const scene = await sceneOf();
      const one = await transfer(scene);
      const openedIn = await openCase(scene, one);
      const probe = await probeOf(scene);
      const code = await scene.ethers.provider.getCode(probe);
      // One PUSH and one POP more.
      await scene.ethers.provider.send("hardhat_setCode", [probe, `0x5f50${code.slice(2)}`]);
      const gas = scene.replay.isFalse.staticCall(scene.hub, ...replayArguments(one, openedIn, { gasUsed: 1 }));
      await expect(gas).to.be.revertedWithCustomError(scene.replay, "ChannelReplay_OtherGas");
      const status = scene.replay.isFalse.staticCall(scene.hub, ...replayArguments(one, openedIn, { status: 0 }));
      await expect(status).to.be.revertedWithCustomError(scene.replay, "ChannelReplay_OtherGas");
      await expect(scene.replay.requireRulesGas.staticCall()).to.be.revertedWithCustomError(
        scene.replay,
        "ChannelReplay_OtherGas",
      );
      // What has nothing to do with gas is false all the same.
      expect(await isFalse(scene, one, openedIn, { returnHash: new Uint8Array(32) })).to.equal(true);
      expect(await isFalse(scene, one, openedIn)).to.equal(false);
    });
  });
});

async function scratchOf({ replay }: ReplayScene, one: ReplayCase, openedIn: bigint): Promise<string> {
  const place = { root: hexlify(one.rootBefore), besidesHash: keccak256("0x"), openedIn };
  return await replay.scratchOf(place, hexlify(one.header.touchedHash));
}

function clockOf({ genesis }: ReplayScene): Uint8Array {
  const seed = BigInt(ethers.id("sprf.channel.clock")) - 1n;
  const slot = BigInt(keccak256(ethers.toBeHex(seed, 32))) & ~0xffn;
  const found = genesis.touched.find((each) => BigInt(hexlify(each.slot)) === slot);
  if (found === undefined) throw new Error("the channel does not tick");
  return found.slot;
}

/** As OpcodeScan has them. */
function allowedOpcodes(): number[] {
  const range = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return [
    ...range(0x00, 0x0b),
    ...range(0x10, 0x1e),
    0x20,
    ...range(0x34, 0x39),
    0x3d,
    0x3e,
    ...range(0x50, 0x59),
    ...range(0x5b, 0x9f),
    ...range(0xa0, 0xa4),
    0xf3,
    0xfd,
    0xfe,
  ];
}

function opcodesOf(code: Uint8Array): Set<number> {
  const seen = new Set<number>();
  for (let at = 0; at < code.length; at += 1) {
    const opcode = code[at]!;
    seen.add(opcode);
    if (opcode >= 0x60 && opcode <= 0x7f) at += opcode - 0x5f;
  }
  return seen;
}
