import { SprfError, isSprfError, messageOf } from "../errors.ts";
import { abortError } from "../utils/abort.ts";
import { PRIVATE_KEY_BYTES, publicKeyOf } from "../utils/secp256k1.ts";
import { within } from "../utils/within.ts";
import type { DeploymentCarrier } from "../wire/grid/deployment-body.ts";
import { gridHeaderOf } from "../wire/grid/message-header.ts";
import {
  GRID_MESSAGE_ID_BYTES,
  encodeGridMessage,
  type GridAcknowledgement,
  type GridReply,
  type GridRequest,
} from "../wire/grid/messages.ts";
import { GRID_REFUSALS, type GridRefusal } from "../wire/grid/refusals.ts";
import { verifyGridReply } from "../wire/grid/verify-message.ts";
import { gridTopicOf, replyTopicOf } from "../wire/topics.ts";
import type { GridMessaging } from "./grid-identity.ts";
import { RESEND_PAUSES_MS, describeSendings, sendOnce, sendRepeatedly, withoutEnd, type Sendings } from "./resend.ts";

/** A request that got no answer in this time is asked anew: its own lifetime ends, and a node that was killed has forgotten it. */
const ROUND_MS = 50_000;
/** Once the node has heard, this often is enough to learn of an answer that was lost. */
const PAUSE_ONCE_HEARD_MS = 5_000;
const PAUSE_BEFORE_ANOTHER_TRY_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 30_000;

/** What a node is asked, except for logs, which {@link readNodeLogs} asks for. */
export type NodeQuestion =
  | { readonly kind: "deploy" | "update"; readonly deployment: DeploymentCarrier }
  | { readonly kind: "delete" | "status" };

/** How far a deployment is, as the node says. */
export type NodeProgress = Extract<GridReply, { readonly kind: "progress" }>;

