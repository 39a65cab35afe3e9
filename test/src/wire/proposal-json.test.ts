import { expect } from "chai";
import fc from "fast-check";

import {
  consentFromJson,
  consentToJson,
  proposalFromJson,
  proposalJsonSchema,
  proposalToJson,
} from "../../../src/wire/proposal-json.ts";
import { placeOf, type Proposal } from "../../../src/wire/proposal.ts";
import { addressArbitrary, bytesArbitrary, recordCidArbitrary, uint64Arbitrary } from "../../helpers/arbitraries.ts";
import { changeRequestArbitrary } from "../../helpers/execution-arbitraries.ts";

const place = {
  network: fc.string({ minLength: 1, maxLength: 20 }),
  program: addressArbitrary,
  sequence: uint64Arbitrary,
  validUntil: uint64Arbitrary,
};

const proposalArbitrary: fc.Arbitrary<Proposal> = fc.oneof(
  fc.record({
    kind: fc.constant("change" as const),
    signedChange: fc.record({ request: changeRequestArbitrary, signature: bytesArbitrary(64) }),
  }),
  fc.record({ kind: fc.constant("payout" as const), ...place, shareStroops: uint64Arbitrary }),
  fc.record({ kind: fc.constant("bump" as const), ...place }),
);

const consentArbitrary = fc.record({
  worker: addressArbitrary,
  recordCid: recordCidArbitrary,
  transactionHash: bytesArbitrary(32),
  signature: bytesArbitrary(64),
});

describe("proposal and consent as JSON", () => {
  it("come back as they went", () => {
    fc.assert(
      fc.property(proposalArbitrary, consentArbitrary, (proposal, consent) => {
        const json: unknown = JSON.parse(JSON.stringify(proposalToJson(proposal)));
        const arrived = proposalFromJson(proposalJsonSchema.parse(json));
        expect(arrived).to.deep.equal(proposal);
        expect(placeOf(arrived)).to.deep.equal(placeOf(proposal));
        expect(consentFromJson(JSON.parse(JSON.stringify(consentToJson(consent))))).to.deep.equal(consent);
      }),
      { numRuns: 60 },
    );
  });

  it("are refused with a field that is missing, unknown or of another kind", () => {
    fc.assert(
      fc.property(proposalArbitrary, fc.nat(), (proposal, pick) => {
        const json: Record<string, unknown> = { ...proposalToJson(proposal) };
        const names = Object.keys(json);
        const name = names[pick % names.length] ?? "kind";
        for (const value of [undefined, 7, "x".repeat(500), null]) {
          expect(proposalJsonSchema.safeParse({ ...json, [name]: value }).success, name).to.equal(false);
        }
        expect(proposalJsonSchema.safeParse({ ...json, extra: 1 }).success).to.equal(false);
      }),
      { numRuns: 60 },
    );
    expect(() => consentFromJson({ worker: "me" }))
      .to.throw()
      .with.property("code", "INVALID_INPUT");
  });
});
