import { expect } from "chai";
import fc from "fast-check";

import { isRequestId, newRequestId, requestIdOf, traceparentOf } from "../../../src/wire/traceparent.ts";

const random = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(7) };
const hexId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"));

describe("wire/traceparent", () => {
  it("should bring an id through a header", () => {
    fc.assert(
      fc.property(hexId.filter(isRequestId), (id) => {
        expect(requestIdOf(traceparentOf(id, random))).to.equal(id);
      }),
    );
    expect(isRequestId(newRequestId(random))).to.equal(true);
  });

  it("should take the header of the specification, and one of a later version", () => {
    const id = "4bf92f3577b34da6a3ce929d0e0e4736";
    expect(requestIdOf(`00-${id}-00f067aa0ba902b7-01`)).to.equal(id);
    expect(requestIdOf(`cc-${id}-00f067aa0ba902b7-01-what-comes`)).to.equal(id);
  });

  it("should take anything else for no header, and nothing but 32 hex digits for an id", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = requestIdOf(text);
        if (id !== undefined) expect(isRequestId(id)).to.equal(true);
      }),
    );
    const id = "4bf92f3577b34da6a3ce929d0e0e4736";
    const parent = "00f067aa0ba902b7";
    for (const text of [
      undefined,
      "",
      `ff-${id}-${parent}-01`,
      `00-${"0".repeat(32)}-${parent}-01`,
      `00-${id}-${"0".repeat(16)}-01`,
      `00-${id.toUpperCase()}-${parent}-01`,
      `00-${id}-${parent}-01\n`,
      `00-${id}-${parent}`,
      `00-${id}-${parent}-01-${"x".repeat(300)}`,
    ]) {
      expect(requestIdOf(text), String(text)).to.equal(undefined);
    }
  });
});
