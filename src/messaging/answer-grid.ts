import PQueue from "p-queue";

import { createRequestBook } from "../domain/grid/request-book.ts";
import type { Refusal } from "../domain/grid/decide-deploy.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { ReceivedMessage } from "../ports/messenger.ts";
import type { Startable } from "../ports/startable.ts";
import type { LogEntry } from "../ports/workloads.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { within } from "../utils/within.ts";
import { gridReplyHeaderOf } from "../wire/grid/message-header.ts";
import {
  GRID_MESSAGE_ID_BYTES,
  encodeGridMessage,
  type GridAcknowledgement,
  type GridMessage,
  type GridReply,
  type GridRequest,
} from "../wire/grid/messages.ts";
import { isGridRequest, verifyGridMessage } from "../wire/grid/verify-message.ts";
import { gridTopicOf } from "../wire/topics.ts";
import type { GridMessaging } from "./grid-identity.ts";
import { createLogStreams } from "./log-streams.ts";
import { RESEND_PAUSES_MS, sendOnce, sendRepeatedly } from "./resend.ts";
import { whileSubscribed } from "./while-subscribed.ts";

const MAX_REMEMBERED = 4_096;
const MAX_OPEN = 256;
const CHECKS_AT_ONCE = 8;
const MAX_WAITING_CHECKS = 128;
const CHECK_TIMEOUT_MS = 10_000;

/** A request for logs. */
export type LogsRequest = Extract<GridRequest, { readonly kind: "logs" }>;
/** Anything else that a node is asked. */
export type WorkRequest = Exclude<GridRequest, LogsRequest>;

type WithoutHeader<T> = T extends unknown ? Omit<T, Exclude<keyof GridAcknowledgement, "kind">> : never;
/** What a node answers, without the header. */
export type GridAnswer = WithoutHeader<Extract<GridReply, { readonly kind: "done" | "status-reply" | "refused" }>>;
/** How far it is, without the header. */
export type GridProgress = Omit<WithoutHeader<Extract<GridReply, { readonly kind: "progress" }>>, "kind">;

export interface GridAnswererInit extends GridMessaging {
  /** Why the sender may not ask this under the contract; undefined when it may. Costs little when it is asked again. */
  readonly refuse: (
    message: Pick<GridRequest, "kind" | "from" | "contractId">,
    options: { readonly signal: AbortSignal },
  ) => Promise<Refusal | undefined>;
  /** Does it; the same request may come again after a restart, and then comes to the same end. */
  readonly answer: (
    request: WorkRequest,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: GridProgress) => void },
  ) => Promise<GridAnswer>;
  /** A container's log from where the request wants it. */
  readonly readLogs: (
    request: LogsRequest,
    options: { readonly signal: AbortSignal },
  ) => Promise<AsyncIterable<LogEntry> | Refusal>;
}

/**
 * A node's ear: takes what users ask, once, from those who may ask it, and answers until the user has heard. Whatever else arrives
 * is dropped with a line in the log.
 */
