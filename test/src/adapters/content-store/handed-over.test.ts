import { expect } from "chai";

import { createHandedOver } from "../../../../src/adapters/content-store/handed-over.ts";

const block = (fill: number): Uint8Array => new Uint8Array(4).fill(fill);

describe("blocks handed over", () => {
  it("should reach readers that came before and after them", async () => {
    const handed = createHandedOver();
    const early = [handed.take("a"), handed.take("a")];
    handed.put("a", block(1));
    handed.put("b", block(2));
    expect(await Promise.all(early)).to.deep.equal([block(1), block(1)]);
    expect(await handed.take("b")).to.deep.equal(block(2));
    expect(await handed.take("a"), "it went to those who waited, and is on disk").to.equal(undefined);
  });

  it("should hold no more than a few, and tell the slow to read from disk", async () => {
    const handed = createHandedOver();
    for (let at = 0; at < 20; at += 1) handed.put(String(at), block(at));
    expect(await handed.take("3")).to.equal(undefined);
    expect(await handed.take("4")).to.deep.equal(block(4));
  });

  it("should keep nobody waiting when the stream ends", async () => {
    const handed = createHandedOver();
    const waiting = handed.take("never");
    handed.end();
    expect(await waiting).to.equal(undefined);
    expect(await handed.take("later")).to.equal(undefined);
  });
});
