import PQueue from "p-queue";

import { createSeenIds } from "../domain/seen-ids.ts";
import { isSprfError, messageOf } from "../errors.ts";
import { RESEND_PAUSES_MS } from "../messaging/resend.ts";
import { whileSubscribed } from "../messaging/while-subscribed.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Messenger, ReceivedMessage } from "../ports/messenger.ts";
import type { Random } from "../ports/random.ts";
import type { Startable } from "../ports/startable.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { within } from "../utils/within.ts";
import {
  ADDRESS_VERSION,
  MAX_ADDRESS_LIFETIME_MS,
  MAX_CLOCK_SKEW_MS,
  MESSAGE_ID_BYTES,
  encodeAddressMessage,
  verifyAddressMessage,
} from "../wire/address.ts";
import type { AddressAcknowledgement, AddressRequest } from "../wire/address.ts";
import { hashWithDomain } from "../wire/canonical.ts";
import { contactTopicOf } from "../wire/topics.ts";

const MAX_SENDS = 12;
const MIN_MS_BETWEEN_SENDS = 50;
const MAX_OPEN_REPLIES = 256;
const MAX_REMEMBERED = 4_096;
const MAX_WAITING_AUTHORISATIONS = 128;
const AUTHORISATIONS_AT_ONCE = 8;
const AUTHORISATION_TIMEOUT_MS = 5_000;
/** A refused request may be right a moment later: the worker's view of the chain can lag behind the buyer's. */
const MAX_AUTHORISATIONS = 5;
const MIN_MS_BETWEEN_AUTHORISATIONS = 500;

export interface AddressAnswererInit {
  readonly messenger: Messenger;
  /** The worker's message key: 64 and 32 bytes. */
  readonly identity: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };
  /**
   * Whether the sender may know: the agreement exists, runs and names this worker, and the sender is its client or a drawn
   * tester. Asked once for a request that is allowed; a rejection means "not known now".
   */
  readonly authorise: (request: AddressRequest, options: { signal: AbortSignal }) => Promise<boolean>;
  readonly describe: () => {
    readonly apiUrl: string;
    readonly ledgerKey: Uint8Array;
    readonly multiaddrs: readonly string[];
  };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the worker remembers of a request until it expires. */
interface Conversation {
  readonly digest: Uint8Array;
  phase: "authorising" | "refused" | "answered" | "acknowledged";
  authorisations: number;
  sends: number;
  lastAtMs: number;
  reply: Uint8Array | undefined;
  readonly acknowledged: AbortController;
}

/**
 * Answers those who may ask where this worker is. A request that comes again (its reply was lost, or somebody replays it) gets the
 * same reply without a new look at the chain, a bounded number of times.
 */
