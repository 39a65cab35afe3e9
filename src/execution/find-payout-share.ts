import { owedStroops } from "../domain/program/credits.ts";
import { payoutShareStroops } from "../domain/program/payout.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { readChainRecord } from "./read-record.ts";
import { findTip, type TipMemory } from "./tip.ts";

/**
 * What a payout would bring each worker of a program now, in stroops; what is owed to users stays. Undefined while there is too
 * little. Only when the account holds enough is the history looked at.
 *
 * @throws what finding the tip and reading its record throw
 */
export async function findPayoutShare(
  components: { readonly ledger: Ledger; readonly content: ContentStore; readonly tips?: TipMemory | undefined },
  account: SmartAccount,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<bigint | undefined> {
  const { spendableStroops, workers } = account;
  if (payoutShareStroops(spendableStroops, workers.length) === undefined) return undefined;
  const tip = await findTip(components.ledger, account, { signal, memory: components.tips });
  const owed = owedStroops(await readChainRecord(components.content, tip.recordCid, { signal }));
  return payoutShareStroops(spendableStroops - owed, workers.length);
}
