import { expect } from "chai";

import { bytesText, spanText, xlm } from "../../dashboard/units.ts";

describe("dashboard/units", () => {
  it("writes bytes in the unit of their size", () => {
    const expected: readonly (readonly [string | number, string])[] = [
      [0, "0 bytes"],
      [1_023, "1023 bytes"],
      [1_024, "1 KiB"],
      [1_536, "1.5 KiB"],
      [String(64 * 2 ** 20), "64 MiB"],
      [String(100n * 2n ** 30n), "100 GiB"],
      [String(5n * 2n ** 50n), "5120 TiB"],
    ];
    for (const [bytes, text] of expected) expect(bytesText(bytes)).to.equal(text);
  });

  it("writes stroops as XLM to the last digit", () => {
    expect(["0", "1", "21617", "10000000", "123456789012"].map(xlm)).to.deep.equal([
      "0 XLM",
      "0.0000001 XLM",
      "0.0021617 XLM",
      "1 XLM",
      "12345.6789012 XLM",
    ]);
  });

  it("writes a span of time in its two largest units", () => {
    expect([0, 59, 60, 3_600, 3_661, 90_000, 86_400 * 400].map(spanText)).to.deep.equal([
      "0 s",
      "59 s",
      "1 min",
      "1 h",
      "1 h 1 min",
      "1 d 1 h",
      "400 d",
    ]);
  });
});
