import type { Stream } from "@libp2p/interface";

import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { MAX_CHANNEL_MESSAGE_BYTES } from "../../wire/channel/limits.ts";
import { createFrameReader } from "./frames.ts";

/** Messages that wait; when there are more, the stream is not read. */
const MAX_WAITING = 64;
/** More than yamux lets a sender have under way, so that a pause never ends the stream. */
const READ_BUFFER_BYTES = 32 * 1024 * 1024;

/** Gives each message of a stream to `onMessage`, one after the other. What is no message ends the stream. */
export function createInbound(
  stream: Stream,
  { onMessage, logger }: { readonly onMessage: (message: Uint8Array) => Promise<void>; readonly logger: Logger },
): void {
  const reader = createFrameReader(MAX_CHANNEL_MESSAGE_BYTES);
  const waiting: Uint8Array[] = [];
  let isBusy = false;
  stream.maxReadBufferLength = READ_BUFFER_BYTES;

  async function work(): Promise<void> {
    isBusy = true;
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      try {
        await onMessage(message);
      } catch (error) {
        logger.warn("a message was not dealt with", { reason: messageOf(error) });
      }
      if (waiting.length < MAX_WAITING && stream.readStatus === "paused") stream.resume();
    }
    isBusy = false;
  }

  stream.addEventListener("message", ({ data }) => {
    try {
      waiting.push(...reader.push(data.subarray()));
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
      return;
    }
    if (waiting.length >= MAX_WAITING) stream.pause();
    if (!isBusy) void work();
  });
}
