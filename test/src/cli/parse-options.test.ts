import { expect } from "chai";
import { z } from "zod";

import { parseEnvironment, parseOptions } from "../../../src/cli/parse-options.ts";
import type { SprfError } from "../../../src/errors.ts";

describe("cli/parse-options", () => {
  const shape = { SPRF_COUNT: z.coerce.number().int().positive().default(7) };

  it("should take a variable that is not set, or empty, for its default", () => {
    expect(parseEnvironment(shape, {})).to.deep.equal({ SPRF_COUNT: 7 });
    expect(parseEnvironment(shape, { SPRF_COUNT: "" })).to.deep.equal({ SPRF_COUNT: 7 });
    expect(parseEnvironment(shape, { SPRF_COUNT: "3", OTHER: "x" })).to.deep.equal({ SPRF_COUNT: 3 });
  });

  it("should name the variable, and the option as it is typed", () => {
    for (const value of ["x", "0", "1.5", "-1", "Infinity"]) {
      expect(() => parseEnvironment(shape, { SPRF_COUNT: value }))
        .to.throw(/^SPRF_COUNT: /)
        .with.property("code", "CONFIG_INVALID");
    }
    const schema = z.object({ chainPort: z.coerce.number() });
    const refuse = (): unknown => parseOptions(schema, { chainPort: "x" });
    expect(refuse)
      .to.throw(/^--chain-port: /)
      .with.property("code", "INVALID_INPUT" satisfies SprfError["code"]);
  });
});
