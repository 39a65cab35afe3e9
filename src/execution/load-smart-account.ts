import { ENTRY_NAMES, readSmartAccount, type SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { Ledger } from "../ports/ledger.ts";

/**
 * A program as its account says it now.
 *
 * @throws SprfError `ACCOUNT_NOT_FOUND`, `SMART_ACCOUNT_INVALID`
 */
export async function loadSmartAccount(
  ledger: Ledger,
  id: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<SmartAccount> {
  const snapshot = await ledger.account(id, ENTRY_NAMES, { signal });
  if (snapshot === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${id}`);
  return readSmartAccount(snapshot);
}
