import { WakuMessage } from "@waku/proto";
import type { IDecodedMessage, IDecoder, IEncoder, IMessage, IProtoMessage } from "@waku/sdk";

import type { Shard } from "../envelope.ts";

/** Hands the SDK a message that is sealed and encoded already. */
export function rawEncoder(wire: Uint8Array, shard: Shard): { readonly encoder: IEncoder; readonly message: IMessage } {
  const message = WakuMessage.decode(wire);
  const encoder: IEncoder = {
    contentTopic: message.contentTopic,
    ephemeral: message.ephemeral ?? false,
    routingInfo: shard,
    pubsubTopic: shard.pubsubTopic,
    toWire: async () => wire,
    toProtoObj: async () => ({
      payload: message.payload,
      contentTopic: message.contentTopic,
      version: message.version,
      timestamp: message.timestamp,
      meta: message.meta,
      rateLimitProof: undefined,
      ephemeral: message.ephemeral,
    }),
  };
  return { encoder, message: { payload: message.payload } };
}

/** Takes messages from the SDK before it decodes them. */
export function rawDecoder(topic: string, shard: Shard, take: (wire: Uint8Array) => void): IDecoder<IDecodedMessage> {
  return {
    contentTopic: topic,
    pubsubTopic: shard.pubsubTopic,
    fromWireToProtoObj: async () => undefined,
    async fromProtoObj(_pubsubTopic, message) {
      take(encodeRaw(message));
      return undefined;
    },
  };
}

/** A message of the SDK as it travels, without the fields that this market does not use. */
export function encodeRaw(message: Partial<IProtoMessage>): Uint8Array {
  const { payload, contentTopic, version, timestamp, meta, ephemeral } = message;
  const given = Object.entries({ payload, contentTopic, version, timestamp, meta, ephemeral });
  return WakuMessage.encode(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
}
