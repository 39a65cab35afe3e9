import { z } from "zod";

import { PAYMENT_VALID_SECONDS } from "../../domain/program/payment.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Store } from "../../ports/store.ts";
import { toHex } from "../../utils/bytes.ts";
import { createTable } from "../../utils/table.ts";
import { findTip, type TipMemory } from "../../execution/tip.ts";
import { recentPayments } from "./recent-payments.ts";

const MS_PER_SECOND = 1_000;

/** Knows which payments bought a landed transition (invariant P2), also those from before this worker joined. */
export interface UsedPayments {
  /**
   * Resolves with the record of the landed transition that the payment bought, if it did.
   *
   * @throws SprfError `PAYMENT_USED` when the payment bought a transition that this worker did not answer itself; what it did
   * answer it gives again
   */
  check(account: SmartAccount, paymentHash: Uint8Array, requestHash: Uint8Array): Promise<string | undefined>;
  /**
   * Resolves with the record of the landed transition or batch that the payment bought, or of the return that gave it back.
   *
   * @param options.paidAt when the payment's ledger closed, in seconds; has to be given for one that is no longer valid
   */
  boughtBy(
    account: SmartAccount,
    paymentHash: Uint8Array,
    options?: { readonly paidAt?: number },
  ): Promise<string | undefined>;
}

/** Payments are looked for twice as far back as they are valid: clocks and ledgers differ. */
const LOOK_BACK_SECONDS = 2 * PAYMENT_VALID_SECONDS;

const knownSchema = z.strictObject({
  recordCid: z.string(),
  /** All payments from then on (seconds) are known; absent where an earlier version did not say. */
  since: z.number().optional(),
});
const usedSchema = z.strictObject({ recordCid: z.string() });

export function createUsedPayments(components: {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly clock: Clock;
  readonly tips?: TipMemory | undefined;
  /** Whether this worker has answered the request before. */
  hasAnswered(requestHash: Uint8Array): Promise<boolean>;
}): UsedPayments {
  const { store, clock } = components;
  const known = createTable(store, "payments-known", knownSchema);
  const used = createTable(store, "payments-used", usedSchema);
  const catchingUp = new Map<string, Promise<void>>();
  const caughtUpTo = new Map<string, number>();

  async function catchUp(account: SmartAccount, paidAt: number | undefined): Promise<void> {
    const last = await known.get(account.id);
    const isDeepEnough = paidAt === undefined || (last?.since ?? Infinity) <= paidAt;
    // Somebody with a newer look at the account was here meanwhile.
    if (isDeepEnough && account.stateLedger < (caughtUpTo.get(account.id) ?? 0)) return;
    const tip = await findTip(components.ledger, account, { memory: components.tips });
    if (!isDeepEnough || tip.recordCid !== last?.recordCid) {
      const recent = Math.floor(clock.now() / MS_PER_SECOND) - LOOK_BACK_SECONDS;
      const since = Math.min(recent, paidAt ?? recent);
      const range = { tip: tip.recordCid, known: isDeepEnough ? last?.recordCid : undefined };
      const { payments, isWhole } = await recentPayments(components.content, range, { since });
      const knownSince = isWhole ? last?.since : since;
      await store.apply([
        ...payments.map(({ paymentHash, recordCid }) => used.put(paymentHash, { recordCid })),
        known.put(account.id, {
          recordCid: tip.recordCid,
          ...(knownSince === undefined ? {} : { since: knownSince }),
        }),
      ]);
    }
    caughtUpTo.set(account.id, account.stateLedger);
  }

  /** One after the other for each program: what runs already may have set out from an older tip than this account shows. */
  async function catchUpInTurn(account: SmartAccount, paidAt: number | undefined): Promise<void> {
    const before = catchingUp.get(account.id) ?? Promise.resolve();
    const own = before.then(
      async () => await catchUp(account, paidAt),
      async () => await catchUp(account, paidAt),
    );
    catchingUp.set(account.id, own);
    try {
      await own;
    } finally {
      if (catchingUp.get(account.id) === own) catchingUp.delete(account.id);
    }
  }

  async function boughtBy(
    account: SmartAccount,
    paymentHash: Uint8Array,
    { paidAt }: { readonly paidAt?: number } = {},
  ): Promise<string | undefined> {
    await catchUpInTurn(account, paidAt);
    return (await used.get(toHex(paymentHash)))?.recordCid;
  }

  return {
    boughtBy,
    async check(account, paymentHash, requestHash) {
      const bought = await boughtBy(account, paymentHash);
      if (bought === undefined || (await components.hasAnswered(requestHash))) return bought;
      throw new SprfError("PAYMENT_USED", `payment ${toHex(paymentHash)} bought a transition already`);
    },
  };
}
