import { z } from "zod";

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
}

const knownSchema = z.strictObject({ recordCid: z.string() });
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

  async function catchUp(account: SmartAccount): Promise<void> {
    // Somebody with a newer look at the account was here meanwhile.
    if (account.stateLedger < (caughtUpTo.get(account.id) ?? 0)) return;
    const [tip, last] = await Promise.all([
      findTip(components.ledger, account, { memory: components.tips }),
      known.get(account.id),
    ]);
    if (tip.recordCid !== last?.recordCid) {
      const now = Math.floor(clock.now() / MS_PER_SECOND);
      const range = { tip: tip.recordCid, known: last?.recordCid };
      const payments = await recentPayments(components.content, range, { now });
      await store.apply([
        ...payments.map(({ paymentHash, recordCid }) => used.put(paymentHash, { recordCid })),
        known.put(account.id, { recordCid: tip.recordCid }),
      ]);
    }
    caughtUpTo.set(account.id, account.stateLedger);
  }

  /** One after the other for each program: what runs already may have set out from an older tip than this account shows. */
  async function catchUpInTurn(account: SmartAccount): Promise<void> {
    const before = catchingUp.get(account.id) ?? Promise.resolve();
    const own = before.then(
      async () => await catchUp(account),
      async () => await catchUp(account),
    );
    catchingUp.set(account.id, own);
    try {
      await own;
    } finally {
      if (catchingUp.get(account.id) === own) catchingUp.delete(account.id);
    }
  }

  return {
    async check(account, paymentHash, requestHash) {
      await catchUpInTurn(account);
      const bought = await used.get(toHex(paymentHash));
      if (bought === undefined || (await components.hasAnswered(requestHash))) return bought?.recordCid;
      throw new SprfError("PAYMENT_USED", `payment ${toHex(paymentHash)} bought a transition already`);
    },
  };
}
