import { SprfError } from "../errors.ts";

const FUNDED_ALREADY = /already|exist/i;

/** Has the friendbot give an account its first 10,000 XLM; an account that was funded before is left as it is. */
export async function fundAccount(
  friendbotUrl: string,
  account: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const response = await fetch(`${friendbotUrl}?addr=${encodeURIComponent(account)}`, signal ? { signal } : {});
  if (response.ok) return;
  const body = await response.text();
  if (response.status === 400 && FUNDED_ALREADY.test(body)) return;
  throw new SprfError("LEDGER_UNREACHABLE", `the friendbot refused to fund ${account}: ${body.slice(0, 200)}`);
}
