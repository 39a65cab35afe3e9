import { expect } from "chai";
import fc from "fast-check";
import { Wallet } from "ethers";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { signCall } from "../../../../src/client/channel/channel-signer.ts";
import { createProgramCodec } from "../../../../src/client/channel/program-abi.ts";
import { createCallSender, type CallSender } from "../../../../src/client/channel/send-calls.ts";
import { SprfError, type ErrorCode } from "../../../../src/errors.ts";
import type { Call } from "../../../../src/wire/channel/call.ts";
import type { ChannelConnection } from "../../../../src/ports/channel-connection.ts";
import {
  DESK_ABI,
  DESK_CHANNEL,
  DESK_DOMAIN,
  createChannelDesk,
  type ChannelDesk,
} from "../../../helpers/channel-desk.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const WALLET = new Wallet(`0x${"11".repeat(32)}`);
const ACCOUNT = WALLET.address.toLowerCase();
const codec = createProgramCodec(DESK_ABI);
const PASSING: readonly ErrorCode[] = ["PEER_UNREACHABLE", "CHANNEL_NO_LEADER", "CHANNEL_BUSY", "TIMEOUT"];

describe("client/channel/send-calls", () => {
  it("runs many calls at once, each exactly once and in order", async () => {
    const { desk, sender } = scene();
    const receipts = await Promise.all(range(20).map(async (index) => await sender.send(add(index + 1))));
    expect(receipts.map(({ height }) => height)).to.deep.equal(range(20).map((index) => index + 1));
    expect(desk.arrived.length).to.equal(20);
  });

  it("runs each once however often the node answers that it cannot", async () => {
    const refusals = fc.array(fc.constantFrom(...PASSING), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(refusals, fc.integer({ min: 1, max: 5 }), async (codes, count) => {
        const { desk, sender } = scene();
        desk.refuseNext(...codes.map((code) => new SprfError(code, "not now")));
        await Promise.all(range(count).map(async (index) => await sender.send(add(index + 1))));
        expect(desk.records.map(({ nonce }) => nonce)).to.deep.equal(range(count).map(BigInt));
        expect(desk.records.every(({ status }) => status === "success")).to.equal(true);
      }),
      { numRuns: 6 },
    );
  });

  it("sends the same signed bytes again when nobody can say whether they were taken", async () => {
    const { desk, sender } = scene();
    desk.refuseNext(new SprfError("PEER_UNREACHABLE", "gone"));
    await sender.send(add(1));
    const [first, second] = desk.arrived;
    expect(first?.signature).to.deep.equal(second?.signature);
  });

  it("takes a call that a node refuses before it has seen its record for what it is, and runs it once", async () => {
    const { desk, sender } = scene();
    const call = desk.call.bind(desk);
    let isBehind = true;
    // The leader took it, this node came back and has not caught up with that yet.
    desk.call = async (signed, options) => {
      const receipt = await call(signed, options);
      if (!isBehind) return receipt;
      isBehind = false;
      throw new SprfError("CHANNEL_NONCE_WRONG", "the next nonce is another");
    };
    expect((await sender.send(add(1))).nonce).to.equal(0n);
    expect(desk.records.length).to.equal(1);
  });

  it("makes the record of a call again that was lost with its leader, and lets nothing else pass for it", async () => {
    const { desk, sender } = scene();
    const first = await sender.send(add(1));
    desk.rollBack(0);
    const again = await sender.resend(first);
    expect([again.nonce, desk.records.length]).to.deep.equal([0n, 1]);
    desk.rollBack(0);
    // Another device of this account.
    await scene(desk).sender.send(add(2));
    expect(await codeOf(sender.resend(again))).to.equal("CHANNEL_ROLLED_BACK");
    expect(desk.records.length).to.equal(1);
  });

  it("brings back the calls that were lost before the one that it sends", async () => {
    const { desk, sender } = scene();
    await sender.send(add(1));
    await sender.send(add(2));
    desk.rollBack(0);
    expect((await sender.send(add(3))).nonce).to.equal(2n);
    expect(desk.records.map(({ nonce, status }) => [nonce, status])).to.deep.equal(
      [0n, 1n, 2n].map((nonce) => [nonce, "success"]),
    );
  });

  it("fills the number of a lost call that has expired", async () => {
    const { desk, sender } = scene();
    const first = await sender.send(add(1));
    desk.rollBack(0);
    desk.refuseNext(
      new SprfError("CHANNEL_NONCE_WRONG", "not its turn"),
      new SprfError("CHANNEL_CALL_EXPIRED", "too late"),
    );
    expect((await sender.send(add(2))).nonce).to.equal(1n);
    expect(desk.records.map(({ status }) => status)).to.deep.equal(["failed", "success"]);
    expect(await codeOf(sender.resend(first))).to.equal("CHANNEL_ROLLED_BACK");
  });

  it("fills the number of a call that was refused for good, since those after it are signed", async () => {
    const { desk, sender } = scene();
    desk.refuseNext(new SprfError("CHANNEL_CALL_TOO_LARGE", "too much"));
    const [refused, next] = [codeOf(sender.send(add(1))), sender.send(add(2))];
    expect(await refused).to.equal("CHANNEL_CALL_TOO_LARGE");
    expect((await next).nonce).to.equal(1n);
    expect(desk.records.map(({ status }) => status)).to.deep.equal(["failed", "success"]);
    expect((await sender.send(add(3))).nonce).to.equal(2n);
  });

  it("takes the number of a refused call for the next one when none waits", async () => {
    const { desk, sender } = scene();
    desk.refuseNext(new SprfError("CHANNEL_CALL_TOO_LARGE", "too much"));
    expect(await codeOf(sender.send(add(1)))).to.equal("CHANNEL_CALL_TOO_LARGE");
    expect((await sender.send(add(2))).nonce).to.equal(0n);
  });

  it("signs anew when another device of the account took the number", async () => {
    const { desk, sender } = scene();
    await sender.send(add(1));
    const other = scene(desk).sender;
    await other.send(add(2));
    expect((await sender.send(add(3))).nonce).to.equal(2n);
    expect(desk.records.length).to.equal(3);
  });

  it("sends nothing anew when nobody knows by what its number was spent", async () => {
    const sent: bigint[] = [];
    const sender = createCallSender({
      connection: {
        call: async ({ call }) => {
          sent.push(call.nonce);
          return await Promise.reject(new SprfError("CHANNEL_NONCE_WRONG", "expected 1"));
        },
        nonce: async () => BigInt(Math.min(sent.length, 1)),
        transaction: async () => undefined,
      },
      clock: systemClock,
      validMs: 10_000,
      sign: async (data, nonce, validUntilMs) => {
        return await signCall(WALLET, DESK_DOMAIN, callOf(data, nonce, validUntilMs));
      },
    });
    expect(await codeOf(sender.send(add(1)))).to.equal("CHANNEL_OUTCOME_UNKNOWN");
    expect(new Set(sent)).to.deep.equal(new Set([0n]));
  });

  it("gives up when the call's validity has ended", async () => {
    const { desk, sender } = scene(undefined, 50);
    desk.refuseNext(...range(100).map(() => new SprfError("CHANNEL_BUSY", "full")));
    expect(await codeOf(sender.send(add(1)))).to.equal("CHANNEL_CALL_EXPIRED");
  });

  it("stops waiting when it is told to", async () => {
    const { desk, sender } = scene();
    desk.refuseNext(...range(1_000).map(() => new SprfError("CHANNEL_BUSY", "full")));
    const aborted = new AbortController();
    const sending = codeOf(sender.send(add(1), { signal: aborted.signal }));
    aborted.abort();
    expect(await sending).to.equal("ABORTED");
  });
});

function scene(
  desk: ChannelDesk = createChannelDesk([ACCOUNT]),
  validMs = 10_000,
): { desk: ChannelDesk; sender: CallSender } {
  const connection: Pick<ChannelConnection, "call" | "nonce" | "transaction"> = {
    call: async (call, options) => await desk.call(call, options),
    nonce: async () => await desk.nonce(DESK_CHANNEL, ACCOUNT),
    transaction: async (by) =>
      await desk.transaction(DESK_CHANNEL, "nonce" in by ? { sender: ACCOUNT, nonce: by.nonce } : by),
  };
  const sender = createCallSender({
    connection,
    clock: systemClock,
    validMs,
    sign: async (data, nonce, validUntilMs) => {
      return await signCall(WALLET, DESK_DOMAIN, callOf(data, nonce, validUntilMs));
    },
  });
  return { desk, sender };
}

function callOf(data: Uint8Array, nonce: bigint, validUntilMs: number): Call {
  return {
    channel: DESK_CHANNEL,
    sender: ACCOUNT,
    nonce,
    gasLimit: 1_000_000n,
    validUntilMs: BigInt(validUntilMs),
    data,
  };
}

function add(amount: number): Uint8Array {
  return codec.encode("add", [BigInt(amount)]);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
