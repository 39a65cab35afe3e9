import fc from "fast-check";

import type { PaidInput } from "../../src/domain/program/batch.ts";
import { creditFields } from "../../src/domain/program/credits.ts";
import type { BatchRecord, RefundRecord, ReturnRecord } from "../../src/wire/batch-record.ts";
import type { Credit } from "../../src/wire/credits.ts";
import { addressArbitrary, bytesArbitrary, cidArbitrary, recordCidArbitrary, uint64Arbitrary } from "./arbitraries.ts";
import { requestArbitrary } from "./execution-arbitraries.ts";

const positive = fc.integer({ min: 1, max: 2 ** 31 });
const stroops = fc.bigInt({ min: 1n, max: 10n ** 12n });

/** A request with its payment; few ledgers, so that many payments share one. */
export const paidInputArbitrary: fc.Arbitrary<PaidInput> = fc.record({
  signedRequest: fc.record({
    request: requestArbitrary.map(({ ifState: _ifState, ...request }) => ({ ...request, form: "prepaid" as const })),
    paymentHash: bytesArbitrary(32),
    signature: bytesArbitrary(64),
  }),
  paidStroops: stroops,
  payment: fc.record({
    ledger: fc.integer({ min: 1, max: 5 }),
    ledgerHash: bytesArbitrary(32),
    closeTime: fc.bigInt({ min: 1n, max: 2n ** 32n }),
  }),
});

/** What a program owes, in the form that records have it. */
export const creditsArbitrary: fc.Arbitrary<Credit[]> = fc
  .uniqueArray(fc.record({ user: addressArbitrary, stroops, since: uint64Arbitrary }), {
    maxLength: 5,
    selector: ({ user }) => user,
  })
  .map((credits) => credits.toSorted((a, b) => (a.user < b.user ? -1 : 1)));

const history = {
  previous: fc.record({ recordCid: recordCidArbitrary, envelope: bytesArbitrary(32) }),
  skipped: fc.array(bytesArbitrary(16), { maxLength: 3 }),
};
const place = {
  version: fc.constant(1 as const),
  network: fc.string({ minLength: 1, maxLength: 20 }),
  program: addressArbitrary,
  validUntil: uint64Arbitrary,
  sequence: uint64Arbitrary,
};
const withCredits = <T extends object>(record: T, credits: Credit[]): T & { credits?: Credit[] } => ({
  ...record,
  ...creditFields(credits),
});

/** Any record of a batch that the schema allows. */
export const batchRecordArbitrary: fc.Arbitrary<BatchRecord> = fc
  .tuple(
    fc.record({
      ...place,
      ...history,
      kind: fc.constant("batch" as const),
      image: fc.record({ address: cidArbitrary.map((cid) => `wasm:${cid}`.slice(0, 64)) }),
      terms: fc.record({ baseFeeStroops: uint64Arbitrary, gasPriceStroops: uint64Arbitrary }),
      limits: fc.record({ memoryBytes: positive, outputBytes: positive, stateBytes: positive, seconds: positive }),
      gasTable: positive,
      previousState: cidArbitrary,
      newState: cidArbitrary,
      inputs: fc.array(
        fc
          .tuple(
            paidInputArbitrary,
            fc.record({
              environment: fc.record({ time: uint64Arbitrary, seed: bytesArbitrary(32) }),
              status: fc.constantFrom("accepted" as const, "rejected" as const, "out-of-gas" as const),
              outputCid: cidArbitrary,
              newState: cidArbitrary,
              gas: uint64Arbitrary,
              chargedStroops: uint64Arbitrary,
            }),
          )
          .map(([input, outcome]) => ({ ...input, ...outcome })),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    creditsArbitrary,
  )
  .map(([record, credits]) => withCredits(record, credits));

/** Any record of a refund that the schema allows. */
export const refundRecordArbitrary: fc.Arbitrary<RefundRecord> = fc
  .tuple(
    fc.record({
      ...place,
      ...history,
      kind: fc.constant("refund" as const),
      state: cidArbitrary,
      time: uint64Arbitrary,
      payments: fc.array(fc.record({ user: addressArbitrary, stroops }), { minLength: 1, maxLength: 4 }),
    }),
    creditsArbitrary,
  )
  .map(([record, credits]) => withCredits(record, credits));

/** Any record of a return that the schema allows. */
export const returnRecordArbitrary: fc.Arbitrary<ReturnRecord> = fc
  .tuple(
    fc.record({
      ...place,
      ...history,
      kind: fc.constant("return" as const),
      state: cidArbitrary,
      time: uint64Arbitrary,
      returned: fc.array(
        fc.tuple(paidInputArbitrary, stroops).map(([input, returnedStroops]) => ({ ...input, returnedStroops })),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    creditsArbitrary,
  )
  .map(([record, credits]) => withCredits(record, credits));
