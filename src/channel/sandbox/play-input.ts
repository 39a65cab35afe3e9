import { SprfError } from "../../errors.ts";
import { concatBytes, fromHex } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";
import type { CallOutcome, CallRunner } from "./call-runner.ts";
import { nextDueMs, type TickTerms } from "./clock.ts";
import { MAX_CALLDATA_BYTES, MAX_CALL_GAS, MAX_TOUCHED_SLOTS } from "./limits.ts";
import { SYSTEM, withContext, type RecordContext } from "./program-context.ts";
import { CLOCK_SLOT, nonceSlotOf, sessionSlotOf } from "./protocol-slots.ts";
import type { ProgramCall, RecordInput, SessionChange } from "./record-input.ts";
import { numberOf, wordOf, type SlotKey } from "./slot-key.ts";
import type { SlotStore } from "./slot-store.ts";
import { CLOSE_CALL, encodeInitialize, encodeJoin, encodeLeave, TICK_CALL } from "./system-calls.ts";

/** How a record's call ended: 1 it succeeded, 0 it failed, 2 it was beyond a limit of the rules. */
export type RecordStatus = 0 | 1 | 2;

/** What a record came to, besides its slots. */
export interface Played extends Omit<CallOutcome, "succeeded"> {
  readonly status: RecordStatus;
  /** The program refused a join or leave that took place all the same: its hook was left out. */
  readonly hookFailed?: boolean;
}

const NOTHING: Played = { status: 1, gasUsed: 0, gasRefund: 0, returnData: new Uint8Array(0), logs: [] };
const REFUSED: Played = { ...NOTHING, status: 0, failure: "refused" };
const BEYOND_LIMIT = "beyond a limit of the rules";

const FUNCTIONS_HASH_BYTES = 20;
const EXPIRY_BITS = 64n;
/** What a revoked key's slot holds: no expiry is 0, and a slot that holds something takes no grant any more. */
const REVOKED = 1n << EXPIRY_BITS;

/** Plays what a record says on the store; what it writes lies there when the promise resolves. */
export async function playInput(
  { store, runner, ticks }: { readonly store: SlotStore; readonly runner: CallRunner; readonly ticks: TickTerms },
  input: RecordInput,
  context: RecordContext,
): Promise<Played> {
  // Whether a tick is due decides whether any other record may be.
  const dueMs = ticks.tickMs > 0 ? Number(read(CLOCK_SLOT)) : undefined;

  switch (input.kind) {
    case "initialize": {
      const played = await runSystem(encodeInitialize(input.state));
      if (dueMs !== undefined) write(CLOCK_SLOT, BigInt(ticks.genesisMs + ticks.tickMs));
      return played;
    }
    case "call":
      expectNonce(input.call.sender, input.call.nonce);
      return await playCall(input.call);
    case "tick": {
      if (dueMs === undefined) throw new SprfError("CHANNEL_INPUT_INVALID", "this channel does not tick");
      if (context.timeMs < dueMs) throw new SprfError("CHANNEL_INPUT_INVALID", `no tick is due before ${dueMs}`);
      const played = await runSystem(TICK_CALL);
      write(CLOCK_SLOT, BigInt(nextDueMs(dueMs, context.timeMs, ticks)));
      return played;
    }
    case "inbox":
      return await playEffect(input.effect);
    case "session":
      return playSession(input.change);
    case "term":
      return NOTHING;
  }

  async function playEffect(effect: Extract<RecordInput, { kind: "inbox" }>["effect"]): Promise<Played> {
    switch (effect.type) {
      case "join":
        return await runWithHook((hook) => encodeJoin(effect.member, effect.assets, hook));
      case "leave":
        return await runWithHook((hook) => encodeLeave(effect.member, hook));
      case "close":
        return await runSystem(CLOSE_CALL);
      case "call":
        // The leader had to take the entry, whatever it holds.
        if (read(nonceSlotOf(effect.call.sender)) !== effect.call.nonce) return REFUSED;
        return await playCall(effect.call);
      case "refused":
        return REFUSED;
      case "none":
        return NOTHING;
    }
  }

  async function playCall({ sender, nonce, data, gasLimit, sessionKey }: ProgramCall): Promise<Played> {
    if (sessionKey !== undefined) read(sessionSlotOf(sender, sessionKey));
    const isWithin = data.length <= MAX_CALLDATA_BYTES && gasLimit <= MAX_CALL_GAS;
    const played = isWithin
      ? await run(withContext(data, sender, context), gasLimit)
      : { ...NOTHING, status: 2 as const, failure: BEYOND_LIMIT };
    // After the program, which sees the nonce that the record's touched set shows.
    write(nonceSlotOf(sender), nonce + 1n);
    return played;
  }

  function playSession(change: SessionChange): Played {
    const slot = sessionSlotOf(change.wallet, change.key);
    if (change.type === "revoke") {
      expectNonce(change.wallet, change.nonce);
      write(slot, REVOKED);
      write(nonceSlotOf(change.wallet), change.nonce + 1n);
      return NOTHING;
    }
    // A grant carries no nonce: were a slot granted again, an old grant could be brought back after its revocation.
    if (read(slot) !== 0n) throw new SprfError("CHANNEL_INPUT_INVALID", "the session key has been granted before");
    const functionsHash = numberOf(
      keccak256(concatBytes(...change.functions.map(fromHex))).subarray(0, FUNCTIONS_HASH_BYTES),
    );
    write(slot, (functionsHash << EXPIRY_BITS) | change.expiryMs);
    return NOTHING;
  }

  async function runWithHook(encode: (hook: boolean) => Uint8Array): Promise<Played> {
    const played = await runSystem(encode(true));
    if (played.status === 1) return played;
    return { ...(await runSystem(encode(false))), hookFailed: true };
  }

  async function runSystem(data: Uint8Array): Promise<Played> {
    return await run(withContext(data, SYSTEM, context), MAX_CALL_GAS);
  }

  async function run(data: Uint8Array, gasLimit: bigint): Promise<Played> {
    store.checkpoint();
    const { succeeded, ...outcome } = await runner.run({ data, gasLimit });
    if (store.touchedCount <= MAX_TOUCHED_SLOTS) {
      store.commit();
      return { ...outcome, status: succeeded ? 1 : 0 };
    }
    store.revert();
    return { ...outcome, status: 2, logs: [], failure: BEYOND_LIMIT };
  }

  function expectNonce(account: string, nonce: bigint): void {
    const next = read(nonceSlotOf(account));
    if (next !== nonce) throw new SprfError("CHANNEL_INPUT_INVALID", `the next nonce of ${account} is ${next}`);
  }

  function read(key: SlotKey): bigint {
    const value = store.get(key);
    return value === undefined ? 0n : numberOf(value);
  }

  function write(key: SlotKey, value: bigint): void {
    store.set(key, wordOf(value));
  }
}
