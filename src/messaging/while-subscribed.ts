import type { Messenger, ReceivedMessage } from "../ports/messenger.ts";
import type { Startable } from "../ports/startable.ts";

/**
 * Hands messages on from its start to its stop, which aborts `signal`, ends the subscription and then waits for `settle`: what is
 * under way has heard of the abort by then.
 */
export function whileSubscribed(
  messenger: Messenger,
  subscription: Parameters<Messenger["subscribe"]>[0],
  handlers: {
    onMessage(received: ReceivedMessage, signal: AbortSignal): void;
    settle(): Promise<void>;
  },
): Startable {
  let running: { readonly stop: AbortController; readonly unsubscribe: () => Promise<void> } | undefined;
  return {
    async start() {
      if (running !== undefined) return;
      const stop = new AbortController();
      const unsubscribe = await messenger.subscribe(subscription, (received) =>
        handlers.onMessage(received, stop.signal),
      );
      running = { stop, unsubscribe };
    },
    async stop() {
      if (running === undefined) return;
      const { stop, unsubscribe } = running;
      running = undefined;
      stop.abort();
      await unsubscribe();
      await handlers.settle();
    },
  };
}
