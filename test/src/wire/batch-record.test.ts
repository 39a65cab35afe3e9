import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import { encodeCanonical } from "../../../src/wire/canonical.ts";
import { MAX_CREDITS } from "../../../src/wire/credits.ts";
import { MAX_BATCH_INPUTS, MAX_REFUNDS } from "../../../src/wire/batch-record.ts";
import { decodeRecord, encodeRecord, type ProgramRecord } from "../../../src/wire/record.ts";
import { batchRecordArbitrary, refundRecordArbitrary, returnRecordArbitrary } from "../../helpers/batch-arbitraries.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("wire/batch-record", () => {
  const sampleOf = <T>(arbitrary: fc.Arbitrary<T>): T => fc.sample(arbitrary, { numRuns: 1, seed: 4 })[0] as T;
  const refusal = async (record: unknown): Promise<string | undefined> =>
    await codeOf(Promise.resolve().then(() => decodeRecord(encodeCanonical(record))));

  it("should decode what was encoded", () => {
    fc.assert(
      fc.property(
        fc.oneof<fc.Arbitrary<ProgramRecord>[]>(batchRecordArbitrary, refundRecordArbitrary, returnRecordArbitrary),
        (record) => {
          expect(decodeRecord(encodeRecord(record))).to.deep.equal(record);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("should refuse more inputs, payments and credits than fit, and none", async () => {
    const batch = sampleOf(batchRecordArbitrary);
    const refund = sampleOf(refundRecordArbitrary);
    const [input] = batch.inputs;
    const [payment] = refund.payments;
    const many = Array.from({ length: MAX_CREDITS + 1 }, (_, n) => ({ user: userOf(n), stroops: 1n, since: 1n }));
    const sorted = many.toSorted((a, b) => (a.user < b.user ? -1 : 1));
    expect(await refusal({ ...batch, inputs: [] })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...batch, inputs: Array(MAX_BATCH_INPUTS + 1).fill(input) })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...refund, payments: Array(MAX_REFUNDS + 1).fill(payment) })).to.equal("RECORD_INVALID");
    const given = sampleOf(returnRecordArbitrary);
    const [returned] = given.returned;
    expect(await refusal({ ...given, returned: [] })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...given, returned: Array(MAX_BATCH_INPUTS + 1).fill(returned) })).to.equal(
      "RECORD_INVALID",
    );
    expect(await refusal({ ...given, returned: [{ ...returned, returnedStroops: 0n }] })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...refund, credits: sorted })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...refund, credits: sorted.slice(1) })).to.equal(undefined);
    expect(await refusal({ ...refund, credits: [] })).to.equal("RECORD_INVALID");
  });

  it("should refuse credits out of order, of one user twice, and of nothing", async () => {
    const refund = sampleOf(refundRecordArbitrary);
    const [a, b] = [userOf(1), userOf(2)].toSorted().map((user) => ({ user, stroops: 5n, since: 1n }));
    expect(await refusal({ ...refund, credits: [a, b] })).to.equal(undefined);
    expect(await refusal({ ...refund, credits: [b, a] })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...refund, credits: [a, a] })).to.equal("RECORD_INVALID");
    expect(await refusal({ ...refund, credits: [{ ...a, stroops: 0n }] })).to.equal("RECORD_INVALID");
  });
});

function userOf(n: number): string {
  const seed = Buffer.alloc(32);
  seed.writeUInt32BE(n + 1);
  return Keypair.fromRawEd25519Seed(seed).publicKey();
}
