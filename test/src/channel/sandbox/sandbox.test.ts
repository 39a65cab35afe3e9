import { expect } from "chai";
import { AbiCoder, keccak256, ZeroAddress } from "ethers";

import { loadSandbox, type Execution } from "../../../../src/channel/sandbox/sandbox.ts";
import { isSprfError, type ErrorCode } from "../../../../src/errors.ts";
import { fromHex, toHex } from "../../../../src/utils/bytes.ts";
import { compiledProgram, openTestChannel, type TestProgram } from "../../../helpers/program-sandbox.ts";
import { GENESIS_MS, sandboxOptions } from "../../../helpers/sandbox-options.ts";

const ALICE = "0x000000000000000000000000000000000000aa01";
const BOB = "0x000000000000000000000000000000000000aa02";
const KEY = "0x000000000000000000000000000000000000bb01";
const ZERO = "00".repeat(32);
const coder = AbiCoder.defaultAbiCoder();

describe("a channel's sandbox", () => {
  let counter: TestProgram;
  let token: TestProgram;

  before(async () => {
    [counter, token] = await Promise.all([compiledProgram("CounterMock"), compiledProgram("TokenMock")]);
  });

  it("should play record 0 on an empty state, and show it by views", async () => {
    const channel = await openTestChannel(counter);
    expect([channel.sandbox.height, toHex(channel.sandbox.root)]).to.deep.equal([-1, ZERO]);
    const state = fromHex(coder.encode(["uint256"], [7n]));
    const { status, touched } = await channel.play({ kind: "initialize", state });
    expect(status).to.equal(1);
    expect(touched.map(({ before, after }) => [toHex(before), BigInt(`0x${toHex(after)}`)])).to.deep.equal([
      [ZERO, 7n],
    ]);
    expect(await channel.view("count")).to.deep.equal([7n]);
    expect(channel.sandbox.height).to.equal(0);
  });

  it("should tell the program who calls, when, at which height and with which randomness", async () => {
    const channel = await openTestChannel(counter);
    await channel.play({ kind: "initialize", state: new Uint8Array(0) });
    const { returnData } = await channel.call(ALICE, "observe");
    const [sender, timeMs, height, randomness] = counter.abi.decodeFunctionResult("observe", returnData);
    expect(String(sender).toLowerCase()).to.equal(ALICE);
    expect([timeMs, height]).to.deep.equal([1_767_225_600_001n, 1n]);
    expect(randomness).to.equal(`0x${"01".repeat(32)}`);
  });

  it("should count nonces by itself, also of calls that fail, and refuse a call out of turn", async () => {
    const channel = await openTestChannel(token);
    const failed = await channel.call(ALICE, "transfer", [1, 5]);
    expect([failed.status, failed.failure, channel.sandbox.nonceOf(ALICE)]).to.deep.equal([0, "revert", 1n]);
    const { root } = channel.sandbox;
    for (const nonce of [0n, 2n]) {
      const call = { sender: ALICE, nonce, data: new Uint8Array(4), gasLimit: 1n };
      await expectRefusal(channel.play({ kind: "call", call }));
    }
    expect([channel.sandbox.height, channel.sandbox.root]).to.deep.equal([0, root]);
  });

  it("should list what a failed call touched, and change nothing but the nonce", async () => {
    const channel = await openTestChannel(token);
    const { touched } = await channel.call(ALICE, "transfer", [1, 5]);
    const balance = keccak256(coder.encode(["address", "uint256"], [ALICE, 0]));
    expect(touched.map(({ slot }) => `0x${toHex(slot)}`)).to.include(balance);
    expect(changed(touched)).to.have.length(1);
    expect(channel.sandbox.slotCount).to.equal(1);
  });

  it("should fail a call beyond a limit of the rules with a status of its own", async () => {
    const slots = await openTestChannel(await compiledProgram("SlotsMock"));
    expect((await slots.call(ALICE, "touch", [127])).status).to.equal(1);
    const much = await slots.call(ALICE, "touch", [128]);
    expect([much.status, much.touched.length, much.logs.length]).to.deep.equal([2, 129, 0]);
    for (const [data, gasLimit] of [
      [new Uint8Array(8193), 1_000_000n],
      [new Uint8Array(4), 2_000_001n],
    ] as const) {
      const call = { sender: ALICE, nonce: slots.sandbox.nonceOf(ALICE), data, gasLimit };
      const { status, gasUsed, touched } = await slots.play({ kind: "call", call });
      expect([status, gasUsed, touched.length]).to.deep.equal([2, 0, 1]);
    }
    expect(slots.sandbox.nonceOf(ALICE)).to.equal(4n);
  });

  it("should drop what a call beyond the limit of slots wrote, but its nonce", async () => {
    const channel = await openTestChannel(await compiledProgram("ListsMock"));
    const octets = new Uint8Array(48).fill(1);
    for (let pushed = 0; pushed < 130 * 32; pushed += octets.length) await channel.call(ALICE, "pushOctets", [octets]);
    const { slotCount } = channel.sandbox;
    const { status, touched } = await channel.call(ALICE, "clearOctets");
    expect([status, touched.length, changed(touched).length]).to.deep.equal([2, 133, 1]);
    expect(channel.sandbox.slotCount).to.equal(slotCount);
  });

  it("should keep nothing of what a view writes", async () => {
    const channel = await openTestChannel(counter);
    expect(await channel.view("inc")).to.deep.equal([1n]);
    expect(await channel.view("inc")).to.deep.equal([1n]);
    expect([channel.sandbox.slotCount, channel.sandbox.height]).to.deep.equal([0, -1]);
  });

  it("should play calls and views in the order in which they came", async () => {
    const channel = await openTestChannel(counter);
    const call = (nonce: bigint): Promise<Execution> =>
      channel.sandbox.execute(
        {
          kind: "call",
          call: { sender: ALICE, nonce, data: fromHex(counter.abi.getFunction("inc")!.selector), gasLimit: 100_000n },
        },
        { height: Number(nonce), timeMs: 1, randomness: new Uint8Array(32) },
      );
    const [, first, , second] = await Promise.all([call(0n), channel.view("count"), call(1n), channel.view("count")]);
    expect([first, second]).to.deep.equal([[1n], [2n]]);
  });

  it("should take back records one by one, down to the state before record 0", async () => {
    const channel = await openTestChannel(token, { undoRecords: 5 });
    const roots = [toHex(channel.sandbox.root)];
    for (const [name, ...args] of [
      ["mint", 1, 500],
      ["transfer", 2, 100],
      ["burnAll"],
      ["transfer", 2, 9],
      ["mint", 1, 3],
    ] as const) {
      roots.push(toHex((await channel.call(ALICE, name, args)).root));
    }
    await expectRefusal(channel.sandbox.revertLast(6), "CHANNEL_UNDO_MISSING");
    await channel.sandbox.revertLast(2);
    expect([channel.sandbox.height, toHex(channel.sandbox.root)]).to.deep.equal([2, roots[3]]);
    await channel.call(ALICE, "transfer", [2, 9]);
    expect(toHex(channel.sandbox.root)).to.equal(roots[4]);
    await channel.sandbox.revertLast(4);
    expect([channel.sandbox.height, toHex(channel.sandbox.root), channel.sandbox.slotCount]).to.deep.equal([
      -1,
      ZERO,
      0,
    ]);
  });

  it("should not take back what it was told to forget", async () => {
    const channel = await openTestChannel(counter);
    for (let count = 0; count < 5; count++) await channel.call(ALICE, "inc");
    channel.sandbox.forgetUndo(2);
    await expectRefusal(channel.sandbox.revertLast(3), "CHANNEL_UNDO_MISSING");
    await channel.sandbox.revertLast(2);
    expect(await channel.view("count")).to.deep.equal([3n]);
  });

  describe("ticks", () => {
    const ticks = { tickMs: 100, maxCatchUpTicks: 3, genesisMs: 1_000 };
    const tickAt = (timeMs: number) => [{ kind: "tick" }, { timeMs }] as const;

    it("should play one at a time when it is due, and skip what is too far behind", async () => {
      const channel = await openTestChannel(counter, { ticks });
      const { touched } = await channel.play({ kind: "initialize", state: new Uint8Array(0) }, { timeMs: 1_000 });
      expect([channel.sandbox.tickDueMs(), changed(touched).length]).to.deep.equal([1_100, 1]);
      await expectRefusal(channel.play(...tickAt(1_099)));
      for (const [timeMs, dueMs] of [
        [1_100, 1_200],
        [1_350, 1_300],
        [1_600, 1_400],
        [1_701, 1_800],
      ] as const) {
        expect((await channel.play(...tickAt(timeMs))).status).to.equal(1);
        expect(channel.sandbox.tickDueMs(), `at ${timeMs}`).to.equal(dueMs);
      }
      expect(await channel.view("count")).to.deep.equal([4_000n]);
    });

    it("should be refused where nothing ticks", async () => {
      await expectRefusal((await openTestChannel(counter)).play({ kind: "tick" }));
    });

    it("should belong to what every record touches", async () => {
      const channel = await openTestChannel(counter, { ticks });
      await channel.play({ kind: "initialize", state: new Uint8Array(0) });
      const { touched } = await channel.play({ kind: "term" });
      expect(touched.map(({ before }) => BigInt(`0x${toHex(before)}`))).to.deep.equal([1_100n]);
    });
  });

  describe("the inbox", () => {
    it("should leave out the hook of a join that the program refuses", async () => {
      const channel = await openTestChannel(await compiledProgram("CounterMock"));
      const join = { kind: "inbox", effect: { type: "join", member: BOB, assets: [] } } as const;
      const played = await channel.play(join);
      expect([played.status, played.hookFailed]).to.deep.equal([1, undefined]);
      await channel.call(ALICE, "inc");
      const again = await channel.play(join);
      expect([again.status, again.hookFailed]).to.deep.equal([1, true]);
      expect(await channel.view("joins", [BOB])).to.deep.equal([101n]);
    });

    it("should take a forced call, or the entry without it where it cannot be played", async () => {
      const channel = await openTestChannel(counter);
      const data = fromHex(counter.abi.encodeFunctionData("inc"));
      const call = { sender: ALICE, nonce: 0n, data, gasLimit: 100_000n };
      const forced = { kind: "inbox", effect: { type: "call", call } } as const;
      expect((await channel.play(forced)).status).to.equal(1);
      const again = await channel.play(forced);
      expect([again.status, again.gasUsed, again.touched.length]).to.deep.equal([0, 0, 1]);
      expect((await channel.play({ kind: "inbox", effect: { type: "refused" } })).status).to.equal(0);
      expect((await channel.play({ kind: "inbox", effect: { type: "none" } })).status).to.equal(1);
      expect((await channel.play({ kind: "inbox", effect: { type: "close" } })).touched).to.have.length(1);
      expect(await channel.view("count")).to.deep.equal([1n]);
    });
  });

  describe("a program of channels", () => {
    const ETHER = keccak256(coder.encode(["address", "uint256"], [ZeroAddress, 0]));
    const asset = { kind: 0, token: ZeroAddress, id: 0n, amount: 5n };
    const join = { kind: "inbox", effect: { type: "join", member: BOB, assets: [asset] } } as const;
    const leave = { kind: "inbox", effect: { type: "leave", member: BOB } } as const;

    for (const hooksFail of [false, true]) {
      it(`should own what it brought and leave with it, its hooks ${hooksFail ? "failing" : "playing"}`, async () => {
        const channel = await openTestChannel(await compiledProgram("FeatureProgram"));
        await channel.play({ kind: "initialize", state: new Uint8Array(0) });
        await channel.call(ALICE, "failHooks", [hooksFail]);
        for (const input of [join, join]) {
          const { status, hookFailed = false } = await channel.play(input);
          expect([status, hookFailed]).to.deep.equal([1, hooksFail]);
        }
        expect(await channel.view("ownedOf", [BOB, ETHER])).to.deep.equal([10n]);
        const { status, hookFailed = false } = await channel.play(leave);
        expect([status, hookFailed]).to.deep.equal([1, hooksFail]);
        expect(await channel.view("ownedOf", [BOB, ETHER])).to.deep.equal([0n]);
        expect(await channel.view("exitsOf", [BOB, ETHER])).to.deep.equal([10n]);
      });
    }

    it("should let a member leave with what it owns, whatever its hook has touched", async () => {
      const channel = await openTestChannel(await compiledProgram("WideHookProgram"));
      await channel.play({ kind: "initialize", state: new Uint8Array(0) });
      await channel.play(join);
      const { status, hookFailed, touched } = await channel.play(leave);
      expect([status, hookFailed]).to.deep.equal([1, true]);
      expect(touched.length).to.be.above(128);
      expect(await channel.view("ownedOf", [BOB, ETHER])).to.deep.equal([0n]);
      expect(await channel.view("exitsOf", [BOB, ETHER])).to.deep.equal([5n]);
    });

    it("should see the nonce where the sandbox keeps it, and be called by the system alone", async () => {
      const channel = await openTestChannel(await compiledProgram("FeatureProgram"));
      const { status } = await channel.call(ALICE, "channelTick");
      await channel.call(ALICE, "requestClose");
      expect(status).to.equal(0);
      expect(await channel.view("nonceOf", [ALICE])).to.deep.equal([2n]);
      expect(await channel.view("isCloseRequested")).to.deep.equal([true]);
    });
  });

  describe("session keys", () => {
    const END_MS = BigInt(GENESIS_MS) + 9_999n;
    const OVER_MS = Number(END_MS) + 1;
    const grant = { type: "grant", wallet: ALICE, key: KEY, expiryMs: END_MS, functions: [] } as const;

    it("should be granted once and revoked for good, with the wallet's nonce", async () => {
      const channel = await openTestChannel(counter);
      await channel.play({ kind: "session", change: grant });
      const granted = channel.sandbox.sessionOf(ALICE, KEY);
      expect(granted & 0xffffffffffffffffn).to.equal(END_MS);
      expect(granted >> 64n).to.equal(BigInt(keccak256("0x").slice(0, 42)));
      await expectRefusal(channel.play({ kind: "session", change: { ...grant, expiryMs: END_MS + 90_000n } }));

      const call = { sender: ALICE, nonce: 0n, data: new Uint8Array(4), gasLimit: 50_000n, sessionKey: KEY };
      expect((await channel.play({ kind: "call", call })).touched).to.have.length(2);
      const revoke = { type: "revoke", wallet: ALICE, key: KEY, nonce: 1n } as const;
      await expectRefusal(channel.play({ kind: "session", change: { ...revoke, nonce: 0n } }));
      await channel.play({ kind: "session", change: revoke });
      expect([channel.sandbox.sessionOf(ALICE, KEY), channel.sandbox.nonceOf(ALICE)]).to.deep.equal([1n << 64n, 2n]);
      await expectRefusal(channel.play({ kind: "session", change: grant }));
      // Not even after the time that it would have had.
      const later = { ...grant, expiryMs: END_MS + 90_000n };
      await expectRefusal(channel.play({ kind: "session", change: later }, { timeMs: OVER_MS }));
    });

    it("should be granted anew once their time is over, in the slot that they have, and not for a time that is", async () => {
      const channel = await openTestChannel(counter);
      await channel.play({ kind: "session", change: grant });
      const { slotCount } = channel.sandbox;
      const later = { ...grant, expiryMs: END_MS + 90_000n } as const;
      await expectRefusal(channel.play({ kind: "session", change: later }, { timeMs: OVER_MS - 1 }));
      // Whoever has kept the old one cannot bring it back.
      await expectRefusal(channel.play({ kind: "session", change: grant }, { timeMs: OVER_MS }));
      const over = { ...grant, key: BOB } as const;
      await expectRefusal(channel.play({ kind: "session", change: over }, { timeMs: OVER_MS }));
      await channel.play({ kind: "session", change: later }, { timeMs: OVER_MS });
      expect(channel.sandbox.sessionOf(ALICE, KEY) & 0xffffffffffffffffn).to.equal(END_MS + 90_000n);
      expect(channel.sandbox.slotCount).to.equal(slotCount);
    });
  });

  it("should refuse a height out of turn", async () => {
    const channel = await openTestChannel(counter);
    await expectRefusal(channel.play({ kind: "term" }, { height: 1 }));
  });

  it("should go on from a snapshot as the sandbox does that made it", async () => {
    const channel = await openTestChannel(token);
    await channel.call(ALICE, "mint", [1, 1_000]);
    await channel.call(ALICE, "transfer", [2, 10]);
    const { height, root } = channel.sandbox;
    const parts = channel.sandbox.snapshot();
    // What is played while somebody reads does not show.
    await channel.call(ALICE, "burnAll");
    const sandbox = await loadSandbox(sandboxOptions(token), parts, { height, root });
    expect([sandbox.height, toHex(sandbox.root)]).to.deep.equal([height, toHex(root)]);
    await channel.sandbox.revertLast(1);
    const copy = await openTestChannel(token, { sandbox });
    for (const args of [
      [3, 5],
      [2, 5],
      [1, 900],
    ]) {
      const [own, other] = [await channel.call(ALICE, "transfer", args), await copy.call(ALICE, "transfer", args)];
      expect(other).to.deep.equal(own);
    }
  });
});

function changed(touched: Execution["touched"]): Execution["touched"] {
  return touched.filter(({ before, after }) => toHex(before) !== toHex(after));
}

async function expectRefusal(promise: Promise<unknown>, code: ErrorCode = "CHANNEL_INPUT_INVALID"): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isSprfError(error) ? error.code : error).to.equal(code);
}
