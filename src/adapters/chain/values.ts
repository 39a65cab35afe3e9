import type { TransactionReceipt, Interface, Result } from "ethers";

import { SprfError } from "../../errors.ts";
import type { AgreementStatus, Outcome, TesterSeat, Verdict, WorkerEntry } from "../../ports/chain.ts";

/** The members of contracts/types/MarketTypes.sol in their order. */
const VERDICTS: readonly Verdict[] = ["ok", "unreachable", "wrong"];
const OUTCOMES: readonly Outcome[] = ["pending", "ok", "unreachable", "wrong", "no-quorum", "resigned"];
const AGREEMENT_STATUSES: readonly AgreementStatus[] = ["scheduled", "running", "reporting", "due", "finalized"];
const WORKER_STATUSES: ReadonlyArray<WorkerEntry["status"] | "none"> = ["none", "active", "paused", "unregistered"];
const SEAT_STATUSES: ReadonlyArray<TesterSeat["status"]> = ["drawn", "committed", "revealed"];

const verdictOf = (value: bigint): Verdict => member(VERDICTS, value);
export const outcomeOf = (value: bigint): Outcome => member(OUTCOMES, value);
export const agreementStatusOf = (value: bigint): AgreementStatus => member(AGREEMENT_STATUSES, value);
export const workerStatusOf = (value: bigint): WorkerEntry["status"] | "none" => member(WORKER_STATUSES, value);
const seatStatusOf = (value: bigint): TesterSeat["status"] => member(SEAT_STATUSES, value);

/** A drawn tester, of an epoch or of a panel. */
export function seatOf(seat: {
  readonly tester: string;
  readonly testerId: bigint;
  readonly status: bigint;
  readonly excused: boolean;
  readonly grouped: boolean;
  readonly verdicts: readonly bigint[];
}): TesterSeat {
  return {
    tester: seat.tester,
    testerId: Number(seat.testerId),
    status: seatStatusOf(seat.status),
    excused: seat.excused,
    grouped: seat.grouped,
    verdicts: seat.verdicts.map(verdictOf),
  };
}

/** Values of the first event of this name that the contract emitted in the transaction. */
export function eventOf(
  receipt: TransactionReceipt,
  contract: { readonly address: string; readonly interface: Interface },
  name: string,
): Result | undefined {
  for (const log of receipt.logs) {
    if (log.address.toLowerCase() !== contract.address.toLowerCase()) continue;
    const parsed = contract.interface.parseLog(log);
    if (parsed?.name === name) return parsed.args;
  }
  return undefined;
}

/** As {@link eventOf}, for an event that a successful transaction always emits. */
export function requiredEventOf(
  receipt: TransactionReceipt,
  contract: { readonly address: string; readonly interface: Interface },
  name: string,
): Result {
  const found = eventOf(receipt, contract, name);
  if (found === undefined) throw new SprfError("INTERNAL", `${receipt.hash} did not emit ${name}`);
  return found;
}

/** The name that stands for a value of a contract's enum. */
export function member<T>(members: readonly T[], value: bigint): T {
  if (value >= BigInt(members.length)) {
    throw new SprfError("INTERNAL", `the contract gave ${value}, which has no name here`);
  }
  return members[Number(value)] as T;
}
