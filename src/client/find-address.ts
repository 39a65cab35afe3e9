import { SprfError, isSprfError, messageOf } from "../errors.ts";
import { RESEND_PAUSES_MS, describeSendings, sendRepeatedly, withoutEnd, type Sendings } from "../messaging/resend.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Messenger, ReceivedMessage } from "../ports/messenger.ts";
import type { Random } from "../ports/random.ts";
import { abortError } from "../utils/abort.ts";
import { fromHex } from "../utils/bytes.ts";
import { PRIVATE_KEY_BYTES, publicKeyOf } from "../utils/secp256k1.ts";
import { within } from "../utils/within.ts";
import {
  ADDRESS_VERSION,
  MAX_ADDRESS_LIFETIME_MS,
  MESSAGE_ID_BYTES,
  encodeAddressMessage,
  verifyAddressReply,
} from "../wire/address.ts";
import type { AddressReply, AddressRequest } from "../wire/address.ts";
import { contactTopicOf, replyTopicOf } from "../wire/topics.ts";

const DEFAULT_TIMEOUT_MS = 20_000;

export interface FindAddressComponents {
  readonly messenger: Messenger;
  /** The asker's message key: 64 and 32 bytes. */
  readonly messageKeys: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface FindAddressOptions {
  /** The worker's message key, 64 bytes, from its twin on the chain. */
  readonly workerKey: Uint8Array;
  /** The agreement that gives the right to ask: an address, `0x` and 40 hex digits. */
  readonly agreement: string;
  readonly signal?: AbortSignal | undefined;
  /** At most a minute. @default 20,000 */
  readonly timeoutMs?: number;
}

/**
 * Asks the holder of `workerKey` where it is. The answer comes encrypted to a key made for this question, on a topic that nobody
 * else knows, and counts only when the worker has signed it.
 *
 * @throws SprfError `ADDRESS_NOT_FOUND` when nobody answers in time, `ABORTED`
 */
export async function findAddress(
  components: FindAddressComponents,
  { workerKey, agreement, signal, timeoutMs = DEFAULT_TIMEOUT_MS }: FindAddressOptions,
): Promise<AddressReply> {
  if (timeoutMs > MAX_ADDRESS_LIFETIME_MS) {
    throw new SprfError("INVALID_INPUT", `timeoutMs is at most ${MAX_ADDRESS_LIFETIME_MS}`);
  }
  const sendings: Sendings = { sent: 0, taken: 0, problem: undefined };
  try {
    return await within(async (inner) => await ask(components, workerKey, agreement, sendings, inner), {
      clock: components.clock,
      timeoutMs,
      signal,
    });
  } catch (error) {
    if (!isSprfError(error, "TIMEOUT") || signal?.aborted) throw error;
    const { sent, taken } = sendings;
    throw new SprfError(
      "ADDRESS_NOT_FOUND",
      `the worker did not answer within ${timeoutMs} ms; the request was ${describeSendings(sendings)}`,
      { cause: error, context: { agreement, sent, taken } },
    );
  }
}

async function ask(
  { messenger, messageKeys, clock, random, logger }: FindAddressComponents,
  workerKey: Uint8Array,
  agreement: string,
  sendings: Sendings,
  signal: AbortSignal,
): Promise<AddressReply> {
  const replyKey = random.bytes(PRIVATE_KEY_BYTES);
  const issuedAt = clock.now();
  const request: AddressRequest = {
    kind: "address-request",
    version: ADDRESS_VERSION,
    id: random.bytes(MESSAGE_ID_BYTES),
    to: workerKey,
    from: messageKeys.publicKey,
    agreement: fromHex(agreement),
    issuedAt,
    expiresAt: issuedAt + MAX_ADDRESS_LIFETIME_MS,
    replyTopic: replyTopicOf(random.bytes(MESSAGE_ID_BYTES)),
    replyKey: publicKeyOf(replyKey),
  };
  const payload = encodeAddressMessage(request);
  const topic = contactTopicOf(workerKey);
  const answer = Promise.withResolvers<AddressReply>();
  const answered = new AbortController();

  const onReply = ({ payload: bytes, signer }: ReceivedMessage): void => {
    try {
      answer.resolve(verifyAddressReply(bytes, signer, { nowMs: clock.now(), request }));
      answered.abort();
    } catch (error) {
      logger.debug("address reply refused", { reason: messageOf(error) });
    }
  };
  const unsubscribe = await messenger.subscribe({ topic: request.replyTopic, privateKey: replyKey }, onReply);
  try {
    sendRepeatedly(
      { messenger, clock, logger },
      { topic, recipient: workerKey, payload },
      { pausesMs: withoutEnd(RESEND_PAUSES_MS), signal: AbortSignal.any([signal, answered.signal]), sendings },
    ).catch((error: unknown) => answer.reject(error as Error));
    const reply = await new Promise<AddressReply>((resolve, reject) => {
      answer.promise.then(resolve, reject);
      signal.addEventListener("abort", () => reject(abortError(signal)), { once: true });
    });
    acknowledge();
    return reply;
  } finally {
    answered.abort();
    await unsubscribe();
  }

  /** Not waited for: when it is lost, the worker only sends its reply a few times more. */
  function acknowledge(): void {
    const now = clock.now();
    const acknowledgement = encodeAddressMessage({
      kind: "address-acknowledgement",
      version: ADDRESS_VERSION,
      id: random.bytes(MESSAGE_ID_BYTES),
      to: workerKey,
      from: messageKeys.publicKey,
      agreement: request.agreement,
      issuedAt: now,
      expiresAt: now + MAX_ADDRESS_LIFETIME_MS,
      inReplyTo: request.id,
    });
    messenger
      .publish({ topic, recipient: workerKey, payload: acknowledgement })
      .catch((error: unknown) => logger.debug("an acknowledgement could not be sent", { reason: messageOf(error) }));
  }
}