export function answerAddressRequests(init: AddressAnswererInit): Startable {
  const { messenger, identity, clock, random } = init;
  const logger = init.logger.child({ component: "answer-addresses" });
  const conversations = createSeenIds<Conversation>({ capacity: MAX_REMEMBERED });
  const authorisations = new PQueue({ concurrency: AUTHORISATIONS_AT_ONCE });
  const replies = new Set<Promise<void>>();

  const onMessage = (received: ReceivedMessage, signal: AbortSignal): void => {
    if (signal.aborted) return;
    try {
      const context = { nowMs: clock.now(), self: identity.publicKey };
      const message = verifyAddressMessage(received.payload, received.signer, context);
      if (message.kind === "address-request") onRequest(message, received.payload, signal);
      else if (message.kind === "address-acknowledgement") onAcknowledgement(message);
    } catch (error) {
      if (!isSprfError(error, "MESSAGE_INVALID")) throw error;
      logger.debug("message refused", { reason: error.message });
    }
  };

  const onRequest = (request: AddressRequest, payload: Uint8Array, signal: AbortSignal): void => {
    const nowMs = clock.now();
    const key = conversationKey(request.from, request.id);
    const digest = hashWithDomain("sprf/address-request/1", payload);
    const known = conversations.get(key, nowMs);
    if (known === undefined) {
      const conversation: Conversation = {
        digest,
        phase: "authorising",
        authorisations: 0,
        sends: 0,
        lastAtMs: nowMs,
        reply: undefined,
        acknowledged: new AbortController(),
      };
      if (!authorise(request, conversation, signal)) return;
      conversations.set(key, conversation, request.expiresAt + MAX_CLOCK_SKEW_MS, nowMs);
      return;
    }
    if (!equalBytes(known.digest, digest)) return logger.debug("an id used for another request");
    const quietMs = nowMs - known.lastAtMs;
    if (known.phase === "refused") {
      if (known.authorisations < MAX_AUTHORISATIONS && quietMs >= MIN_MS_BETWEEN_AUTHORISATIONS) {
        authorise(request, known, signal);
      }
    } else if (known.phase === "answered" && quietMs >= MIN_MS_BETWEEN_SENDS) {
      track(send(request, known, signal));
    }
  };

  const authorise = (request: AddressRequest, conversation: Conversation, signal: AbortSignal): boolean => {
    if (authorisations.size >= MAX_WAITING_AUTHORISATIONS) {
      logger.debug("address request dropped: too many wait", { waiting: authorisations.size });
      return false;
    }
    conversation.phase = "authorising";
    conversation.authorisations += 1;
    conversation.lastAtMs = clock.now();
    authorisations
      .add(async () => {
        const allowed = await isAllowed(request, signal);
        conversation.lastAtMs = clock.now();
        if (!allowed) {
          conversation.phase = "refused";
          logger.debug("address request refused", { agreement: toHex(request.agreement) });
          return;
        }
        conversation.reply = makeReply(request);
        conversation.phase = "answered";
        logger.debug("address request answered", { agreement: toHex(request.agreement) });
        track(sendUntilAcknowledged(request, conversation, signal));
      })
      .catch((error: unknown) => {
        conversation.phase = "refused";
        logger.error("an address request could not be answered", { reason: messageOf(error) });
      });
    return true;
  };

  const isAllowed = async (request: AddressRequest, signal: AbortSignal): Promise<boolean> => {
    try {
      return await within(async (inner) => await init.authorise(request, { signal: inner }), {
        clock,
        timeoutMs: AUTHORISATION_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      if (!signal.aborted) logger.warn("an address request could not be checked", { reason: messageOf(error) });
      return false;
    }
  };

  const makeReply = (request: AddressRequest): Uint8Array => {
    const { apiUrl, ledgerKey, multiaddrs } = init.describe();
    const issuedAt = clock.now();
    return encodeAddressMessage({
      kind: "address-reply",
      version: ADDRESS_VERSION,
      id: random.bytes(MESSAGE_ID_BYTES),
      to: request.from,
      from: identity.publicKey,
      agreement: request.agreement,
      issuedAt,
      expiresAt: issuedAt + MAX_ADDRESS_LIFETIME_MS,
      inReplyTo: request.id,
      apiUrl,
      ledgerKey,
      multiaddrs: [...multiaddrs],
    });
  };

  const sendUntilAcknowledged = async (
    request: AddressRequest,
    conversation: Conversation,
    signal: AbortSignal,
  ): Promise<void> => {
    const over = AbortSignal.any([signal, conversation.acknowledged.signal]);
    const pauses = replies.size < MAX_OPEN_REPLIES ? RESEND_PAUSES_MS : [];
    await send(request, conversation, over);
    for (const pauseMs of pauses) {
      try {
        await clock.sleep(pauseMs, { signal: over });
      } catch {
        return;
      }
      await send(request, conversation, over);
    }
  };

  const send = async (request: AddressRequest, conversation: Conversation, signal: AbortSignal): Promise<void> => {
    if (conversation.reply === undefined || conversation.sends >= MAX_SENDS) return;
    if (clock.now() > request.expiresAt + MAX_CLOCK_SKEW_MS) return;
    conversation.sends += 1;
    conversation.lastAtMs = clock.now();
    try {
      await messenger.publish(
        { topic: request.replyTopic, recipient: request.replyKey, payload: conversation.reply },
        { signal },
      );
    } catch (error) {
      if (!signal.aborted) logger.debug("an address reply could not be sent", { reason: messageOf(error) });
    }
  };

  const onAcknowledgement = (message: AddressAcknowledgement): void => {
    const conversation = conversations.get(conversationKey(message.from, message.inReplyTo), clock.now());
    if (conversation?.phase !== "answered") return;
    conversation.phase = "acknowledged";
    conversation.acknowledged.abort();
  };

  const track = (work: Promise<void>): void => {
    replies.add(work);
    work
      .catch((error: unknown) => logger.error("an address reply failed", { reason: messageOf(error) }))
      .finally(() => replies.delete(work));
  };

  const subscription = { topic: contactTopicOf(identity.publicKey), privateKey: identity.privateKey };
  return whileSubscribed(messenger, subscription, {
    onMessage,
    async settle() {
      authorisations.clear();
      await authorisations.onIdle();
      await Promise.allSettled(replies);
    },
  });
}

function conversationKey(from: Uint8Array, id: Uint8Array): string {
  return `${toHex(from)}/${toHex(id)}`;
}
