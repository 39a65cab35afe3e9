import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import type { Account, DataEntry } from "../../../../src/devnet/stellar/ledger/account.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { createDevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { openLedgerStore } from "../../../../src/devnet/stellar/rpc/ledger-store.ts";
import type { LedgerStore } from "../../../../src/devnet/stellar/rpc/ledger-store.ts";
import { closeNext, freshLedger, funded, PASSPHRASE } from "./ledger-fixture.ts";
import { offerStep, PEOPLE, randomSteps } from "./random-steps.ts";

/** Random plays; fast-check prints the seed of one that fails. */
const RUNS = 8;
const TIMEOUT_MS = 60_000;

describe("development ledger started again from its file", function () {
  this.timeout(TIMEOUT_MS);

  it("is where it was, and goes on to the same hashes as one that never stopped", () => {
    const folder = mkdtempSync(join(tmpdir(), "sprf-restart-"));
    let played = 0;
    let restarts = 0;
    const play = fc.property(randomSteps, fc.infiniteStream(fc.boolean()), (steps, stops) => {
      const path = join(folder, `${String((played += 1))}.sqlite`);
      const steady = funded(freshLedger("chain"), PEOPLE);
      let kept = { ledger: funded(freshLedger("chain"), PEOPLE), store: openLedgerStore(path, PASSPHRASE) };
      saveAll(kept.ledger, kept.store);
      try {
        for (const step of steps) {
          const expected = offerStep(steady, step).status;
          expect(offerStep(kept.ledger, step).status).to.equal(expected);
          // A queue does not outlive its node: only between ledgers are both the same.
          if (!step.closes) continue;
          const closed = closeNext(kept.ledger);
          kept.store.save(closed);
          expect(closed.header.hash).to.equal(closeNext(steady).header.hash);
          if (stops.next().value !== true) continue;
          restarts += 1;
          kept.store.close();
          kept = reopen(path, kept.ledger);
          expect(kept.ledger.header()).to.deep.equal(steady.header());
          expect(entriesOf(kept.ledger)).to.deep.equal(entriesOf(steady));
        }
      } finally {
        kept.store.close();
      }
    });
    try {
      fc.assert(play, { numRuns: RUNS });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    // Otherwise the plays would show nothing.
    expect(restarts).to.be.greaterThan(5);
  });
});

/** Everything that exists, as the first thing that the store holds. */
function saveAll(ledger: DevelopmentLedger, store: LedgerStore): void {
  const changes = entriesOf(ledger).map(([, after]) => ({ before: undefined, after }));
  store.save({ header: ledger.header(), transactions: [], changes, baseFeeStroops: 100n });
}

function reopen(path: string, { parameters }: DevelopmentLedger): { ledger: DevelopmentLedger; store: LedgerStore } {
  const store = openLedgerStore(path, PASSPHRASE);
  const restored = store.restore();
  if (restored === undefined) throw new Error("the file holds no ledger");
  return { ledger: createDevelopmentLedger({ parameters, queueRule: "chain", restored }), store };
}

function entriesOf({ state }: DevelopmentLedger): (readonly [key: string, entry: Account | DataEntry])[] {
  const accounts = [...state.accounts()];
  const data = accounts.flatMap(({ id }) => [...state.dataOf(id)]);
  const keyed = [
    ...accounts.map((account) => [account.id, account] as const),
    ...data.map((entry) => [`${entry.accountId}/${entry.name}`, entry] as const),
  ];
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1));
}
