import { MAX_CALL_GAS, MAX_TOUCHED_SLOTS } from "../../domain/channel/limits.ts";
import { hashFunctions, packSession, unpackSession } from "../../domain/channel/sessions.ts";
import { firstTickMs, nextTickMs, type TickRule } from "../../domain/channel/ticks.ts";
import { SprfError } from "../../errors.ts";
import { MAX_CALLDATA_BYTES } from "../../wire/channel/limits.ts";
import { RECORD_STATUS } from "../../wire/channel/record.ts";
import type { CallOutcome, CallRunner } from "./call-runner.ts";
import { SYSTEM, withContext, type RecordContext } from "./program-context.ts";
import { CLOCK_SLOT, nonceSlotOf, sessionSlotOf } from "./protocol-slots.ts";
import type { ProgramCall, RecordInput, SessionChange } from "./record-input.ts";
import { numberOf, wordOf, type SlotKey } from "./slot-key.ts";
import type { SlotStore } from "./slot-store.ts";
import { CLOSE_CALL, encodeInitialize, encodeJoin, encodeLeave, TICK_CALL } from "./system-calls.ts";

/** What a record came to, besides its slots. */
export interface Played extends Omit<CallOutcome, "succeeded"> {
  /** One of `RECORD_STATUS`. */
  readonly status: number;
  /** The program refused a join or leave that took place all the same: its hook was left out. */
  readonly hookFailed?: boolean;
}

const NOTHING: Played = {
  status: RECORD_STATUS.success,
  gasUsed: 0,
  gasRefund: 0,
  returnData: new Uint8Array(0),
  logs: [],
};
const REFUSED: Played = { ...NOTHING, status: RECORD_STATUS.failed, failure: "refused" };
const BEYOND_LIMIT = "beyond a limit of the rules";

/** What a revoked key's slot holds: it has expired long ago, and takes no grant any more. */
const REVOKED = packSession({ expiryMs: 0n, functionsHash: "01" });

/** Plays what a record says on the store; what it writes lies there when the promise resolves. */
export async function playInput(
  { store, runner, ticks }: { readonly store: SlotStore; readonly runner: CallRunner; readonly ticks: TickRule },
  input: RecordInput,
  context: RecordContext,
): Promise<Played> {
  // Whether a tick is due decides whether any other record may be.
  const firstMs = firstTickMs(ticks);
  const dueMs = firstMs === undefined ? undefined : Number(read(CLOCK_SLOT));

  switch (input.kind) {
    case "initialize": {
      const played = await runSystem(encodeInitialize(input.state));
      if (firstMs !== undefined) write(CLOCK_SLOT, BigInt(firstMs));
      return played;
    }
    case "call":
      expectNonce(input.call.sender, input.call.nonce);
      return await playCall(input.call);
    case "tick": {
      if (dueMs === undefined) throw new SprfError("CHANNEL_INPUT_INVALID", "this channel does not tick");
      if (context.timeMs < dueMs) throw new SprfError("CHANNEL_INPUT_INVALID", `no tick is due before ${dueMs}`);
      const played = await runSystem(TICK_CALL);
      write(CLOCK_SLOT, BigInt(nextTickMs(ticks, dueMs, context.timeMs)));
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
    const isWithin = data.length <= MAX_CALLDATA_BYTES && gasLimit <= BigInt(MAX_CALL_GAS);
    const played = isWithin
      ? await run(withContext(data, sender, context), gasLimit)
      : { ...NOTHING, status: RECORD_STATUS.overLimit, failure: BEYOND_LIMIT };
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
    if (change.expiryMs < BigInt(context.timeMs)) {
      throw new SprfError("CHANNEL_INPUT_INVALID", "the session key's time is over already");
    }
    // A grant carries no nonce: were any slot granted again, an old grant could be brought back after its revocation. One whose
    // time is over cannot be brought back, and its key may get more time without a slot of its own.
    const before = read(slot);
    const isOver = before !== REVOKED && (unpackSession(before)?.expiryMs ?? 0n) < BigInt(context.timeMs);
    if (before !== 0n && !isOver) {
      throw new SprfError("CHANNEL_INPUT_INVALID", "the session key has been granted before");
    }
    write(slot, packSession({ expiryMs: change.expiryMs, functionsHash: hashFunctions(change.functions) }));
    return NOTHING;
  }

  async function runWithHook(encode: (hook: boolean) => Uint8Array): Promise<Played> {
    const played = await runSystem(encode(true));
    if (played.status === RECORD_STATUS.success) return played;
    // What the hook has touched does not count, or a program could keep a member's assets in by touching much.
    return { ...(await runSystem(encode(false), store.touchedCount + MAX_TOUCHED_SLOTS)), hookFailed: true };
  }

  async function runSystem(data: Uint8Array, maxTouched?: number): Promise<Played> {
    return await run(withContext(data, SYSTEM, context), BigInt(MAX_CALL_GAS), maxTouched);
  }

  async function run(data: Uint8Array, gasLimit: bigint, maxTouched = MAX_TOUCHED_SLOTS): Promise<Played> {
    store.checkpoint();
    const { succeeded, ...outcome } = await runner.run({ data, gasLimit });
    if (store.touchedCount <= maxTouched) {
      store.commit();
      return { ...outcome, status: succeeded ? RECORD_STATUS.success : RECORD_STATUS.failed };
    }
    store.revert();
    return { ...outcome, status: RECORD_STATUS.overLimit, logs: [], failure: BEYOND_LIMIT };
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
