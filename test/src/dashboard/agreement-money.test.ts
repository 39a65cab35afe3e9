import { expect } from "chai";
import fc from "fast-check";

import { agreementMoney } from "../../../src/dashboard/agreement-money.ts";
import type { AgreementRow, EpochRow } from "../../../src/domain/read-model/rows.ts";

const account = (number: number): string => `0x${number.toString(16).padStart(40, "0")}`;
const outcomes = fc.constantFrom("ok", "unreachable", "wrong", "no-quorum", "resigned") as fc.Arbitrary<
  EpochRow["outcomes"][number]
>;

/** An agreement of which some epochs are settled, as the index has it. */
const agreements = fc
  .record({
    seats: fc.integer({ min: 1, max: 4 }),
    epochLength: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 1, max: 300 }),
    testers: fc.integer({ min: 1, max: 4 }),
    pricePerBlockWei: fc.bigInt({ min: 1n, max: 10n ** 20n }),
    feeWei: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    settled: fc.integer({ min: 0, max: 300 }),
    verdicts: fc.array(fc.tuple(fc.array(outcomes, { minLength: 4, maxLength: 4 }), fc.nat({ max: 4 })), {
      minLength: 300,
      maxLength: 300,
    }),
  })
  .map(({ seats, epochLength, length, testers, pricePerBlockWei, feeWei, settled, verdicts }) => {
    const epochCount = Math.ceil(length / epochLength);
    const row: AgreementRow = {
      number: 1,
      address: account(99),
      client: account(98),
      applicationType: "",
      seats: Array.from({ length: seats }, (_, index) => ({
        workerId: index + 1,
        operator: account(index + 1),
        pricePerBlockWei: pricePerBlockWei + BigInt(index),
        epochsOk: 0,
        epochsUnreachable: 0,
        epochsWrong: 0,
      })),
      startBlock: 1_000,
      endBlock: 1_000 + length,
      epochLength,
      testerCount: testers,
      testerFeePerEpochWei: feeWei,
      paidWei: 0n,
      unsettledWei: 0n,
      settledEpochs: Math.min(settled, epochCount),
      terminated: false,
      finalized: false,
      createdBlock: 999,
    };
    const epochs: EpochRow[] = verdicts.slice(0, row.settledEpochs).map(([found, reports], epoch) => ({
      epoch,
      testers: Array.from({ length: testers }, (_, index) => account(50 + index)),
      outcomes: found.slice(0, seats),
      reports: Math.min(reports, testers),
      settledBlock: 2_000,
    }));
    return { row, epochs };
  });

describe("the money of an agreement", () => {
  it("should show every block once, in order, and move all of its price and fees to somebody", () => {
    fc.assert(
      fc.property(agreements, ({ row, epochs }) => {
        const { flow } = agreementMoney(row, epochs);
        const priceWei = row.seats.reduce((sum, { pricePerBlockWei }) => sum + pricePerBlockWei, 0n);
        let next = row.startBlock;
        for (const [epoch, span] of flow.entries()) {
          expect(span.fromBlock).to.equal(next);
          expect(span.isSettled).to.equal(epoch < row.settledEpochs);
          next = span.toBlock;
          const blocks = BigInt(span.toBlock - span.fromBlock);
          const movedWei = BigInt(span.toWorkersWei) + BigInt(span.toTestersWei) + BigInt(span.toClientWei);
          const feesWei = (row.testerFeePerEpochWei * BigInt(row.testerCount)) / blocks;
          // Each of the three is rounded down to whole wei of a block.
          expect(Number(priceWei + feesWei - movedWei)).to.be.within(0, 3);
        }
        expect(next).to.equal(row.endBlock);
      }),
    );
  });

  it("should credit workers for good epochs and those without a quorum, and the client for the rest", () => {
    fc.assert(
      fc.property(agreements, ({ row, epochs }) => {
        const { paidToSeat, payees } = agreementMoney(row, epochs);
        const blocksOf = ({ epoch }: EpochRow): bigint => {
          const from = row.startBlock + epoch * row.epochLength;
          return BigInt(Math.min(from + row.epochLength, row.endBlock) - from);
        };
        for (const [index, { pricePerBlockWei }] of row.seats.entries()) {
          const paid = epochs.filter((each) => ["ok", "no-quorum"].includes(each.outcomes[index] ?? ""));
          const expected = paid.reduce((sum, each) => sum + blocksOf(each) * pricePerBlockWei, 0n);
          expect(paidToSeat[index]).to.equal(expected);
        }
        const priceWei = row.seats.reduce((sum, { pricePerBlockWei }) => sum + pricePerBlockWei, 0n);
        const allWei = epochs.reduce((sum, each) => sum + blocksOf(each) * priceWei, 0n);
        const lostFeesWei = epochs.reduce(
          (sum, { reports }) => sum + BigInt(row.testerCount - reports) * row.testerFeePerEpochWei,
          0n,
        );
        const workersWei = paidToSeat.reduce((sum, wei) => sum + wei, 0n);
        const client = payees.find(({ role }) => role === "client");
        expect(BigInt(client?.paidWei ?? 0)).to.equal(allWei - workersWei + lostFeesWei);
      }),
    );
  });
});
