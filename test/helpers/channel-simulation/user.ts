import { createCallSender, type CallSenderInit } from "../../../src/client/channel/send-calls.ts";
import { isSprfError, SprfError } from "../../../src/errors.ts";
import type { ChannelReceipt, ChannelService } from "../../../src/ports/channel-service.ts";
import { concatBytes, fromHex, toHex } from "../../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { callDigest, type SignedCall } from "../../../src/wire/channel/call.ts";
import { testKey } from "../channel-scene.ts";
import { namesOf, type Running, type SimulatedMember, type World } from "./member.ts";
import { ETHER_KEY } from "./purse.ts";

const GAS = 500_000n;
const VALID_MS = 600_000;
const AT_ONCE = 3;
const ANSWER_TIMEOUT_MS = 30_000;
const WAIT_TIMEOUT_MS = 70_000;
const PAUSE_MS = 100;
const THINK_MS = 1_500;
const CUT_PER_CENT = 3;
/** More than anybody has, now and then. */
const MOVED_AT_MOST = 700;
const FOREIGN_PER_CENT = 20;
/** A function that the program does not have. */
const FOREIGN_CALL = fromHex("deadbeef");

const users = new Map<string, { readonly key: Uint8Array; readonly address: string }>();

/** A user's key and address: those of a member, who owns something, as far as there are members; making a public key takes a while. */
export function userOf(user: number, members: number): { readonly key: Uint8Array; readonly address: string } {
  const number = user < members ? 101 + user : 200 + user;
  const key = testKey(number);
  const known = users.get(`${number}`) ?? { key, address: addressOfKey(publicKeyOf(key)) };
  users.set(`${number}`, known);
  return known;
}

/** Calls the program through one member's node until all its calls are committed; resolves with how many were. */
export async function simulateUser(world: World, user: number, at: SimulatedMember): Promise<number> {
  const { plan, time, random, watch, trace, chain, program } = world;
  const { key, address } = userOf(user, plan.members);
  const clock = { now: () => time.now(), sleep: async (ms: number) => await time.sleep(ms) };
  /** By data, which no other call of anybody has. */
  const signedBy = new Map<string, SignedCall>();

  /** As a WebSocket of the client does it: what it does not hear may have happened. */
  async function ask<T>(question: (service: ChannelService) => Promise<T>, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    const away = (): never => {
      throw new SprfError("PEER_UNREACHABLE", "the node is away");
    };
    await time.sleep(1 + random.below(5));
    const { running } = at;
    if (running === undefined) return away();
    const answer = await Promise.race([question(running.service), cutOf(running), timeOut(timeoutMs)]).catch(
      (error: unknown) => {
        if (isSprfError(error)) throw error;
        return away();
      },
    );
    await time.sleep(1 + random.below(5));
    return random.below(100) < CUT_PER_CENT ? away() : answer;
  }
  const cutOf = async ({ life }: Running): Promise<never> => await life.cut;
  const timeOut = async (timeoutMs: number): Promise<never> => {
    await time.sleep(timeoutMs);
    throw new SprfError("TIMEOUT", `no answer within ${timeoutMs} ms`);
  };

  const connection: CallSenderInit["connection"] = {
    call: async (signed) => await ask(async (service) => await service.call(signed)),
    nonce: async () => await ask(async (service) => await service.nonce(1n, address)),
    transaction: async (by) =>
      await ask(async (service) => await service.transaction(1n, "nonce" in by ? { sender: address, ...by } : by)),
  };
  const calls = createCallSender({
    connection,
    clock,
    validMs: VALID_MS,
    async sign(data, nonce, validUntilMs) {
      const call = { channel: 1n, sender: address, nonce, gasLimit: GAS, validUntilMs: BigInt(validUntilMs), data };
      const signed = { call, signature: signDigest(callDigest(chain.hub.domain, call), key) };
      signedBy.set(toHex(data), signed);
      return signed;
    },
  });

  async function untilCommitted(receipt: ChannelReceipt): Promise<boolean> {
    for (;;) {
      try {
        await ask(async (service) => await service.committed(1n, receipt, "committed"), WAIT_TIMEOUT_MS);
        return true;
      } catch (error) {
        if (isSprfError(error, "CHANNEL_ROLLED_BACK")) return false;
        if (!isSprfError(error, "TIMEOUT") && !isSprfError(error, "PEER_UNREACHABLE")) throw error;
        await time.sleep(PAUSE_MS);
      }
    }
  }

  /** The same call again: whoever has its record answers with that. */
  async function again(signed: SignedCall): Promise<ChannelReceipt> {
    for (let spent = 0; ;) {
      try {
        return await connection.call(signed);
      } catch (error) {
        if (!isSprfError(error)) throw error;
        spent = isSprfError(error, "CHANNEL_NONCE_WRONG") && (await isSpent(signed)) ? spent + 1 : 0;
        if (spent > 1) throw new SprfError("CHANNEL_OUTCOME_UNKNOWN", `the number ${signed.call.nonce} is spent`);
        if (BigInt(time.now()) > signed.call.validUntilMs) throw error;
        await time.sleep(PAUSE_MS);
      }
    }
  }

  /** By what its node does not know: it came back by a snapshot. */
  async function isSpent({ call: { nonce } }: SignedCall): Promise<boolean> {
    try {
      return (await connection.nonce()) > nonce && (await connection.transaction({ nonce })) === undefined;
    } catch (error) {
      if (!isSprfError(error)) throw error;
      return false;
    }
  }

  /** What was refused before it was signed may be tried again; nothing else is refused here. */
  async function send(data: Uint8Array): Promise<ChannelReceipt> {
    for (;;) {
      try {
        return await calls.send(data);
      } catch (error) {
        if (signedBy.has(toHex(data)) || !isSprfError(error, "PEER_UNREACHABLE")) throw error;
        await time.sleep(PAUSE_MS);
      }
    }
  }

  async function callOnce(data: Uint8Array): Promise<void> {
    let receipt = await send(data);
    const signed = signedBy.get(toHex(data));
    if (signed === undefined || signed.call.nonce !== receipt.nonce || receipt.sender !== address) {
      return watch.breach(`user ${user} was told of another call than its own at ${receipt.height}`);
    }
    while (!(await untilCommitted(receipt))) {
      trace.event(`user ${user}`, `call ${receipt.nonce} of height ${receipt.height} was rolled back`);
      receipt = await again(signed);
    }
    watch.tell({ user, data: toHex(data), height: receipt.height, hash: toHex(receipt.recordHash) });
  }

  function callData(): Uint8Array {
    if (random.below(100) < FOREIGN_PER_CENT) return FOREIGN_CALL;
    const { account } = namesOf(1 + random.below(plan.members));
    return fromHex(program.abi.encodeFunctionData("move", [account, ETHER_KEY, random.below(MOVED_AT_MOST)]));
  }

  let left = plan.callsEach;
  let done = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left > 0) {
        const number = left--;
        await time.sleep(random.below(THINK_MS));
        // What follows the arguments is nothing to the program, and tells calls apart.
        await callOnce(concatBytes(callData(), Uint8Array.of(user, number)));
        done += 1;
      }
    }),
  );
  trace.event(`user ${user}`, `done with ${done} calls`);
  return done;
}
