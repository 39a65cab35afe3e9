import { expect } from "chai";

import { match } from "../../dashboard/match.ts";

describe("paths of the dashboard", () => {
  it("should find what a pattern names", () => {
    expect(match("/workers/:id", "/workers/7")).to.deep.equal({ id: "7" });
    expect(match("/workers/:id", "/workers/7/")).to.deep.equal({ id: "7" });
    expect(match("/a/:x/b/:y", "/a/1/b/2")).to.deep.equal({ x: "1", y: "2" });
    expect(match("/", "/")).to.deep.equal({});
  });

  it("should tell other paths apart", () => {
    for (const path of ["/", "/workers", "/workers/7/8", "/worker/7", "//workers/7"]) {
      expect(match("/workers/:id", path), path).to.equal(undefined);
    }
  });

  it("should read what is written in percent signs, and leave what is not as it is", () => {
    expect(match("/workers/:id", "/workers/a%20b")).to.deep.equal({ id: "a b" });
    expect(match("/workers/:id", "/workers/%zz")).to.deep.equal({ id: "%zz" });
  });
});
