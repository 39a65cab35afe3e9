import type { Libp2p, PeerId, Stream } from "@libp2p/interface";
import { pbStream } from "@libp2p/utils";

import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";

/** How long a stream may be open without a question: the Waku SDK opens some in advance. */
const QUESTION_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** Questions of one peer that are answered at a time. */
const MAX_STREAMS = 32;

/** A protobuf as @waku/proto generates them. */
interface Codec<Message> {
  decode(bytes: Uint8Array): Message;
  encode(message: Message): Uint8Array;
}

export interface AnswerRequestsInit<Request, Response> {
  readonly protocol: string;
  readonly maxRequestBytes: number;
  readonly request: Pick<Codec<Request>, "decode">;
  readonly response: Pick<Codec<Response>, "encode">;
  /** Rejecting resets the stream. */
  readonly answer: (request: Request, from: PeerId) => Promise<Response>;
  readonly logger: Logger;
}

/** Answers a protocol of one length-prefixed question and one answer a stream; what is no question costs the asker its stream. */
export async function answerRequests<Request, Response>(
  libp2p: Libp2p,
  init: AnswerRequestsInit<Request, Response>,
): Promise<void> {
  const exchange = async (stream: Stream, from: PeerId): Promise<void> => {
    try {
      const messages = pbStream(stream, { maxDataLength: init.maxRequestBytes });
      const decode = (bytes: { subarray(): Uint8Array }): Request => init.request.decode(bytes.subarray());
      const request = await messages.read({ decode }, { signal: AbortSignal.timeout(QUESTION_TIMEOUT_MS) });
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      await messages.write(await init.answer(request, from), init.response, { signal });
      await stream.close({ signal });
    } catch (error) {
      init.logger.debug("a peer's question was not answered", { protocol: init.protocol, reason: messageOf(error) });
      stream.abort(new Error("not answered"));
    }
  };
  await libp2p.handle(init.protocol, async (stream, connection) => await exchange(stream, connection.remotePeer), {
    maxInboundStreams: MAX_STREAMS,
    force: true,
  });
}
