import { billOf, type Bill } from "../../domain/grid/bill.ts";
import type { GridCallOptions, GridOnChain } from "./grid-user.ts";
import { ownContracts, ownTwin } from "./own-contracts.ts";

/** What the user's contracts cost, cost now, and until when the balance pays for it; from the chain alone. */
export async function readBill(
  user: Pick<GridOnChain, "chain" | "contracts" | "quotes">,
  options?: GridCallOptions,
): Promise<Bill> {
  const twin = await ownTwin(user, options);
  const contracts = await ownContracts(user, options);
  const ids = contracts.map(({ contractId }) => contractId);
  const [account, settledGrains, price] = await Promise.all([
    user.contracts.account(twin.id, options),
    user.contracts.settledGrains(ids, options),
    user.quotes.etherPrice(options),
  ]);
  // After the other look at events, which has found where they begin.
  const clippedReports = await user.contracts.clippedReports(ids, options);
  return billOf({ account, contracts, settledGrains, clippedReports, price });
}
