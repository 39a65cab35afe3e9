import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { ChannelUpdate } from "../../ports/channel-service.ts";
import { INTERNAL_ERROR_NUMBER, numberOfError } from "../../wire/channel/api-errors.ts";
import { jsonOf } from "../../wire/channel/api-json.ts";

const MAX_SUBSCRIPTIONS = 16;

/** A connection's subscriptions. */
export interface SubscriptionBook {
  /**
   * Sends what `source` says, one after the other.
   *
   * @throws SprfError `CHANNEL_CALL_TOO_LARGE` when there are too many, `INVALID_INPUT` when the number is taken
   */
  open(subscription: number, source: (signal: AbortSignal) => AsyncIterable<ChannelUpdate>): void;
  /** Does nothing when it has ended. */
  close(subscription: number): void;
}

/**
 * Nothing more is read from a source until the connection took what was sent last (`send` resolves then), so that a
 * subscriber who does not read costs one update of memory.
 */
export function createSubscriptionBook(init: {
  readonly send: (params: object) => Promise<void>;
  readonly signal: AbortSignal;
}): SubscriptionBook {
  const open = new Map<number, AbortController>();

  const pump = async (
    subscription: number,
    source: (signal: AbortSignal) => AsyncIterable<ChannelUpdate>,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      for await (const update of source(signal)) {
        await init.send({ subscription, update: jsonOf(update) });
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const code = (isSprfError(error) ? numberOfError(error.code) : undefined) ?? INTERNAL_ERROR_NUMBER;
      const message = code === INTERNAL_ERROR_NUMBER ? "the node failed" : messageOf(error);
      // A connection that takes no more is closed by whoever holds it.
      await init.send({ subscription, ended: { code, message } }).catch(() => undefined);
    } finally {
      open.delete(subscription);
    }
  };

  return {
    open(subscription, source) {
      if (open.has(subscription)) {
        throw new SprfError("INVALID_INPUT", `subscription: ${subscription} is open on this connection`);
      }
      if (open.size >= MAX_SUBSCRIPTIONS) {
        throw new SprfError("CHANNEL_CALL_TOO_LARGE", `a connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`);
      }
      const controller = new AbortController();
      open.set(subscription, controller);
      void pump(subscription, source, AbortSignal.any([init.signal, controller.signal]));
    },
    close(subscription) {
      open.get(subscription)?.abort();
    },
  };
}
