import { expect } from "chai";

import { readLcov } from "../../../scripts/checks/lcov.ts";

describe("scripts/checks/lcov", () => {
  it("counts each source's lines and names those that never ran", () => {
    const report =
      "TN:\nSF:contracts/A.sol\nDA:12,0\nDA:3,1\nDA:4,0\nLH:1\nLF:3\nend_of_record\nSF:contracts/B.sol\nDA:1,7\nend_of_record\n";
    expect(readLcov(report)).to.deep.equal([
      { path: "contracts/A.sol", lines: 3, uncovered: [4, 12] },
      { path: "contracts/B.sol", lines: 1, uncovered: [] },
    ]);
  });

  it("finds nothing in an empty report", () => {
    expect(readLcov("")).to.deep.equal([]);
  });
});
