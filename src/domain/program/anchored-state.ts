import type { Transaction } from "@stellar/stellar-sdk";

import { ENTRY } from "./smart-account.ts";

/** The state that a transaction sets, whatever the record in its memo says; undefined when it sets none. */
export function anchoredState(transaction: Transaction): string | undefined {
  const operation = transaction.operations.find((each) => each.type === "manageData" && each.name === ENTRY.state);
  if (operation?.type !== "manageData" || operation.value === undefined) return undefined;
  return Buffer.from(operation.value).toString("utf8");
}
