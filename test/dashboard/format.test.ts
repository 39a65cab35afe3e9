import { expect } from "chai";
import fc from "fast-check";

import { amount, inUnit, percent, short } from "../../dashboard/format.ts";

const WEI_DIGITS = 18;

describe("amounts in the dashboard", () => {
  it("should be exact where all digits are asked for", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 128n), max: 2n ** 128n }), (wei) => {
        const text = inUnit(String(wei), "ETH", WEI_DIGITS).replaceAll(",", "").replace("−", "-");
        const [whole = "", rest = ""] = text.split(".");
        expect(BigInt(`${whole}${rest.padEnd(WEI_DIGITS, "0")}`)).to.equal(wei);
      }),
    );
  });

  it("should never be more than they are, nor nothing when they are something", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 100n }), (wei) => {
        const text = inUnit(String(wei), "ETH");
        expect(text).to.not.equal("0");
        if (text.startsWith("<")) return;
        const [whole = "", rest = ""] = text.replaceAll(",", "").split(".");
        expect(BigInt(`${whole}${rest.padEnd(WEI_DIGITS, "0")}`) <= wei).to.equal(true);
      }),
    );
  });

  it("should be written in the unit that suits them", () => {
    const cases = {
      "0": "0 ETH",
      "999": "999 wei",
      "20000000000000": "20,000 gwei",
      "1008000000000000000": "1.008 ETH",
      "-31560000000000000": "−0.03156 ETH",
      "1234567000000000000000000": "1,234,567 ETH",
    };
    for (const [wei, text] of Object.entries(cases)) expect(amount(wei)).to.equal(text);
    expect(inUnit("1", "ETH")).to.equal("<0.000001");
    expect(inUnit("-1", "ETH")).to.equal("−<0.000001");
  });

  it("should write rates and accounts shortly", () => {
    expect(percent(5_652)).to.equal("56.5 %");
    expect(short(`0x${"a".repeat(40)}`)).to.equal("0xaaaa…aaaa");
    expect(short("0x12")).to.equal("0x12");
  });
});
