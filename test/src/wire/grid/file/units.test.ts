import { expect } from "chai";
import fc from "fast-check";

import { parseBytes, parseDurationMs, parseMillicores, parseWhole } from "../../../../../src/wire/grid/file/units.ts";

describe("wire/grid/file/units", () => {
  it("reads sizes in powers of 1,024", () => {
    const sizes: Readonly<Record<string, bigint>> = {
      "0": 0n,
      "123": 123n,
      "1b": 1n,
      "1k": 1_024n,
      "1KB": 1_024n,
      "512M": 512n * 1_024n ** 2n,
      "10GiB": 10n * 1_024n ** 3n,
      "1.5g": 1_610_612_736n,
      "2 TB": 2n * 1_024n ** 4n,
      "999999999999999t": 999_999_999_999_999n * 1_024n ** 4n,
    };
    for (const [text, bytes] of Object.entries(sizes)) expect(parseBytes(text), text).to.equal(bytes);
    for (const text of ["", "-1", "1.5.5g", "1 x", "g", "1gg", "1e3", "0x10", "1bib", "1,5g", "١"]) {
      expect(parseBytes(text), text).to.equal(undefined);
    }
  });

  it("reads durations", () => {
    const durations: Readonly<Record<string, number>> = {
      "1s": 1_000,
      "1m30s": 90_000,
      "500ms": 500,
      "1h1m1s1ms": 3_661_001,
    };
    for (const [text, ms] of Object.entries(durations)) expect(parseDurationMs(text), text).to.equal(ms);
    for (const text of ["", "1", "s", "1d", "-1s", "1.5s", "1s "])
      expect(parseDurationMs(text), text).to.equal(undefined);
  });

  it("reads cores to the thousandth, exactly", () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(999), (whole, thousandths) => {
        const text = `${whole}.${`${thousandths}`.padStart(3, "0")}`;
        expect(parseMillicores(text)).to.equal(whole * 1_000 + thousandths);
      }),
    );
    expect([parseMillicores("0.5"), parseMillicores("2")]).to.deep.equal([500, 2_000]);
    for (const text of ["", "0.5555", ".5", "1e3", "-1"]) expect(parseMillicores(text), text).to.equal(undefined);
  });

  it("reads whole numbers", () => {
    expect([parseWhole("0"), parseWhole("80")]).to.deep.equal([0, 80]);
    for (const text of ["", "8.0", "0x8", "-1", "1234567890"]) expect(parseWhole(text), text).to.equal(undefined);
  });
});
