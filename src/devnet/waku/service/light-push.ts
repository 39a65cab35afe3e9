import { proto_lightpush, WakuMessage } from "@waku/proto";

import { answerRequests } from "../../../adapters/libp2p/answer-requests.ts";
import type { Libp2pNode } from "../../../adapters/libp2p/node.ts";
import { isRelayable } from "../../../adapters/messenger/envelope.ts";
import type { Shard } from "../../../adapters/messenger/envelope.ts";
import type { Logger } from "../../../ports/logger.ts";
import { MAX_MESSAGE_BYTES } from "../../../wire/topics.ts";

const PROTOCOL_V3 = "/vac/waku/lightpush/3.0.0";
const PROTOCOL_V2 = "/vac/waku/lightpush/2.0.0-beta1";
/** A message and what a request says besides. */
const MAX_REQUEST_BYTES = MAX_MESSAGE_BYTES + 1_024;

const OK = 200;
const BAD_REQUEST = 400;
const TOO_LARGE = 413;
const OTHER_TOPIC = 421;
const NO_PEERS = 505;

interface Outcome {
  readonly statusCode: number;
  readonly statusDesc: string;
  readonly relayPeerCount?: number;
}

/** Serves 19/WAKU2-LIGHTPUSH, in its current form and the one before: publishes what light clients cannot publish themselves. */
export async function serveLightPush(
  { libp2p }: Libp2pNode,
  {
    shard,
    publish,
    logger,
  }: {
    readonly shard: Shard;
    /** Sends an encoded message on; resolves with how many took it. */
    readonly publish: (wire: Uint8Array) => Promise<number>;
    readonly logger: Logger;
  },
): Promise<() => Promise<void>> {
  const push = async (
    pubsubTopic: string | undefined,
    message: proto_lightpush.WakuMessage | undefined,
  ): Promise<Outcome> => {
    // Without a shard the message's topic decides, and there is but one.
    if ((pubsubTopic ?? shard.pubsubTopic) !== shard.pubsubTopic) return outcome(OTHER_TOPIC, "another shard");
    if (message === undefined) return outcome(BAD_REQUEST, "no message");
    const wire = WakuMessage.encode(message);
    if (wire.length > MAX_MESSAGE_BYTES) return outcome(TOO_LARGE, `more than ${MAX_MESSAGE_BYTES} bytes`);
    if (!isRelayable(wire)) return outcome(BAD_REQUEST, "not a message of this market");
    const relayPeerCount = await publish(wire);
    if (relayPeerCount === 0) return outcome(NO_PEERS, "nobody took it");
    return { ...outcome(OK, "OK"), relayPeerCount };
  };

  await answerRequests(libp2p, {
    protocol: PROTOCOL_V3,
    maxRequestBytes: MAX_REQUEST_BYTES,
    request: proto_lightpush.LightPushRequestV3,
    response: proto_lightpush.LightPushResponseV3,
    answer: async ({ requestId, pubsubTopic, message }) => ({ requestId, ...(await push(pubsubTopic, message)) }),
    logger,
  });
  await answerRequests(libp2p, {
    protocol: PROTOCOL_V2,
    maxRequestBytes: MAX_REQUEST_BYTES,
    request: proto_lightpush.PushRpc,
    response: proto_lightpush.PushRpc,
    answer: async ({ requestId, request }) => {
      const { statusCode, statusDesc } = await push(request?.pubsubTopic, request?.message);
      return { requestId, response: { isSuccess: statusCode === OK, info: statusDesc } };
    },
    logger,
  });
  return async () => await libp2p.unhandle([PROTOCOL_V3, PROTOCOL_V2]);
}

function outcome(statusCode: number, statusDesc: string): Outcome {
  return { statusCode, statusDesc };
}
