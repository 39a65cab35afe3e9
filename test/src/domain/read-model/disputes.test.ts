import { expect } from "chai";

import { applyDisputeEvent } from "../../../../src/domain/read-model/disputes.ts";
import { TABLES, keys, type AgreementRow, type RowTable } from "../../../../src/domain/read-model/rows.ts";
import type { ModelView } from "../../../../src/domain/read-model/view.ts";
import type { LoggedEvent, MarketConstants } from "../../../../src/ports/event-log.ts";
import type { DisputeEvent } from "../../../../src/ports/market-events.ts";

const accountOf = (digit: string): string => `0x${digit.repeat(40)}`;
const [AGREEMENT, TESTER, ANNE, BERT] = [accountOf("1"), accountOf("2"), accountOf("3"), accountOf("4")] as const;
const PENALTY_WEI = 1_000n;

/** Rows in memory, as a view must give them: what was put is read. */
function createView(): ModelView {
  const rows = new Map<string, unknown>();
  const placeOf = (table: RowTable<unknown>, key: string): string => `${table.name}/${key}`;
  return {
    get: async <T>(table: RowTable<T>, key: string) =>
      await Promise.resolve(rows.get(placeOf(table, key)) as T | undefined),
    put: (table, key, row) => void rows.set(placeOf(table, key), row),
    delete: (table, key) => void rows.delete(placeOf(table, key)),
  };
}

describe("domain/read-model/disputes", () => {
  it("should give each bond and share of challenges to whom the contract gives it", async () => {
    const view = createView();
    const row = { number: 1, address: AGREEMENT, seats: [], testerCount: 3 } as unknown as AgreementRow;
    view.put(TABLES.epochs, keys.ofNumber(1, 0), { epoch: 0, testers: [TESTER], outcomes: [], reports: 1 });
    view.put(TABLES.testerOf, keys.account(TESTER), { id: 7 });
    view.put(TABLES.testers, keys.number(7), { testerId: 7, account: TESTER, missed: 0 } as never);
    const apply = async (event: Exclude<DisputeEvent, { readonly name: "BondWithdrawn" }>): Promise<void> => {
      const at = { block: 1, timeSeconds: 1, transaction: "0x", event } as unknown as LoggedEvent;
      await applyDisputeEvent(view, at, event, row, { missPenaltyWei: PENALTY_WEI } as MarketConstants);
    };
    const place = { agreement: AGREEMENT, epoch: 0, seat: 0 };
    for (const [workerIndex, challenger] of [
      [0, ANNE],
      [2, BERT],
      [1, ANNE],
      [3, BERT],
    ] as const) {
      await apply({ name: "Challenged", ...place, workerIndex, challenger });
    }
    // Bert asked about the one worker that the tester has an answer of.
    await apply({ name: "ChallengeAnswered", ...place, workerIndex: 2 });
    await apply({ name: "ReportStruck", ...place, workers: [0, 1, 3], rewardWei: 498n });

    const owed = async (account: string): Promise<bigint | undefined> =>
      (await view.get(TABLES.bondCredits, keys.account(account)))?.amountWei;
    expect(await owed(TESTER)).to.equal(PENALTY_WEI);
    expect(await owed(ANNE)).to.equal(2n * PENALTY_WEI + 2n * 166n);
    expect(await owed(BERT)).to.equal(PENALTY_WEI + 166n);
    expect((await view.get(TABLES.testers, keys.number(7)))?.missed).to.equal(1);
    const balance = async (account: string): Promise<bigint | undefined> =>
      (await view.get(TABLES.accounts, keys.account(account)))?.balanceWei;
    expect(await balance(ANNE)).to.equal(332n);
    expect(await balance(BERT)).to.equal(166n - PENALTY_WEI);
  });
});
