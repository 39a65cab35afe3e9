import type { LineRow } from "../domain/read-model/rows.ts";
import type { Due } from "../indexer/read-model.ts";
import { numbersOf, type MarketComponents } from "./market-rows.ts";
import { MAX_STATEMENT_LINES, type ClaimView, type ContractsView, type PaymentsView } from "./views.ts";

/** What the market owes an account, what it can take out and how, and the end of its statement. */
export async function paymentsView({ model, contracts }: MarketComponents, account: string): Promise<PaymentsView> {
  const due = await model.due(account);
  const { twinId, lines: lineCount } = await model.account(account);
  const lines = await model.latestLines(account, { limit: MAX_STATEMENT_LINES });
  const numbers = await numbersOf(model, lines);
  return {
    account,
    ...(twinId === undefined ? {} : { twinId }),
    nowWei: String(due.nowWei),
    claims: claimsOf(due, contracts),
    lines: lines.map((line) => lineView(line, numbers)),
    lineCount,
    contracts,
  };
}

function claimsOf({ credits, feesWei, bondsWei, stakes }: Due, contracts: ContractsView): readonly ClaimView[] {
  const fromAgreements = credits
    .filter(({ amountWei }) => amountWei > 0n)
    .map(({ agreement, number, amountWei }): ClaimView => {
      return { from: "agreement", contract: agreement, number, amountWei: String(amountWei), releaseBlock: 0 };
    });
  const fees: ClaimView = {
    from: "tester-fees",
    contract: contracts.testers,
    amountWei: String(feesWei),
    releaseBlock: 0,
  };
  const bonds: ClaimView = {
    from: "bonds",
    contract: contracts.disputes,
    amountWei: String(bondsWei),
    releaseBlock: 0,
  };
  const ofStakes = stakes.map(({ from, id, amountWei, releaseBlock }): ClaimView => {
    const contract = from === "worker" ? contracts.dispatcher : contracts.testers;
    return { from: `${from}-stake`, contract, number: id, amountWei: String(amountWei), releaseBlock };
  });
  return [...fromAgreements, ...(feesWei > 0n ? [fees] : []), ...(bondsWei > 0n ? [bonds] : []), ...ofStakes];
}

function lineView(
  { block, timeSeconds, transaction, kind, agreement, epoch, ...line }: LineRow,
  numbers: ReadonlyMap<string, number>,
): PaymentsView["lines"][number] {
  const number = agreement === undefined ? undefined : numbers.get(agreement);
  return {
    block,
    timeSeconds,
    transaction,
    kind,
    ...(number === undefined ? {} : { agreement: number }),
    ...(epoch === undefined ? {} : { epoch }),
    inWei: String(line.inWei),
    outWei: String(line.outWei),
    walletWei: String(line.walletWei),
    balanceWei: String(line.balanceWei),
    heldWei: String(line.heldWei),
  };
}