export function answerGridRequests(init: GridAnswererInit): Startable {
  const { messenger, identity, chainId, grid, clock, random } = init;
  const logger = init.logger.child({ component: "answer-grid" });
  const components = { messenger, clock, logger };
  const book = createRequestBook({ capacity: MAX_REMEMBERED });
  const checks = new PQueue({ concurrency: CHECKS_AT_ONCE });
  const work = new Set<Promise<void>>();
  /** Replies that nobody acknowledged yet, by their id. */
  const open = new Map<string, { readonly to: Uint8Array; readonly heard: AbortController }>();
  const streams = createLogStreams({ clock, logger });

  const onMessage = ({ payload, signer }: ReceivedMessage, signal: AbortSignal): void => {
    if (signal.aborted) return;
    let message: GridMessage;
    try {
      message = verifyGridMessage(payload, signer, { nowMs: clock.now(), self: identity.publicKey, chainId, grid });
    } catch (error) {
      if (!isSprfError(error, "MESSAGE_INVALID")) throw error;
      logger.debug("message refused", { reason: error.message });
      return;
    }
    if (isGridRequest(message)) onRequest(message, payload, signal);
    else if (message.kind === "acknowledgement") onAcknowledgement(message);
    else if (message.kind === "logs-renew") streams.renew(message);
    else if (message.kind === "logs-end") streams.end(message);
  };

  const onAcknowledgement = ({ from, inReplyTo }: GridAcknowledgement): void => {
    const reply = open.get(toHex(inReplyTo));
    if (reply !== undefined && equalBytes(reply.to, from)) reply.heard.abort();
  };

  const onRequest = (request: GridRequest, payload: Uint8Array, signal: AbortSignal): void => {
    if (checks.size >= MAX_WAITING_CHECKS) {
      logger.debug("a request was dropped: too many wait", { waiting: checks.size });
      return;
    }
    track(checks.add(async () => await check(request, payload, signal)));
  };

  /** Strangers get no place in the book, so that they cannot make it forget. */
  const check = async (request: GridRequest, payload: Uint8Array, signal: AbortSignal): Promise<void> => {
    let refusal: Refusal | undefined;
    try {
      refusal = await within(async (inner) => await init.refuse(request, { signal: inner }), {
        clock,
        timeoutMs: CHECK_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      // The user sends it again.
      if (!signal.aborted) logger.warn("a request could not be checked", { reason: messageOf(error) });
      return;
    }
    if (refusal !== undefined) {
      logger.debug("a request was refused", { kind: request.kind, code: refusal.code });
      return await send(request, encodeReply(request, answerOf(refusal)).payload, signal);
    }
    const taken = book.take(request, payload, clock.now());
    if (taken.kind === "conflict") return logger.debug("an id used for another request");
    if (taken.kind === "again" && taken.reply !== undefined) return await send(request, taken.reply, signal);
    if (request.kind !== "logs" || taken.kind === "again") await acknowledge(request, request.id, signal);
    if (taken.kind === "new") track(act(request, signal));
  };

  const act = async (request: GridRequest, signal: AbortSignal): Promise<void> => {
    const answer = await (request.kind === "logs" ? stream(request, signal) : doWork(request, signal)).catch(
      (error: unknown): GridAnswer => {
        if (!signal.aborted) {
          logger.error("a request failed", { kind: request.kind, code: codeOf(error), reason: messageOf(error) });
        }
        return { kind: "refused", code: "node-failed", detail: "" };
      },
    );
    // Who stops says nothing: the request comes again when it is up.
    if (answer === undefined || signal.aborted) return;
    await sendUntilHeard(request, answer, signal);
  };

  const doWork = async (request: WorkRequest, signal: AbortSignal): Promise<GridAnswer> =>
    work.size >= MAX_OPEN
      ? { kind: "refused", code: "busy", detail: "" }
      : await init.answer(request, {
          signal,
          onProgress: (progress) => {
            const { payload } = encodeReply(request, { kind: "progress", ...progress });
            track(send(request, payload, signal));
          },
        });

  const stream = async (request: LogsRequest, signal: AbortSignal): Promise<GridAnswer | undefined> => {
    const opened = await streams.run(request, {
      signal,
      read: async (inner) => await init.readLogs(request, { signal: inner }),
      send: async (chunk) => await send(request, encodeReply(request, { kind: "log-chunk", ...chunk }).payload, signal),
      hear: async () => await acknowledge(request, request.id, signal),
    });
    return opened === undefined ? undefined : answerOf(opened);
  };

  const sendUntilHeard = async (request: GridRequest, answer: GridAnswer, signal: AbortSignal): Promise<void> => {
    const { id, payload } = encodeReply(request, answer);
    book.answer(request, payload, clock.now());
    const heard = new AbortController();
    open.set(id, { to: request.from, heard });
    try {
      const over = AbortSignal.any([signal, heard.signal]);
      const message = { topic: request.replyTopic, recipient: request.replyKey, payload };
      await sendRepeatedly(components, message, {
        pausesMs: open.size <= MAX_OPEN ? RESEND_PAUSES_MS : [],
        signal: over,
      });
    } finally {
      open.delete(id);
    }
  };

  const acknowledge = async (request: GridRequest, inReplyTo: GridRequest["id"], signal: AbortSignal): Promise<void> =>
    await send(request, encodeReply(request, { kind: "acknowledgement", inReplyTo }).payload, signal);

  const send = async (request: GridRequest, payload: Uint8Array, signal: AbortSignal): Promise<void> =>
    await sendOnce(components, { topic: request.replyTopic, recipient: request.replyKey, payload }, { signal });

  function encodeReply(request: GridRequest, body: object): { readonly id: string; readonly payload: Uint8Array } {
    const id = random.bytes(GRID_MESSAGE_ID_BYTES);
    const header = gridReplyHeaderOf(request, { id, nowMs: clock.now() });
    return { id: toHex(id), payload: encodeGridMessage({ ...header, ...body } as GridReply) };
  }

  const track = (promise: Promise<void>): void => {
    work.add(promise);
    promise
      .catch((error: unknown) => logger.error("a request could not be answered", { reason: messageOf(error) }))
      .finally(() => work.delete(promise));
  };

  const subscription = { topic: gridTopicOf(identity.publicKey), privateKey: identity.privateKey };
  return whileSubscribed(messenger, subscription, {
    onMessage,
    async settle() {
      checks.clear();
      await checks.onIdle();
      await Promise.allSettled(work);
    },
  });
}

function answerOf({ code, detail }: Refusal): GridAnswer {
  // The wire takes no more than 512 characters.
  return { kind: "refused", code, detail: detail.slice(0, 500) };
}

function codeOf(error: unknown): string {
  return isSprfError(error) ? error.code : "INTERNAL";
}
