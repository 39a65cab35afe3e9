import { expect } from "chai";
import fc from "fast-check";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { creditFields } from "../../../src/domain/program/credits.ts";
import { PAYOUT_KEEP_STROOPS, payoutSharesStroops } from "../../../src/domain/program/payout.ts";
import type { SmartAccount } from "../../../src/domain/program/smart-account.ts";
import { findPayoutShares } from "../../../src/execution/find-payout-shares.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { encodeRecord } from "../../../src/wire/record.ts";
import { addressArbitrary } from "../../helpers/arbitraries.ts";
import { batchRecordArbitrary } from "../../helpers/batch-arbitraries.ts";

const XLM = 10_000_000n;
const WORKERS = 3;

describe("execution/find-payout-shares", () => {
  let content: CollectingContentStore;
  before(async () => {
    content = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger([]) });
    await content.start();
  });
  after(async () => await content.stop());

  it("should leave in the account what it owes to users and what requests that wait have paid", async () => {
    const [batch] = fc.sample(batchRecordArbitrary, { numRuns: 1, seed: 1 });
    const [user = ""] = fc.sample(addressArbitrary, { numRuns: 1, seed: 1 });
    if (batch === undefined) throw new Error("no record");
    const { credits: _credits, ...record } = batch;
    const xlm = (most: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: most * XLM });
    await fc.assert(
      fc.asyncProperty(xlm(300n), xlm(300n), xlm(100n), async (spendableStroops, owed, waiting) => {
        const credits = owed === 0n ? {} : creditFields([{ user, stroops: owed, since: 1n }]);
        const recordCid = await content.putRecord(encodeRecord({ ...record, ...credits }));
        const known = { recordCid, envelope: new Uint8Array(), sequence: 1n, ledger: 1 };
        // The tip is known, so the ledger is not asked.
        const tips = { get: async () => await Promise.resolve(known), put: async () => await Promise.resolve() };
        const workers = Array.from({ length: WORKERS }, () => ({ address: "", ledgerKey: user }));
        const place = { id: "program", sequence: 1n, stateLedger: 1, ledger: 1 };
        const account = { ...place, spendableStroops, workers } as unknown as SmartAccount;
        const components = { ledger: {} as Ledger, content, tips, waitingStroops: () => waiting };
        const shares = await findPayoutShares(components, account);
        for (const share of shares) {
          const left = spendableStroops - share * BigInt(WORKERS);
          expect(left >= owed + waiting + PAYOUT_KEEP_STROOPS).to.equal(true);
        }
        const free = { spendableStroops: spendableStroops - owed, waitingStroops: waiting, workers: WORKERS };
        expect(shares).to.deep.equal(payoutSharesStroops(free));
      }),
    );
  });
});
