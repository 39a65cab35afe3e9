import fc from "fast-check";

import type { SimulatedEvent } from "./simulated-chain.ts";

const CONTRACT = account(0xffff);
const WORKERS = 3;
const TESTERS = 3;
const EPOCHS = 3;
const EPOCH_LENGTH = 10;
const PRICE_WEI = 5n;
const FEE_WEI = 11n;

/** What happens next; numbers choose among what is possible then. */
export type Happening = readonly [what: number, which: number, amount: number];

export const HAPPENING: fc.Arbitrary<Happening> = fc.tuple(fc.nat(7), fc.nat(), fc.integer({ min: 1, max: 1_000 }));

/**
 * Events that a market could have emitted: everybody registers, then agreements are bought, opened, settled and finalized, stake
 * moves and credits are withdrawn. Equal happenings give equal events.
 */
export function eventsOf(happenings: readonly Happening[]): SimulatedEvent[] {
  const events: SimulatedEvent[] = registrations();
  const agreements: { number: number; address: string; opened: boolean; settled: number; finalized: boolean }[] = [];
  const open = (): typeof agreements => agreements.filter(({ finalized }) => !finalized);
  const say = (event: SimulatedEvent["event"], address = CONTRACT): void => void events.push({ event, address });
  for (const [what, which, amount] of happenings) {
    const amountWei = BigInt(amount);
    const workerId = 1 + (which % WORKERS);
    const agreement = open()[which % Math.max(1, open().length)];
    if (what === 0 || agreement === undefined) {
      const number = agreements.length + 1;
      const address = account(0x1000 + number);
      const opened = { number, address, opened: false, settled: 0, finalized: false };
      agreements.push(opened);
      say({ name: "WorkerAssigned", workerId, agreement: address, lockWei: amountWei });
      say({
        name: "AgreementCreated",
        agreement: address,
        client: account(9),
        number,
        applicationType: "0x00",
        workerIds: [workerId],
        startBlock: 5,
        lengthBlocks: EPOCHS * EPOCH_LENGTH,
        paidWei: BigInt(EPOCHS) * (BigInt(EPOCH_LENGTH) * PRICE_WEI + BigInt(TESTERS) * FEE_WEI),
        terms: {
          epochLength: EPOCH_LENGTH,
          testerCount: TESTERS,
          testerFeePerEpochWei: FEE_WEI,
          seats: [{ workerId, operator: account(workerId), pricePerBlockWei: PRICE_WEI }],
        },
      });
    } else if (what === 1) say({ name: "StakeAdded", workerId, amountWei });
    else if (what === 2) say({ name: "StakeUnbonding", workerId, amountWei, releaseBlock: amount });
    else if (what === 3) say({ name: "Withdrawn", account: account(9), amountWei }, agreement.address);
    else if (what === 4) say({ name: "Withdrawn", account: account(9), amountWei }, account(0x9999));
    else if (what === 5) say({ name: amount % 2 === 0 ? "WorkerPaused" : "WorkerUnpaused", workerId });
    else if (agreement.settled === EPOCHS) {
      say({ name: "Finalized" }, agreement.address);
      say({ name: "AgreementFinalized", agreement: agreement.address });
      agreement.finalized = true;
    } else if (!agreement.opened) {
      const testers = Array.from({ length: TESTERS }, (_, index) => account(20 + index));
      say({ name: "EpochOpened", epoch: agreement.settled, testers }, agreement.address);
      agreement.opened = true;
    } else {
      const outcome = (["ok", "unreachable", "wrong", "no-quorum"] as const)[amount % 4] ?? "ok";
      const reported = Array.from({ length: amount % (TESTERS + 1) }, (_, index) => index);
      say({ name: "EpochSettled", epoch: agreement.settled, outcomes: [outcome], reported }, agreement.address);
      agreement.settled++;
      agreement.opened = false;
    }
  }
  return events;
}

function registrations(): SimulatedEvent[] {
  const terms = {
    pricePerBlockWei: PRICE_WEI,
    maxLengthBlocks: 100,
    slots: 100,
    applicationType: "0x00",
    vettedDigests: [],
  };
  const workers = Array.from({ length: WORKERS }, (_, index): SimulatedEvent["event"] => ({
    name: "WorkerRegistered",
    workerId: 1 + index,
    operator: account(1 + index),
    twinId: 1 + index,
    terms,
    stakeWei: 10n ** 20n,
  }));
  const testers = Array.from({ length: TESTERS }, (_, index): SimulatedEvent["event"] => ({
    name: "TesterRegistered",
    testerId: 1 + index,
    account: account(20 + index),
    feePerEpochWei: 1n,
    capacity: 8,
    stakeWei: 1_000n,
  }));
  return [...workers, ...testers].map((event) => ({ event, address: CONTRACT }));
}

function account(number: number): string {
  return `0x${number.toString(16).padStart(40, "0")}`;
}
