import { owedStroops } from "../domain/program/credits.ts";
import { payoutSharesStroops } from "../domain/program/payout.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { readChainRecord } from "./read-record.ts";
import { findTip, type TipMemory } from "./tip.ts";

/**
 * What a payout may bring each worker of a program now, in stroops, the largest share first; what is owed to users stays, and what
 * waiting requests have paid, as far as they are known here. Empty while there is too little. Only when the account holds enough is
 * the history looked at.
 *
 * @throws what finding the tip and reading its record throw
 */
export async function findPayoutShares(
  components: {
    readonly ledger: Ledger;
    readonly content: ContentStore;
    readonly tips?: TipMemory | undefined;
    readonly waitingStroops?: ((program: string) => bigint) | undefined;
  },
  account: SmartAccount,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly bigint[]> {
  const { id, spendableStroops, workers } = account;
  const waitingStroops = components.waitingStroops?.(id) ?? 0n;
  if (payoutSharesStroops({ spendableStroops, waitingStroops, workers: workers.length }).length === 0) return [];
  const tip = await findTip(components.ledger, account, { signal, memory: components.tips });
  const owed = owedStroops(await readChainRecord(components.content, tip.recordCid, { signal }));
  return payoutSharesStroops({ spendableStroops: spendableStroops - owed, waitingStroops, workers: workers.length });
}
