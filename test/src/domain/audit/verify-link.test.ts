import { expect } from "chai";
import fc from "fast-check";

import { AUDIT_FAULTS } from "../../../../src/domain/audit/fault.ts";
import type { HistoryContext, HistoryState } from "../../../../src/domain/audit/history-state.ts";
import { verifyLink } from "../../../../src/domain/audit/verify-link.ts";
import { buildTransition } from "../../../../src/domain/program/transition-transaction.ts";
import type { ChainRecord } from "../../../../src/wire/record.ts";
import {
  batchRecordArbitrary,
  creditsArbitrary,
  refundRecordArbitrary,
  returnRecordArbitrary,
} from "../../../helpers/batch-arbitraries.ts";
import { addressArbitrary, cidArbitrary, recordCidArbitrary, uint64Arbitrary } from "../../../helpers/arbitraries.ts";
import {
  createRecordArbitrary,
  governanceRecordArbitrary,
  transitionRecordArbitrary,
} from "../../../helpers/execution-arbitraries.ts";
import { MODULE, keyOf } from "../../../helpers/smart-accounts.ts";

const context: HistoryContext = {
  program: keyOf(99).publicKey(),
  network: "test network",
  limitTables: [
    {
      docker: { memoryBytes: 1, outputBytes: 1, stateBytes: 1 },
      wasi: { memoryBytes: 1, outputBytes: 1, stateBytes: 1 },
    },
  ],
};

const chainRecord: fc.Arbitrary<ChainRecord> = fc
  .oneof(
    transitionRecordArbitrary,
    governanceRecordArbitrary,
    createRecordArbitrary,
    batchRecordArbitrary,
    refundRecordArbitrary,
    returnRecordArbitrary,
  )
  .filter((record): record is ChainRecord => record.kind !== "recovery");

/** The same record, said to be of the program that is audited: what comes later is reached by such ones alone. */
function ofProgram(record: ChainRecord): ChainRecord {
  const { program, network } = context;
  if (record.kind === "transition") {
    const { signedRequest } = record;
    return { ...record, signedRequest: { ...signedRequest, request: { ...signedRequest.request, program, network } } };
  }
  if (!("signedChange" in record)) return { ...record, program, network };
  const { request, signature } = record.signedChange;
  return { ...record, signedChange: { request: { ...request, program, network }, signature } } as ChainRecord;
}

const before: fc.Arbitrary<HistoryState> = fc.record({
  recordCid: recordCidArbitrary,
  envelopeHash: fc.constant("00".repeat(32)),
  count: fc.integer({ min: 1, max: 9 }),
  transitions: fc.integer({ min: 0, max: 9 }),
  terms: fc.record({
    image: fc.constant({ address: `wasm:${MODULE}` }),
    baseFeeStroops: uint64Arbitrary,
    gasPriceStroops: uint64Arbitrary,
    owner: fc.option(addressArbitrary, { nil: undefined }),
    workers: fc.array(fc.record({ address: fc.string(), ledgerKey: addressArbitrary }), { minLength: 1, maxLength: 3 }),
  }),
  pastPrices: fc.array(
    fc.record({ baseFeeStroops: uint64Arbitrary, gasPriceStroops: uint64Arbitrary, until: uint64Arbitrary }),
    { maxLength: 3 },
  ),
  credits: fc.option(creditsArbitrary, { nil: undefined }),
  state: cidArbitrary,
  time: uint64Arbitrary,
  lastLedger: fc.integer({ min: 0, max: 1_000 }),
  sequence: fc.option(uint64Arbitrary, { nil: undefined }),
});

/** Bytes that are no transaction, and transactions of other accounts, signed by nobody. */
const envelope: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(addressArbitrary, addressArbitrary, recordCidArbitrary, cidArbitrary)
    .map(([program, user, recordCid, newState]) => {
      const times = { validUntil: 2n, paymentCloseTime: 1n };
      const parts = { network: context.network, program, user, recordCid, newState, ...times };
      return Buffer.from(buildTransition({ ...parts, sequence: 5n, gasFeeStroops: 1n }).toXdr(), "base64");
    }),
);

describe("domain/audit/verify-link", () => {
  it("should find fault with whatever strangers write, and never throw", () => {
    fc.assert(
      fc.property(
        fc.option(before, { nil: undefined }),
        recordCidArbitrary,
        chainRecord.map(ofProgram),
        envelope,
        (state, ...link) => {
          const [recordCid, record, bytes] = link;
          const verdict = verifyLink(state, { recordCid, record, envelope: bytes }, context);
          const faults = [...verdict.faults, ...verdict.envelopeFaults];
          expect(faults).not.to.deep.equal([]);
          for (const { code, message } of faults) {
            expect(AUDIT_FAULTS).to.have.property(code);
            expect(message).to.have.length.above(0);
          }
        },
      ),
      { numRuns: 150 },
    );
  }).timeout(20_000);

  it("should say the same of the same bytes", () => {
    fc.assert(
      fc.property(before, recordCidArbitrary, chainRecord, envelope, (state, recordCid, record, bytes) => {
        const link = { recordCid, record, envelope: bytes };
        expect(verifyLink(state, link, context)).to.deep.equal(verifyLink(state, link, context));
      }),
      { numRuns: 50 },
    );
  }).timeout(20_000);
});
