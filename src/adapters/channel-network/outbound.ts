import type { Stream } from "@libp2p/interface";

import { encodeFrame } from "./frames.ts";

/** What may wait for one peer: a few batches, or many acks. */
const MAX_WAITING_MESSAGES = 1_024;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** The stream on which one peer is sent to. */
export interface Outbound {
  /** False when as much waits as may. */
  send(message: Uint8Array): boolean;
  /** Ends the stream. */
  end(): void;
  /** Resolves when the stream is over; ends it when `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createOutbound(stream: Stream): Outbound {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let isFull = false;

  const flush = (): void => {
    while (!isFull) {
      const message = waiting.shift();
      if (message === undefined) return;
      waitingBytes -= message.length;
      isFull = !stream.send(encodeFrame(message));
    }
  };

  const end = (): void => stream.abort(new Error("stopped"));

  return {
    end,
    send(message) {
      if (stream.status !== "open") return false;
      if (waiting.length >= MAX_WAITING_MESSAGES || waitingBytes + message.length > MAX_WAITING_BYTES) return false;
      waiting.push(message);
      waitingBytes += message.length;
      flush();
      return true;
    },
    async run(signal) {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      stream.addEventListener("close", () => resolve());
      stream.addEventListener("drain", () => {
        isFull = false;
        flush();
      });
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
      // It may have ended before anybody listened.
      if (stream.status !== "open") resolve();
      await over;
      signal.removeEventListener("abort", end);
    },
  };
}
