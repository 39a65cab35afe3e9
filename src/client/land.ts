import { SprfError, isSprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger, SubmitResult } from "../ports/ledger.ts";
import { createPatientLedger } from "./patient-ledger.ts";

const POLL_MS = 200;
const MS_PER_SECOND = 1_000;
/** A ledger may close, and its service hear of it, this long after the last moment of a transaction. */
const SETTLE_MS = 60_000;
/** So many ledgers close without a transaction before it offers more. */
const PASSED_OVER_LEDGERS = 2;

interface LandComponents {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** A signed transaction that is to get into a ledger. */
export interface Landable {
  /** Hex; of the transaction inside where there is a fee bump, so that it finds what landed at any price. */
  readonly hash: string;
  readonly source: string;
  readonly sequence: bigint;
  /** Seconds since the Unix epoch; a ledger that closes later cannot hold it. */
  readonly maxTime: number;
  /** Base64; the first is offered, and each next one when ledgers passed over the one before. */
  readonly envelopes: readonly string[];
}

/** How waiting for a ledger can be influenced. */
export interface LandOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long an outage of the ledger's service is waited out; never much beyond `maxTime`. @default that long */
  readonly patienceMs?: number | undefined;
  /** It may have been submitted before, by a process that did not live to see what became of it. */
  readonly mayBeKnown?: boolean | undefined;
  /** Hears of each failure of the ledger's service that is waited out. */
  readonly onOutage?: ((error: SprfError) => void) | undefined;
}

/** What became of a transaction. All but `landed` mean that it is on no ledger and will never be. */
export type Landing =
  | { readonly kind: "landed"; readonly transaction: LandedTransaction }
  /** Another transaction of its source took its sequence. */
  | { readonly kind: "overtaken" }
  /** Refused at once, and never accepted before. */
  | { readonly kind: "refused"; readonly code: string }
  /** `code`: why the ledger refused it last, if it did. */
  | { readonly kind: "late"; readonly code: string | undefined };

/**
 * Submits a transaction and waits until it is on a ledger or can no longer be. It is submitted once for each ledger, since a full
 * queue drops what waits without a word; outages of the service are waited out; what was passed over offers more.
 *
 * @throws SprfError `LEDGER_UNREACHABLE` when its time or our patience is over and nobody can say whether it landed
 */
export async function land(
  { ledger: impatient, clock }: LandComponents,
  landable: Landable,
  { signal, patienceMs = Number.POSITIVE_INFINITY, mayBeKnown = false, onOutage }: LandOptions = {},
): Promise<Landing> {
  const { hash, source, sequence, maxTime, envelopes } = landable;
  const untilMs = maxTime * MS_PER_SECOND + SETTLE_MS;
  const patience = { clock, untilMs: Math.min(untilMs, clock.now() + patienceMs), onOutage };
  const ledger = createPatientLedger(impatient, patience);
  const find = async (): Promise<LandedTransaction | undefined> => await ledger.transaction(hash, { signal });

  /** Whether the queue may hold it, at any price. */
  let known = mayBeKnown;
  let rung = 0;
  let topRung = envelopes.length - 1;
  /** The latest ledger when this price was first offered. */
  let offeredAt: number | undefined;
  /** The latest ledger when the queue said that it holds it. */
  let acceptedAt: number | undefined;
  let checkedAt: number | undefined;
  let code: string | undefined;

  /** How it ends for want of its sequence; undefined while it may go on. */
  async function lostSequence(refusal: string | undefined): Promise<Landing | undefined> {
    const found = await ledger.account(source, [], { signal });
    if (found === undefined) return undefined;
    if (found.account.sequence >= sequence) {
      // A service may know accounts as of a ledger whose transactions it has yet to store.
      while ((await ledger.latest({ signal })).sequence < found.ledger) await pause();
      return ended(await find(), { kind: "overtaken" });
    }
    // The next one that is refused is taken: the service has yet to hear by whom.
    const isNext = found.account.sequence + 1n === sequence;
    return refusal === "tx_bad_seq" && !isNext && !known ? { kind: "refused", code: refusal } : undefined;
  }

  async function pause(): Promise<void> {
    if (clock.now() > untilMs) {
      throw new SprfError("LEDGER_UNREACHABLE", `the ledger does not go on; transaction ${hash} may have landed`, {
        context: { hash },
      });
    }
    await clock.sleep(POLL_MS, { signal });
  }

  for (;;) {
    const { sequence: at } = await ledger.latest({ signal });
    const earlier = known ? await find() : undefined;
    if (earlier !== undefined) return { kind: "landed", transaction: earlier };

    let refusal: string | undefined;
    const envelope = envelopes[rung];
    if (envelope !== undefined && acceptedAt !== at) {
      const submitted = await submitOnce(impatient, envelope, { signal, onOutage });
      if (submitted?.status === "refused") refusal = code = submitted.code;
      // Nobody knows whether what got no answer was taken.
      else if (submitted?.status !== "try-again-later") known = true;
      if (submitted?.status === "pending" || submitted?.status === "duplicate") acceptedAt = at;
      if (submitted !== undefined) offeredAt ??= at;
      const landed = await find();
      if (landed !== undefined) return { kind: "landed", transaction: landed };
    }
    const lost = refusal === "tx_bad_seq" || checkedAt !== at ? await lostSequence(refusal) : undefined;
    if (lost !== undefined) return lost;
    if (refusal !== undefined && !WORTH_WAITING.includes(refusal)) {
      if (!known) return { kind: "refused", code: refusal };
      // What waits at a lower price may still land, but nothing more can be offered.
      rung = topRung = Math.max(rung - 1, 0);
      acceptedAt = at;
    }
    if (checkedAt !== at) {
      const header = await ledger.header(at, { signal });
      if (header !== undefined && header.closeTime > maxTime) return ended(await find(), { kind: "late", code });
      checkedAt = at;
    }
    if (offeredAt !== undefined && at - offeredAt >= PASSED_OVER_LEDGERS && rung < topRung) {
      rung += 1;
      offeredAt = undefined;
      acceptedAt = undefined;
    } else {
      await pause();
    }
  }
}

/**
 * `tx_bad_seq`: its sequence is taken, perhaps by itself; `tx_insufficient_fee`: another transaction with its sequence waits, which
 * only ten times the fee would replace.
 */
const WORTH_WAITING: readonly string[] = ["tx_bad_seq", "tx_insufficient_fee"];

function ended(landed: LandedTransaction | undefined, otherwise: Landing): Landing {
  return landed === undefined ? otherwise : { kind: "landed", transaction: landed };
}

/** Undefined when nobody knows whether the service took it; to send it again does no harm. */
async function submitOnce(
  ledger: Ledger,
  envelope: string,
  { signal, onOutage }: LandOptions,
): Promise<SubmitResult | undefined> {
  try {
    return await ledger.submit(envelope, { signal });
  } catch (error) {
    if (!isSprfError(error, "LEDGER_UNREACHABLE")) throw error;
    onOutage?.(error);
    return undefined;
  }
}