export interface AskNodeOptions {
  /** The node's message key, from its twin on the chain: 64 bytes. */
  readonly nodeKey: Uint8Array;
  readonly contractId: bigint;
  readonly question: NodeQuestion;
  readonly onProgress?: ((progress: NodeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For all of it. @default 30,000 */
  readonly timeoutMs?: number | undefined;
}

/** The answer to a question that was not refused. */
export type NodeAnswer = Extract<GridReply, { readonly kind: "done" | "status-reply" }>;

/**
 * Asks a node until it answers, across lost messages and restarts of the node: what it does about a request is the same however often
 * it is asked. A node that is busy, or whose chain has not got the contract yet, is asked again.
 *
 * @throws SprfError `NODE_REFUSED` (its context has the node's `refusal` and `detail`), `NODE_SILENT`, `ABORTED`, `MESSAGE_TOO_LARGE`
 */
export async function askNode(components: GridMessaging, options: AskNodeOptions): Promise<NodeAnswer> {
  const { clock } = components;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const sendings: Sendings = { sent: 0, taken: 0, problem: undefined };
  const state: { refused: SprfError | undefined; heard: boolean } = { refused: undefined, heard: false };
  const rounds = async (inner: AbortSignal): Promise<NodeAnswer> => {
    for (;;) {
      const reply = await ask(components, { ...options, sendings, signal: inner, onHeard: () => (state.heard = true) });
      if (reply?.kind === "done" || reply?.kind === "status-reply") return reply;
      if (reply === undefined) continue;
      state.refused = refusedError(reply.code, reply.detail);
      if (reply.code !== "busy" && reply.code !== "contract-unknown") throw state.refused;
      await clock.sleep(PAUSE_BEFORE_ANOTHER_TRY_MS, { signal: inner });
    }
  };
  try {
    return await within(rounds, { clock, timeoutMs, signal });
  } catch (error) {
    if (!isSprfError(error, "TIMEOUT") || signal?.aborted) throw error;
    if (state.refused !== undefined) throw state.refused;
    const how = state.heard
      ? "it heard the request and gave no answer"
      : `the request was ${describeSendings(sendings)}`;
    throw new SprfError("NODE_SILENT", `the node did not answer within ${timeoutMs} ms; ${how}.`, {
      cause: error,
      context: { contractId: options.contractId.toString(), heard: state.heard },
    });
  }
}

/** What a refusal of a node is to its user. */
export function refusedError(refusal: GridRefusal, detail: string): SprfError {
  const why = detail === "" ? refusal : `${refusal}: ${detail}`;
  return new SprfError("NODE_REFUSED", `the node refuses (${why}). ${GRID_REFUSALS[refusal]}`, {
    context: { refusal, detail },
  });
}

/** A request with a fresh reply key, which only this asker has. */
export function openRequest(
  { identity, chainId, grid, clock, random }: GridMessaging,
  { nodeKey, contractId }: Pick<AskNodeOptions, "nodeKey" | "contractId">,
) {
  const replyKey = random.bytes(PRIVATE_KEY_BYTES);
  const header = gridHeaderOf({
    id: random.bytes(GRID_MESSAGE_ID_BYTES),
    from: identity.publicKey,
    to: nodeKey,
    chainId,
    grid,
    contractId,
    nowMs: clock.now(),
  });
  const replyTopic = replyTopicOf(random.bytes(GRID_MESSAGE_ID_BYTES));
  return { replyKey, header: { ...header, replyTopic, replyKey: new Uint8Array(publicKeyOf(replyKey)) } };
}

/** Tells the node that a reply arrived. Not waited for: when it is lost, the node only sends its reply a few times more. */
export function acknowledgeReply(components: GridMessaging, reply: GridReply, signal: AbortSignal): void {
  const { identity, chainId, grid, clock, random, logger } = components;
  const payload = encodeGridMessage({
    kind: "acknowledgement",
    ...gridHeaderOf({
      id: random.bytes(GRID_MESSAGE_ID_BYTES),
      from: identity.publicKey,
      to: reply.from,
      chainId,
      grid,
      contractId: reply.contractId,
      nowMs: clock.now(),
    }),
    inReplyTo: reply.id,
  });
  const message = { topic: gridTopicOf(reply.from), recipient: reply.from, payload };
  sendOnce(components, message, { signal }).catch((error: unknown) => {
    logger.debug("an acknowledgement could not be sent", { reason: messageOf(error) });
  });
}

/** One request and its answer; undefined when there was none in time. */
async function ask(
  components: GridMessaging,
  options: AskNodeOptions & { readonly sendings: Sendings; readonly signal: AbortSignal; readonly onHeard: () => void },
): Promise<NodeAnswer | Extract<GridReply, { kind: "refused" }> | undefined> {
  const { messenger, clock, logger } = components;
  const { nodeKey, question, signal, sendings } = options;
  const { replyKey, header } = openRequest(components, options);
  const request = { ...question, ...header } as GridRequest;
  const message = { topic: gridTopicOf(nodeKey), recipient: nodeKey, payload: encodeGridMessage(request) };
  const answer = Promise.withResolvers<NodeAnswer | Extract<GridReply, { kind: "refused" }>>();
  const [heard, over] = [new AbortController(), new AbortController()];

  const onReply = (payload: Uint8Array, signer: Uint8Array): void => {
    let reply: GridReply | GridAcknowledgement;
    try {
      reply = verifyGridReply(payload, signer, { nowMs: clock.now(), request });
    } catch (error) {
      logger.debug("a reply was refused", { reason: messageOf(error) });
      return;
    }
    heard.abort();
    options.onHeard();
    if (reply.kind === "progress") options.onProgress?.(reply);
    if (reply.kind !== "done" && reply.kind !== "status-reply" && reply.kind !== "refused") return;
    acknowledgeReply(components, reply, signal);
    answer.resolve(reply);
  };
  const send = async (inner: AbortSignal): Promise<void> => {
    const unheard = AbortSignal.any([inner, heard.signal]);
    await sendRepeatedly(components, message, { pausesMs: withoutEnd(RESEND_PAUSES_MS), signal: unheard, sendings });
    if (inner.aborted) return;
    await clock.sleep(PAUSE_ONCE_HEARD_MS, { signal: inner });
    await sendRepeatedly(components, message, { pausesMs: withoutEnd([PAUSE_ONCE_HEARD_MS]), signal: inner, sendings });
  };

  const unsubscribe = await messenger.subscribe({ topic: header.replyTopic, privateKey: replyKey }, (received) =>
    onReply(received.payload, received.signer),
  );
  const inner = AbortSignal.any([signal, over.signal]);
  try {
    send(inner).catch((error: unknown) => {
      if (!inner.aborted) answer.reject(error);
    });
    return await within(async () => await answer.promise, { clock, timeoutMs: ROUND_MS, signal });
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (isSprfError(error, "TIMEOUT")) return undefined;
    throw error;
  } finally {
    over.abort();
    await unsubscribe();
  }
}
