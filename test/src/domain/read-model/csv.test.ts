import { expect } from "chai";
import fc from "fast-check";

import { STATEMENT_HEADER, csvRecord, statementRecord } from "../../../../src/domain/read-model/csv.ts";

describe("domain/read-model/csv", () => {
  it("should give back every field to a reader of RFC 4180", () => {
    const field = fc.string({ unit: fc.constantFrom("a", ",", '"', "\r", "\n", " ") });
    fc.assert(
      fc.property(fc.array(field, { minLength: 2, maxLength: 5 }), (fields) => {
        expect(fieldsOf(csvRecord(fields))).to.deep.equal(fields);
      }),
    );
  });

  it("should give amounts exactly and times in UTC, with one field a column", () => {
    const record = statementRecord({
      block: 7,
      timeSeconds: 1_767_225_600,
      transaction: "0x01",
      kind: "pay",
      agreement: "0x02",
      epoch: 0,
      workerId: 3,
      inWei: 123_456_789_012_345_678_901_234_567n,
      outWei: 0n,
      walletWei: -1n,
      balanceWei: 5n,
      heldWei: 6n,
    });
    const text = "7,2026-01-01T00:00:00.000Z,0x01,0x02,0,3,,pay,123456789012345678901234567,0,-1,5,6\r\n";
    expect(record).to.equal(text);
    expect(fieldsOf(record)).to.have.length(fieldsOf(STATEMENT_HEADER).length);
  });
});

/** One record, read as RFC 4180 says. */
function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  let rest = record;
  for (;;) {
    const [whole = "", quoted, plain = "", end] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? [];
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    rest = rest.slice(whole.length);
    if (end !== ",") return fields;
  }
}
