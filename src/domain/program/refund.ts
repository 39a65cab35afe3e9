import type { Transaction } from "@stellar/stellar-sdk";
import { Asset, Operation } from "@stellar/stellar-sdk";

import { MAX_REFUNDS, type RefundRecord } from "../../wire/batch-record.ts";
import type { ChainRecord } from "../../wire/record.ts";
import { creditFields, creditsAfter, withoutCreditsOf } from "./credits.ts";
import { programTransaction } from "./program-transaction.ts";
import { formatStroops } from "./stroops.ts";

/** Which credits are paid back, and what is still owed afterwards; undefined when there are none of these users. */
export function refundFields(
  previous: ChainRecord,
  users: ReadonlySet<string>,
): Pick<RefundRecord, "payments" | "credits"> | undefined {
  const credits = creditsAfter(previous);
  const paid = credits.filter(({ user }) => users.has(user)).slice(0, MAX_REFUNDS);
  if (paid.length === 0) return undefined;
  return {
    payments: paid.map(({ user, stroops }) => ({ user, stroops })),
    ...creditFields(
      withoutCreditsOf(
        credits,
        paid.map(({ user }) => user),
      ),
    ),
  };
}

/**
 * Whose credits to pay next: fewer after each refund that failed, since an account that is gone by the time it lands fails all of
 * them, and beginning elsewhere each time, so that nobody can keep others from their refunds for ever.
 */
export function chooseRefunds(
  previous: ChainRecord,
  { failed, sequence }: { readonly failed: number; readonly sequence: bigint },
): readonly string[] {
  const users = creditsAfter(previous).map(({ user }) => user);
  if (users.length === 0) return [];
  const most = Math.max(1, Math.floor(MAX_REFUNDS / 2 ** Math.min(failed, MAX_REFUNDS)));
  const start = failed === 0 ? 0 : Number(sequence % BigInt(users.length));
  return [...users.slice(start), ...users.slice(0, start)].slice(0, most);
}

/** The transaction of a refund: payments from the smart account. */
export function buildRefund(record: RefundRecord, recordCid: string): Transaction {
  const builder = programTransaction({ ...record, recordCid, maxTime: record.validUntil });
  for (const { user, stroops } of record.payments) {
    builder.addOperation(
      Operation.payment({ destination: user, asset: Asset.native(), amount: formatStroops(stroops) }),
    );
  }
  return builder.build();
}
