import { createHash } from "node:crypto";

import { createDecoder, createEncoder } from "@waku/message-encryption/ecies";
import { TopicOnlyMessage, WakuMessage } from "@waku/proto";

import { SprfError } from "../../errors.ts";
import type { ReceivedMessage } from "../../ports/messenger.ts";
import { uncompressed } from "../../utils/secp256k1.ts";
import { isContentTopic } from "../../wire/topics.ts";
import { checkSize } from "./check-message.ts";

/** Version of a payload encrypted as 26/WAKU2-PAYLOAD has it. */
const ENCRYPTED_VERSION = 1;

export interface Shard {
  readonly clusterId: number;
  readonly shardId: number;
  readonly pubsubTopic: string;
}

/** The gossip topic of a shard (51/WAKU2-RELAY-SHARDING). */
export function shardOf(clusterId: number, shardId: number): Shard {
  return { clusterId, shardId, pubsubTopic: `/waku/2/rs/${clusterId}/${shardId}` };
}

/**
 * A 14/WAKU2-MESSAGE, encrypted to `recipient` (64-byte key) and signed. Nodes with a store may keep it, so that a light client
 * can fetch what it missed.
 *
 * @throws SprfError `MESSAGE_TOO_LARGE`
 */
export async function sealEnvelope(
  message: { readonly topic: string; readonly recipient: Uint8Array; readonly payload: Uint8Array },
  { shard, signingKey, nowMs }: { readonly shard: Shard; readonly signingKey: Uint8Array; readonly nowMs: number },
): Promise<Uint8Array> {
  const encoder = createEncoder({
    contentTopic: message.topic,
    routingInfo: shard,
    publicKey: uncompressed(message.recipient),
    sigPrivKey: signingKey,
    ephemeral: false,
  });
  const wire = await encoder.toWire({ payload: message.payload, timestamp: new Date(nowMs) });
  if (wire === undefined) throw new SprfError("INTERNAL", "the message could not be encoded");
  checkSize(wire.length);
  return wire;
}

/** The same message with another time, which is not part of what is encrypted and signed. */
export function stampEnvelope(wire: Uint8Array, timestampNs: bigint): Uint8Array {
  return WakuMessage.encode({ ...WakuMessage.decode(wire), timestamp: timestampNs });
}

/** Whether `wire` looks like a message that may travel on our shard; costs no cryptography. */
export function isRelayable(wire: Uint8Array): boolean {
  try {
    const message = WakuMessage.decode(wire);
    return isContentTopic(message.contentTopic) && message.payload.length > 0;
  } catch {
    return false;
  }
}

/** What names a message whatever its time is: a hash of its ciphertext. @throws for what is no message */
export function ciphertextIdOf(wire: Uint8Array): string {
  return createHash("sha256").update(WakuMessage.decode(wire).payload).digest("base64");
}

/** The content topic of a message, without decoding the rest; undefined for what is no message. */
export function contentTopicOf(wire: Uint8Array): string | undefined {
  try {
    return TopicOnlyMessage.decode(wire).contentTopic;
  } catch {
    return undefined;
  }
}

/** What `wire` holds if `privateKey` decrypts it and it is signed; undefined otherwise. Never rejects. */
export async function openEnvelope(
  wire: Uint8Array,
  { shard, topic, privateKey }: { readonly shard: Shard; readonly topic: string; readonly privateKey: Uint8Array },
): Promise<ReceivedMessage | undefined> {
  try {
    const message = WakuMessage.decode(wire);
    if (message.version !== ENCRYPTED_VERSION) return undefined;
    const decoder = createDecoder(topic, shard, privateKey);
    const opened = await decoder.fromProtoObj(shard.pubsubTopic, {
      payload: message.payload,
      contentTopic: message.contentTopic,
      version: message.version,
      timestamp: message.timestamp,
      meta: message.meta,
      rateLimitProof: undefined,
      ephemeral: message.ephemeral,
    });
    const signer = opened?.signaturePublicKey;
    if (opened === undefined || signer === undefined) return undefined;
    return { payload: new Uint8Array(opened.payload), signer: new Uint8Array(signer.subarray(1)) };
  } catch {
    // Decoding throws on a signature with an impossible recovery bit, among others.
    return undefined;
  }
}
