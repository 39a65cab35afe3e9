import type { LoggedEvent } from "../../ports/event-log.ts";
import { TABLES, keys, type AccountRow, type AgreementRow, type LineRow } from "./rows.ts";
import type { ModelView } from "./view.ts";

/**
 * One movement of an account's money. What is `in` became its own, what is `out` stopped to be; `wallet` is what its ether grew by
 * without gas. What the market holds for it (stake, credit, bonds) grows by in - out - wallet.
 */
export interface Movement extends Pick<LineRow, "kind" | "agreement" | "epoch" | "workerId" | "testerId"> {
  readonly inWei?: bigint;
  readonly outWei?: bigint;
  readonly walletWei?: bigint;
}

/** Adds a line to an account's statement. */
export async function addLine(view: ModelView, at: LoggedEvent, account: string, movement: Movement): Promise<void> {
  const { inWei = 0n, outWei = 0n, walletWei = 0n, ...rest } = movement;
  const key = keys.account(account);
  const before = (await view.get(TABLES.accounts, key)) ?? emptyAccount(account);
  const after: AccountRow = {
    account,
    lines: before.lines + 1,
    balanceWei: before.balanceWei + inWei - outWei,
    heldWei: before.heldWei + inWei - outWei - walletWei,
  };
  view.put(TABLES.accounts, key, after);
  view.put(TABLES.lines, keys.ofAccount(account, after.lines), {
    block: at.block,
    timeSeconds: at.timeSeconds,
    transaction: at.transaction,
    ...rest,
    inWei,
    outWei,
    walletWei,
    balanceWei: after.balanceWei,
    heldWei: after.heldWei,
  });
}

/** Adds to what an account can withdraw from an agreement. */
export async function addCredit(
  view: ModelView,
  account: string,
  { address, number }: Pick<AgreementRow, "address" | "number">,
  amountWei: bigint,
): Promise<void> {
  const key = keys.ofAccount(account, number);
  const before = await view.get(TABLES.credits, key);
  const credit = { account, agreement: address, number, amountWei: (before?.amountWei ?? 0n) + amountWei };
  view.put(TABLES.credits, key, credit);
}

/** Takes what an account withdraws from an agreement. */
export async function takeCredit(
  view: ModelView,
  account: string,
  { number }: Pick<AgreementRow, "number">,
  amountWei: bigint,
): Promise<void> {
  const key = keys.ofAccount(account, number);
  const before = await view.get(TABLES.credits, key);
  const left = (before?.amountWei ?? 0n) - amountWei;
  if (before !== undefined && left > 0n) view.put(TABLES.credits, key, { ...before, amountWei: left });
  else view.delete(TABLES.credits, key);
}

function emptyAccount(account: string): AccountRow {
  return { account, lines: 0, balanceWei: 0n, heldWei: 0n };
}
