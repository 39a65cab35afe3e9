import { SprfError, isSprfError, type ErrorCode } from "../../errors.ts";
import type { ChannelConnection } from "../../ports/channel-connection.ts";
import type { ChannelReceipt } from "../../ports/channel-service.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SignedCall } from "../../wire/channel/call.ts";

/** Between two tries with the same call. */
const PAUSE_MS = 100;
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
    let wasKnown = false;
    for (;;) {
      try {
        return await connection.call(signed, { signal });
      } catch (error) {
        if (!isSprfError(error)) throw error;
        const isOutOfTurn = error.code === "CHANNEL_NONCE_WRONG";
        // A node that came back, or is behind, may refuse this very call before it has seen its record, or after it took that back,
        // and is asked once more. What is refused by one that knew the number's record before and knows it after is another call's.
        const known = isOutOfTurn && (await isKnown(call.nonce, signal));
        if (known === true && wasKnown) return undefined;
        const isSpent = isOutOfTurn && (known === true || (await isTaken(call.nonce, signal)));
        if (isSpent && known === false && wasTaken) {
          throw new SprfError("CHANNEL_OUTCOME_UNKNOWN", `the number ${call.nonce} is spent`, { cause: error });
        }
        wasKnown = known === true;
        wasTaken = isSpent;
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
      return (await connection.nonce({ signal })) > nonce;
    } catch (error) {
      if (isSprfError(error) && TRY_AGAIN.has(error.code)) return false;
      throw error;
    }
  };
  /** undefined when the node does not answer. */
  const isKnown = async (nonce: bigint, signal: AbortSignal | undefined): Promise<boolean | undefined> => {
    try {
      return (await connection.transaction({ nonce }, { signal })) !== undefined;
    } catch (error) {
      if (isSprfError(error) && TRY_AGAIN.has(error.code)) return undefined;
      throw error;
    }
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
