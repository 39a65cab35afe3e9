import { SprfError, isSprfError, type ErrorCode } from "../../errors.ts";
import type { ChannelConnection } from "../../ports/channel-connection.ts";
import type { ChannelReceipt } from "../../ports/channel-service.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SignedCall } from "../../wire/channel/call.ts";

/** Between two tries with the same call. */
const PAUSE_MS = 100;
/** Calls that are kept to be sent again. */
const MAX_TAKEN = 1_024;
/** The node takes a repeated call once, so these are answered by sending it again. */
const TRY_AGAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "PEER_UNREACHABLE",
  "CHANNEL_NO_LEADER",
  "CHANNEL_BUSY",
  "TIMEOUT",
]);

export interface CallSenderInit {
  readonly connection: Pick<ChannelConnection, "call" | "nonce" | "transaction">;
  /** Signs what is to be called with a nonce. */
  readonly sign: (data: Uint8Array, nonce: bigint, validUntilMs: number) => Promise<SignedCall>;
  readonly clock: Clock;
  /** How long a call is tried, and may be put into a record. */
  readonly validMs: number;
}

/** Sends one account's calls, any number at a time, in the order in which they were made. */
export interface CallSender {
  /**
   * Resolves with the record of the call, which is run once at most. Rejects with `CHANNEL_CALL_EXPIRED` when nobody took it in time, and
   * with `CHANNEL_OUTCOME_UNKNOWN` when its number is spent and the node no longer knows by what.
   */
  send(data: Uint8Array, options?: { readonly signal?: AbortSignal | undefined }): Promise<ChannelReceipt>;
  /**
   * Sends the call of a receipt again whose record was lost with its leader; resolves with the one that it has now. Rejects as `send`
   * does, and with `CHANNEL_ROLLED_BACK` when something else has its number.
   */
  resend(receipt: ChannelReceipt, options?: { readonly signal?: AbortSignal | undefined }): Promise<ChannelReceipt>;
  /** Spends the next number on something else than a call. */
  spend<T>(use: (nonce: bigint) => Promise<T>, options?: { readonly signal?: AbortSignal | undefined }): Promise<T>;
}

/**
 * Calls of one account must follow each other without a gap. A call is therefore signed with the next number at once and sent
 * without waiting for the one before; where one is refused for good, an empty call takes its number, since those after it are
 * signed already and signing them anew could run them twice.
 */
export function createCallSender({ connection, sign, clock, validMs }: CallSenderInit): CallSender {
  let next: Promise<bigint> | undefined;
  let waiting = 0;
  const signedOf = new WeakMap<ChannelReceipt, SignedCall>();
  /** Those that were taken last, by number: one that is lost with its leader stands in the way of those after it. */
  const taken = new Map<bigint, SignedCall>();

  const takeNonce = async (signal: AbortSignal | undefined): Promise<bigint> => {
    const asked = next ?? connection.nonce({ signal });
    const taken = asked.then((nonce) => nonce + 1n);
    next = taken;
    // Whoever asks next asks the node anew.
    taken.catch(() => {
      if (next === taken) next = undefined;
    });
    return await asked;
  };

  /** undefined when another call has this one's number, so that it can never be run. */
  const deliver = async (signed: SignedCall, signal: AbortSignal | undefined): Promise<ChannelReceipt | undefined> => {
    const { call } = signed;
    let wasTaken = false;
    for (;;) {
      try {
        const receipt = await connection.call(signed, { signal });
        signedOf.set(receipt, signed);
        remember(signed);
        return receipt;
      } catch (error) {
        if (!isSprfError(error)) throw error;
        const isOutOfTurn = error.code === "CHANNEL_NONCE_WRONG";
        // A node that came back, or is behind, may refuse this very call before it has seen its record, and is asked once more. What
        // is refused by one that knows the number's record is another call's.
        if (isOutOfTurn && wasTaken && (await isKnown(call.nonce, signal))) return undefined;
        if (isOutOfTurn && wasTaken) {
          throw new SprfError("CHANNEL_OUTCOME_UNKNOWN", `the number ${call.nonce} is spent`, { cause: error });
        }
        wasTaken = isOutOfTurn && (await isTaken(call.nonce, signal));
        if (!isOutOfTurn && !TRY_AGAIN.has(error.code)) throw error;
        if (BigInt(clock.now()) >= call.validUntilMs) {
          throw new SprfError("CHANNEL_CALL_EXPIRED", `not taken within ${validMs} ms: ${error.message}`, {
            cause: error,
          });
        }
      }
      await clock.sleep(PAUSE_MS, { signal });
    }
  };
  const isTaken = async (nonce: bigint, signal: AbortSignal | undefined): Promise<boolean> => {
    try {
      const expected = await connection.nonce({ signal });
      if (expected < nonce) await bringBack(expected, signal);
      return expected > nonce;
    } catch (error) {
      if (isSprfError(error) && (TRY_AGAIN.has(error.code) || error.code === "CHANNEL_NONCE_WRONG")) return false;
      throw error;
    }
  };
  /** A call that was lost, if it was one of these; an empty one when it is too late for it. */
  const bringBack = async (nonce: bigint, signal: AbortSignal | undefined): Promise<void> => {
    const lost = taken.get(nonce);
    if (lost === undefined) return;
    try {
      await connection.call(lost, { signal });
    } catch (error) {
      if (!isSprfError(error, "CHANNEL_CALL_EXPIRED")) throw error;
      await connection.call(await sign(new Uint8Array(), nonce, clock.now() + validMs), { signal });
    }
  };
  const remember = (signed: SignedCall): void => {
    taken.set(signed.call.nonce, signed);
    const [oldest] = taken.keys();
    if (taken.size > MAX_TAKEN && oldest !== undefined) taken.delete(oldest);
  };
  const isKnown = async (nonce: bigint, signal: AbortSignal | undefined): Promise<boolean> => {
    return (await connection.transaction({ nonce }, { signal })) !== undefined;
  };
  const giveBack = async (nonce: bigint): Promise<void> => {
    if (waiting > 1) await deliver(await sign(new Uint8Array(), nonce, clock.now() + validMs), undefined);
    else next = undefined;
  };

  return {
    async send(data, { signal } = {}) {
      waiting++;
      try {
        for (;;) {
          const nonce = await takeNonce(signal);
          const signed = await sign(data, nonce, clock.now() + validMs);
          try {
            const receipt = await deliver(signed, signal);
            if (receipt !== undefined) return receipt;
          } catch (error) {
            await giveBack(nonce).catch(() => undefined);
            throw error;
          }
          // Another device of the same account was faster.
          next = undefined;
        }
      } finally {
        waiting--;
      }
    },
    async resend(receipt, { signal } = {}) {
      const signed = signedOf.get(receipt);
      const again = signed === undefined ? undefined : await deliver(signed, signal);
      if (again !== undefined) return again;
      throw new SprfError(
        "CHANNEL_ROLLED_BACK",
        `something else has the number of the call of height ${receipt.height}`,
      );
    },
    async spend(use, { signal } = {}) {
      waiting++;
      try {
        const nonce = await takeNonce(signal);
        try {
          return await use(nonce);
        } catch (error) {
          await giveBack(nonce).catch(() => undefined);
          throw error;
        }
      } finally {
        waiting--;
      }
    },
  };
}
