import { readFileSync } from "node:fs";

import { expect } from "chai";

import { ERRORS, type ErrorCode } from "../../../../src/errors.ts";
import { errorOfNumber, numberOfError } from "../../../../src/wire/channel/api-errors.ts";

describe("wire/channel/api-errors", () => {
  const numbered = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => numberOfError(code) !== undefined);

  it("should find each error by its number", () => {
    expect(numbered.map((code) => errorOfNumber(numberOfError(code) ?? 0))).to.deep.equal(numbered);
    expect(numberOfError("CHANNEL_UNKNOWN")).to.equal(100_001);
  });

  it("should be listed in the specification, each and no other", () => {
    const page = readFileSync("docs/spec/channel-api.md", "utf8");
    const rows = [...page.matchAll(/^\| (-?\d+) +\| `([A-Z_]+)`/gm)].map(([, number, code]) => `${code} ${number}`);
    expect(rows.sort()).to.deep.equal(numbered.map((code) => `${code} ${numberOfError(code)}`).sort());
  });
});
