import { SprfError, messageOf } from "../errors.ts";
import { openLogReader, takeChunk } from "../domain/grid/log-stream.ts";
import { abortError } from "../utils/abort.ts";
import { gridHeaderOf } from "../wire/grid/message-header.ts";
import { GRID_MESSAGE_ID_BYTES, encodeGridMessage, type GridRequest, type LogChunk } from "../wire/grid/messages.ts";
import { verifyGridReply } from "../wire/grid/verify-message.ts";
import { gridTopicOf } from "../wire/topics.ts";
import { acknowledgeReply, openRequest, refusedError } from "./ask-node.ts";
import type { GridMessaging } from "./grid-identity.ts";
import { RESEND_PAUSES_MS, sendOnce, sendRepeatedly, withoutEnd } from "./resend.ts";

const RENEW_EVERY_MS = 5_000;
/** A node that says nothing for so long, though it is asked, is gone. */
const SILENCE_MS = 20_000;
const WINDOW = 8;

export interface ReadNodeLogsOptions {
  /** The node's message key: 64 bytes. */
  readonly nodeKey: Uint8Array;
  readonly contractId: bigint;
  readonly container: string;
  /** Whether to go on with what is written later. */
  readonly follow: boolean;
  /** How many lines of what is there. */
  readonly tailLines: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a container wrote. */
export type NodeLogEntry = LogChunk["entries"][number];

/**
 * A container's log, in order and without gaps. The node sends no more than is read: who reads slowly holds it up, and nothing
 * piles up anywhere.
 *
 * @throws SprfError `NODE_REFUSED`, `NODE_SILENT`, `ABORTED`
 */
export async function* readNodeLogs(
  components: GridMessaging,
  { nodeKey, contractId, container, follow, tailLines, signal }: ReadNodeLogsOptions,
): AsyncGenerator<NodeLogEntry> {
  const { messenger, clock, random, identity, chainId, grid, logger } = components;
  const { replyKey, header } = openRequest(components, { nodeKey, contractId });
  const request = { kind: "logs" as const, ...header, container, follow, tailLines, window: WINDOW } as GridRequest;
  const [heard, over] = [new AbortController(), new AbortController()];
  const inner = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const topic = gridTopicOf(nodeKey);
  let reader = openLogReader(WINDOW);
  let taken = 0;
  let lastHeardMs = clock.now();
  let problem: SprfError | undefined;
  const ready: { readonly sequence: number; readonly entries: readonly NodeLogEntry[] }[] = [];
  let wake = Promise.withResolvers<void>();
  const stirred = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };

  const tell = (kind: "logs-renew" | "logs-end"): void => {
    const payload = encodeGridMessage({
      ...gridHeaderOf({
        id: random.bytes(GRID_MESSAGE_ID_BYTES),
        from: identity.publicKey,
        to: nodeKey,
        chainId,
        grid,
        contractId,
        nowMs: clock.now(),
      }),
      stream: request.id,
      ...(kind === "logs-renew" ? { kind, next: taken } : { kind }),
    });
    // The end is told after everything else has been aborted.
    sendOnce(components, { topic, recipient: nodeKey, payload }, { signal: new AbortController().signal }).catch(
      (error: unknown) => logger.debug("a message about logs could not be sent", { reason: messageOf(error) }),
    );
  };
  const onReply = (payload: Uint8Array, signer: Uint8Array): void => {
    try {
      const reply = verifyGridReply(payload, signer, { nowMs: clock.now(), request });
      lastHeardMs = clock.now();
      heard.abort();
      if (reply.kind === "refused") {
        acknowledgeReply(components, reply, inner);
        problem = refusedError(reply.code, reply.detail);
      }
      if (reply.kind === "log-chunk") {
        const step = takeChunk(reader, reply);
        reader = step.reader;
        ready.push(...step.ready);
        // What has been taken already came again, so its acknowledgement was lost.
        if (reply.sequence < taken) tell("logs-renew");
      }
      stirred();
    } catch (error) {
      logger.debug("a reply was refused", { reason: messageOf(error) });
    }
  };
  const keepLease = async (): Promise<void> => {
    const asking = AbortSignal.any([inner, heard.signal]);
    const message = { topic, recipient: nodeKey, payload: encodeGridMessage(request) };
    const [pausesMs, untilHeard] = [withoutEnd(RESEND_PAUSES_MS), { signal: asking }];
    const asked = sendRepeatedly(components, message, { pausesMs, ...untilHeard });
    while (!inner.aborted) {
      await clock.sleep(RENEW_EVERY_MS, { signal: inner });
      if (clock.now() - lastHeardMs > SILENCE_MS) {
        problem ??= new SprfError("NODE_SILENT", `the node has said nothing for ${SILENCE_MS} ms`);
        stirred();
      }
      if (heard.signal.aborted) tell("logs-renew");
    }
    await asked;
  };

  const unsubscribe = await messenger.subscribe({ topic: header.replyTopic, privateKey: replyKey }, (received) =>
    onReply(received.payload, received.signer),
  );
  const onAbort = (): void => stirred();
  inner.addEventListener("abort", onAbort, { once: true });
  keepLease().catch(() => undefined);
  try {
    for (;;) {
      for (let chunk = ready.shift(); chunk !== undefined; chunk = ready.shift()) {
        yield* chunk.entries;
        taken = chunk.sequence + 1;
        tell("logs-renew");
      }
      if (reader.isOver) return;
      if (problem !== undefined) throw problem;
      if (inner.aborted) throw abortError(inner);
      await wake.promise;
    }
  } finally {
    over.abort();
    await unsubscribe();
    if (heard.signal.aborted) tell("logs-end");
  }
}
