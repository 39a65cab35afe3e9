import { expect } from "chai";
import fc from "fast-check";

import type { Account, DataEntry } from "../../../../src/devnet/stellar/ledger/account.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { TOTAL_COINS_STROOPS } from "../../../../src/devnet/stellar/ledger/parameters.ts";
import { isSuccess } from "../../../../src/devnet/stellar/ledger/results.ts";
import { closeNext, freshLedger, funded } from "./ledger-fixture.ts";
import { offerStep, PEOPLE, randomSteps } from "./random-steps.ts";

/** Random plays; fast-check prints the seed of one that fails. */
const RUNS = 20;
const TIMEOUT_MS = 60_000;

describe("development ledger under random transactions", function () {
  this.timeout(TIMEOUT_MS);

  it("keeps balances and fee pool together at all coins, every count at what it counts, and what it refuses without effect", () => {
    const seen = { applied: 0, failed: 0, refused: 0 };
    fc.assert(
      fc.property(randomSteps, (steps) => {
        const ledger = funded(freshLedger("chain"), PEOPLE);
        for (const step of steps) {
          const before = stateOf(ledger);
          const { status } = offerStep(ledger, step);
          expect(stateOf(ledger)).to.deep.equal(before);
          if (status !== "PENDING") seen.refused += 1;
          if (step.closes) {
            for (const { result } of closeNext(ledger).transactions)
              seen[isSuccess(result) ? "applied" : "failed"] += 1;
          }
          expectInvariants(ledger);
        }
      }),
      { numRuns: RUNS },
    );
    // Otherwise the plays would show nothing.
    for (const [what, times] of Object.entries(seen)) expect(times, what).to.be.greaterThan(20);
  });
});

function stateOf(ledger: DevelopmentLedger): readonly (Account | DataEntry | bigint)[] {
  const accounts = [...ledger.state.accounts()];
  return [ledger.state.feePoolStroops, ...accounts, ...accounts.flatMap(({ id }) => [...ledger.state.dataOf(id)])];
}

function expectInvariants(ledger: DevelopmentLedger): void {
  let coins = ledger.state.feePoolStroops;
  const sponsoring = new Map<string, number>();
  const add = (id: string | null, reserves: number): void => {
    if (id !== null) sponsoring.set(id, (sponsoring.get(id) ?? 0) + reserves);
  };
  const accounts = [...ledger.state.accounts()];
  for (const account of accounts) {
    coins += account.balanceStroops;
    expect(account.balanceStroops >= 0n).to.equal(true);
    const data = [...ledger.state.dataOf(account.id)];
    expect(account.subentryCount).to.equal(data.length + account.signers.length);
    const sponsored = [...data, ...account.signers].filter(({ sponsor }) => sponsor !== null).length;
    expect(account.sponsoredCount).to.equal(sponsored + (account.sponsor === null ? 0 : 2));
    for (const { sponsor } of [...data, ...account.signers]) add(sponsor, 1);
    add(account.sponsor, 2);
  }
  for (const account of accounts) expect(account.sponsoringCount).to.equal(sponsoring.get(account.id) ?? 0);
  expect(coins).to.equal(TOTAL_COINS_STROOPS);
}
