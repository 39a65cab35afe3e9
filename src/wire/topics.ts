import { SprfError } from "../errors.ts";
import { toHex } from "../utils/bytes.ts";
import { PUBLIC_KEY_BYTES } from "../utils/secp256k1.ts";

/**
 * Parts into which message keys fall, so that a reader of a contact topic does not learn who is asked.
 *
 * @see https://rfc.vac.dev/waku/standards/application/54/x3dh-sessions (its contact topics)
 */
const CONTACT_PARTITIONS = 5_000n;

/** The largest Waku message that the network relays (64/WAKU2-NETWORK): 150 KiB, encrypted and encoded. */
export const MAX_MESSAGE_BYTES = 153_600;

const REPLY_NAME_BYTES = 16;
const REPLY_TOPIC = /^\/sprf\/1\/reply-[0-9a-f]{32}\/cbor$/;
const CONTENT_TOPIC = /^\/[a-z0-9-]{1,32}\/[a-z0-9.-]{1,16}\/[a-zA-Z0-9-]{1,64}\/[a-z0-9-]{1,16}$/;

/**
 * Where the holder of a message key (64 bytes) is asked for its address.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function contactTopicOf(messageKey: Uint8Array): string {
  return `/sprf/1/ask-${partitionOf(messageKey)}/cbor`;
}

/**
 * Where the node that holds a message key (64 bytes) is asked to deploy.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function gridTopicOf(messageKey: Uint8Array): string {
  return `/sprf/1/grid-${partitionOf(messageKey)}/cbor`;
}

function partitionOf(messageKey: Uint8Array): bigint {
  if (messageKey.length !== PUBLIC_KEY_BYTES) {
    throw new SprfError("INVALID_INPUT", `a message key has ${PUBLIC_KEY_BYTES} bytes`);
  }
  return BigInt(`0x${toHex(messageKey)}`) % CONTACT_PARTITIONS;
}

/**
 * A topic for the answers to one question; `name` is 16 random bytes.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function replyTopicOf(name: Uint8Array): string {
  if (name.length !== REPLY_NAME_BYTES) {
    throw new SprfError("INVALID_INPUT", `a reply topic is named by ${REPLY_NAME_BYTES} bytes`);
  }
  return `/sprf/1/reply-${toHex(name)}/cbor`;
}

/** Whether `topic` could come from {@link replyTopicOf}: a worker publishes to no other topic that a stranger names. */
export function isReplyTopic(topic: string): boolean {
  return REPLY_TOPIC.test(topic);
}

/** Whether `topic` has the form `/application/version/name/encoding` (23/WAKU2-TOPICS). */
export function isContentTopic(topic: string): boolean {
  return CONTENT_TOPIC.test(topic);
}
