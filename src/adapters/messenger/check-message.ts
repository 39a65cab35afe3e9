import { SprfError } from "../../errors.ts";
import { isPublicKey } from "../../utils/secp256k1.ts";
import { MAX_MESSAGE_BYTES, isContentTopic } from "../../wire/topics.ts";

/** @throws SprfError `INVALID_INPUT` or `MESSAGE_TOO_LARGE`, before any cryptography is paid for. */
export function checkMessage(message: {
  readonly topic: string;
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
}): void {
  if (!isContentTopic(message.topic)) throw new SprfError("INVALID_INPUT", `not a content topic: ${message.topic}`);
  if (!isPublicKey(message.recipient)) throw new SprfError("INVALID_INPUT", "the recipient is no secp256k1 key");
  checkSize(message.payload.length);
}

/** @throws SprfError `MESSAGE_TOO_LARGE` past what the network relays. */
export function checkSize(bytes: number): void {
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new SprfError("MESSAGE_TOO_LARGE", `${bytes} bytes are more than ${MAX_MESSAGE_BYTES}`, {
    context: { bytes, limit: MAX_MESSAGE_BYTES },
  });
}
