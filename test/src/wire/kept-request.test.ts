import { expect } from "chai";
import fc from "fast-check";

import { signRequest } from "../../../src/wire/execution-request.ts";
import { decodeKeptRequest, encodeKeptRequest } from "../../../src/wire/kept-request.ts";
import { bytesArbitrary, keypairArbitrary } from "../../helpers/arbitraries.ts";
import { codeThrown } from "../../helpers/code-of.ts";
import { requestArbitrary } from "../../helpers/execution-arbitraries.ts";

describe("a kept request", () => {
  it("is the same after it was written and read", () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        bytesArbitrary(32),
        keypairArbitrary,
        fc.base64String(),
        (given, hash, user, payment) => {
          const kept = { signed: signRequest({ ...given, user: user.publicKey() }, hash, user), payment };
          const bytes = encodeKeptRequest(kept);
          expect(decodeKeptRequest(bytes)).to.deep.equal(kept);
          // What was cut off while it was written is not taken for another one.
          expect(codeThrown(() => decodeKeptRequest(bytes.subarray(0, -1)))).to.equal("INVALID_INPUT");
        },
      ),
      { numRuns: 50 },
    );
  });
});
