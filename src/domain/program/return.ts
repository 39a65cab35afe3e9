import { Operation, type Transaction } from "@stellar/stellar-sdk";

import type { ReturnRecord, ReturnedInput } from "../../wire/batch-record.ts";
import type { ChainRecord } from "../../wire/record.ts";
import type { PaidInput } from "./batch.ts";
import { addCredits, creditFields, creditsAfter, type Leftover } from "./credits.ts";
import { PAYMENT_VALID_SECONDS } from "./payment.ts";
import { programTransaction } from "./program-transaction.ts";

/** What was not run is given back for this long after its payment's ledger closed: as far back as workers look for used payments. */
export const RETURN_WITHIN_SECONDS = 24 * 60 * 60;

/** The ledger's time from which on a payment that bought nothing is given back: the one up to which it could. */
export function returnableFrom({ payment }: Pick<PaidInput, "payment">): bigint {
  return payment.closeTime + BigInt(PAYMENT_VALID_SECONDS);
}

/** What of a payment for a run that never was is given back: all but the base fee. */
export function returnInput(
  { signedRequest, payment, paidStroops }: PaidInput,
  baseFeeStroops: bigint,
): ReturnedInput | undefined {
  if (paidStroops <= baseFeeStroops) return undefined;
  return { signedRequest, payment, paidStroops, returnedStroops: paidStroops - baseFeeStroops };
}

/** What the program owes after these were given back. */
export function returnCredits(
  previous: ChainRecord,
  returned: readonly ReturnedInput[],
): Pick<ReturnRecord, "credits"> {
  return creditFields(addCredits(creditsAfter(previous), returnedLeftovers(returned)));
}

/** What was given back, as credits count it: since it was due, so that it is not taken for a credit that nobody claims. */
export function returnedLeftovers(returned: readonly ReturnedInput[]): readonly Leftover[] {
  return returned.map((input) => ({
    user: input.signedRequest.request.user,
    stroops: input.returnedStroops,
    at: returnableFrom(input),
  }));
}

/**
 * The transaction of a return. It pays nobody, so no account that is gone can make it fail; refunds pay what it credits. The ledger
 * itself takes it only once the payments buy nothing any more.
 */
export function buildReturn(record: ReturnRecord, recordCid: string): Transaction {
  const minTime = record.returned.map(returnableFrom).reduce((latest, time) => (time > latest ? time : latest), 0n);
  return programTransaction({ ...record, recordCid, minTime, maxTime: record.validUntil })
    .addOperation(Operation.bumpSequence({ bumpTo: "0" }))
    .build();
}
