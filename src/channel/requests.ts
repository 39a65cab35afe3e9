import type { ChannelMessage } from "../wire/channel/messages.ts";
import type { Clock } from "../ports/clock.ts";
import { within } from "../utils/within.ts";

/** Questions to peers, each answered by the next message of a kind. */
export interface Requests {
  /**
   * The next message of one of the kinds that `from` sends.
   *
   * @throws SprfError `TIMEOUT`, or what `signal` throws
   */
  answer(
    from: string,
    kinds: readonly ChannelMessage["kind"][],
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ChannelMessage>;
  /** True when somebody waited for it. */
  take(from: string, message: ChannelMessage): boolean;
}

export function createRequests(clock: Clock): Requests {
  const waiting = new Set<{
    readonly from: string;
    readonly kinds: readonly string[];
    readonly resolve: (message: ChannelMessage) => void;
  }>();
  return {
    async answer(from, kinds, { timeoutMs, signal }) {
      const { promise, resolve } = Promise.withResolvers<ChannelMessage>();
      const request = { from, kinds, resolve };
      waiting.add(request);
      try {
        return await within(async () => await promise, { clock, timeoutMs, signal });
      } finally {
        waiting.delete(request);
      }
    },
    take(from, message) {
      let isTaken = false;
      // All of them: one whose question could not be sent still waits, and must not take the answer to the next.
      for (const request of waiting) {
        if (request.from !== from || !request.kinds.includes(message.kind)) continue;
        waiting.delete(request);
        request.resolve(message);
        isTaken = true;
      }
      return isTaken;
    },
  };
}
