import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { parseVectorFile } from "./vector-form.ts";
import { replayVectors } from "./vector-replay.ts";

const FOLDER = join(import.meta.dirname, "../../../vectors/stellar");

/** Steps of every file that came out equal; may only grow. */
const EQUAL_STEPS: Readonly<Record<string, number>> = {
  "auth.json": 91,
  "bump-and-merge.json": 35,
  "create-account.json": 24,
  "fee-bump.json": 43,
  "ledger-order.json": 58,
  "malformed-envelopes.json": 13,
  "manage-data.json": 29,
  "multi-op.json": 29,
  "payment.json": 29,
  "preconditions.json": 53,
  "set-options.json": 50,
  "sponsorship.json": 14,
  "sprf-edge-n1.json": 74,
  "sprf-edge-n3.json": 77,
  "sprf-edge-n5.json": 77,
  "sprf-n1.json": 54,
  "sprf-n20.json": 67,
  "sprf-n3.json": 60,
  "sprf-n5.json": 64,
  "subentry-limit.json": 15,
  "surge.json": 10,
  "tx-level.json": 64,
};

describe("development ledger against recorded stellar-core steps", () => {
  it("has every recorded file in its list", () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
    expect(files.sort()).to.deep.equal(Object.keys(EQUAL_STEPS));
  });

  for (const [name, expected] of Object.entries(EQUAL_STEPS)) {
    it(`${name}: ${String(expected)} steps equal`, () => {
      const { equal, firstDifference } = replayVectors(parseVectorFile(readFileSync(join(FOLDER, name), "utf8")));
      expect(equal, firstDifference).to.equal(expected);
    });
  }
});
