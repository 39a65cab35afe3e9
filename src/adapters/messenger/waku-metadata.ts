import type { Libp2p } from "@libp2p/interface";
import { proto_metadata } from "@waku/proto";

import type { Logger } from "../../ports/logger.ts";
import { answerRequests } from "../libp2p/answer-requests.ts";
import type { Shard } from "./envelope.ts";

const METADATA_PROTOCOL = "/vac/waku/metadata/1.0.0";
const MAX_REQUEST_BYTES = 1_024;

/** Says which shard this node relays (66/WAKU2-METADATA); other Waku nodes ask when they connect and leave those of another cluster. */
export async function answerMetadata(
  libp2p: Libp2p,
  { clusterId, shardId }: Pick<Shard, "clusterId" | "shardId">,
  logger: Logger,
): Promise<void> {
  await answerRequests(libp2p, {
    protocol: METADATA_PROTOCOL,
    maxRequestBytes: MAX_REQUEST_BYTES,
    // The answer is the same for all, and @waku/proto cannot read the packed numbers that Waku nodes in Go and Nim send.
    request: { decode: () => undefined },
    response: proto_metadata.WakuMetadataResponse,
    answer: async () => ({ clusterId, shards: [shardId] }),
    logger,
  });
}
