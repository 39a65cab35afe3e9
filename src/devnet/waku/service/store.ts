import { proto_store } from "@waku/proto";

import { answerRequests } from "../../../adapters/libp2p/answer-requests.ts";
import type { Libp2pNode } from "../../../adapters/libp2p/node.ts";
import type { Shard } from "../../../adapters/messenger/envelope.ts";
import type { Logger } from "../../../ports/logger.ts";
import { MAX_PAGE } from "./archive.ts";
import type { Archive } from "./archive.ts";

const PROTOCOL = "/vac/waku/store-query/3.0.0";
const MAX_REQUEST_BYTES = 32 * 1_024;
const MAX_TOPICS_A_QUERY = 100;
/** A page of large messages ends early, so that an answer stays within what peers read. */
const MAX_ANSWER_BYTES = 2 * 1_024 * 1_024;

const OK = 200;
const BAD_REQUEST = 400;

/** Serves 13/WAKU2-STORE: light clients fetch what was published while they were away. */
export async function serveStore(
  { libp2p }: Libp2pNode,
  { shard, archive, logger }: { readonly shard: Shard; readonly archive: Archive; readonly logger: Logger },
): Promise<() => Promise<void>> {
  const answer = (request: proto_store.StoreQueryRequest): proto_store.StoreQueryResponse => {
    const refuse = (statusDesc: string): proto_store.StoreQueryResponse => ({
      requestId: request.requestId,
      statusCode: BAD_REQUEST,
      statusDesc,
      messages: [],
    });
    if ((request.pubsubTopic ?? shard.pubsubTopic) !== shard.pubsubTopic) return refuse("another shard");
    if (request.contentTopics.length > MAX_TOPICS_A_QUERY || request.messageHashes.length > MAX_PAGE) {
      return refuse("too many topics or hashes");
    }
    const page = archive.query({
      contentTopics: request.contentTopics,
      messageHashes: request.messageHashes,
      timeStart: request.timeStart,
      timeEnd: request.timeEnd,
      cursor: request.paginationCursor,
      forward: request.paginationForward,
      limit: request.paginationLimit === undefined ? undefined : Number(request.paginationLimit),
    });
    if (page === undefined) return refuse("unknown cursor");
    const messages: proto_store.WakuMessageKeyValue[] = [];
    let bytes = 0;
    for (const { hash, message } of request.paginationForward ? page : page.toReversed()) {
      bytes += message.payload.length;
      if (messages.length > 0 && bytes > MAX_ANSWER_BYTES) break;
      messages.push({
        messageHash: hash,
        ...(request.includeData ? { message, pubsubTopic: shard.pubsubTopic } : {}),
      });
    }
    if (!request.paginationForward) messages.reverse();
    const cursor = request.paginationForward ? messages.at(-1) : messages[0];
    return {
      requestId: request.requestId,
      statusCode: OK,
      statusDesc: "OK",
      messages,
      ...(cursor?.messageHash === undefined ? {} : { paginationCursor: cursor.messageHash }),
    };
  };

  await answerRequests(libp2p, {
    protocol: PROTOCOL,
    maxRequestBytes: MAX_REQUEST_BYTES,
    request: proto_store.StoreQueryRequest,
    response: proto_store.StoreQueryResponse,
    answer: async (request) => answer(request),
    logger,
  });
  return async () => await libp2p.unhandle(PROTOCOL);
}
