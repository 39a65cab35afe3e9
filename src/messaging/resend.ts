import { isSprfError, messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Messenger } from "../ports/messenger.ts";

/** Pauses between sendings of what was not heard yet. */
export const RESEND_PAUSES_MS: readonly number[] = [200, 400, 800, 1_600, 3_200];

/** A message as the messenger takes it. */
export interface Outgoing {
  readonly topic: string;
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
}

/** What it takes to send. */
export interface SendComponents {
  readonly messenger: Messenger;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How it went with the sendings of one message. */
export interface Sendings {
  sent: number;
  /** Those that a peer took. */
  taken: number;
  problem: string | undefined;
}

/**
 * Sends at once and again after each pause, until `signal` aborts or no pause is left. That one sending fails is for the next one to
 * mend; `sendings` says how it went.
 *
 * @throws SprfError of fault `user`: what was wrong with the message will not change
 */
export async function sendRepeatedly(
  components: SendComponents,
  message: Outgoing,
  { pausesMs, signal, sendings }: { pausesMs: Iterable<number>; signal: AbortSignal; sendings?: Sendings | undefined },
): Promise<void> {
  const { clock } = components;
  if (signal.aborted) return;
  await sendOnce(components, message, { signal, sendings });
  for (const pauseMs of pausesMs) {
    try {
      await clock.sleep(pauseMs, { signal });
    } catch {
      return;
    }
    await sendOnce(components, message, { signal, sendings });
  }
}

/** Sends once; a failure that is not the user's is logged. */
export async function sendOnce(
  { messenger, logger }: SendComponents,
  message: Outgoing,
  { signal, sendings }: { signal: AbortSignal; sendings?: Sendings | undefined },
): Promise<void> {
  try {
    const { recipients } = await messenger.publish(message, { signal });
    if (sendings !== undefined) {
      sendings.sent += 1;
      if (recipients > 0) sendings.taken += 1;
    }
    if (recipients === 0) logger.debug("nobody relays the message yet");
  } catch (error) {
    if (signal.aborted) return;
    if (isSprfError(error) && error.fault === "user") throw error;
    if (sendings !== undefined) sendings.problem = messageOf(error);
    logger.debug("a message could not be sent", { reason: messageOf(error) });
  }
}

/** The pauses, the last one for ever. */
export function* withoutEnd(pausesMs: readonly number[]): Generator<number> {
  yield* pausesMs;
  for (;;) yield pausesMs.at(-1) ?? 0;
}

/** For an error's text. */
export function describeSendings({ sent, taken, problem }: Sendings): string {
  if (sent === 0) return problem === undefined ? "not sent" : `not sent: ${problem}`;
  return taken === 0 ? `sent ${sent} times, and no Waku peer took it` : `taken by Waku peers ${taken} times`;
}
