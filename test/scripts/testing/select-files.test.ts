import { expect } from "chai";

import { selectFiles } from "../../../scripts/testing/select-files.ts";

describe("scripts/testing/select-files", () => {
  it("should have `npm test` and `npm run e2e -- --real-parts` run every test once together", () => {
    const nodeOnly = selectFiles([], "node-only");
    const realParts = selectFiles([], "real-parts");
    const both = [...nodeOnly.mocha, ...realParts.mocha];
    expect(new Set(both).size).to.equal(both.length);
    expect(both).to.include.members([...selectFiles(["test/src"], "node-only").mocha]);
    expect(both).to.include.members([...selectFiles([], "end-to-end").mocha]);
    expect(realParts.mocha).to.include.members([
      "test/e2e/docker.test.ts",
      "test/src/adapters/workloads/docker-compliance.test.ts",
    ]);
    expect(realParts.solidity).to.deep.equal([]);
  });
});
