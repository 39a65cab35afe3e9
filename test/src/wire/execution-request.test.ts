import { expect } from "chai";
import fc from "fast-check";

import {
  MAX_INLINE_INPUT_BYTES,
  hashRequest,
  signRequest,
  signedRequestSchema,
  verifyRequest,
  type ExecutionRequest,
} from "../../../src/wire/execution-request.ts";
import { decodeCanonical, encodeCanonical } from "../../../src/wire/canonical.ts";
import { bytesArbitrary, keypairArbitrary } from "../../helpers/arbitraries.ts";
import { requestArbitrary } from "../../helpers/execution-arbitraries.ts";

const changed: fc.Arbitrary<(request: ExecutionRequest) => ExecutionRequest> = fc.constantFrom(
  (request) => ({ ...request, network: `${request.network}.` }),
  (request) => ({ ...request, maxGas: request.maxGas ^ 1n }),
  (request) => ({ ...request, validUntil: request.validUntil ^ 1n }),
  (request) => ({ ...request, nonce: request.nonce.map((byte, i) => (i === 31 ? byte ^ 1 : byte)) }),
  (request) => ({ ...request, input: { bytes: new Uint8Array(new TextEncoder().encode("other input")) } }),
);

describe("execution request", () => {
  it("is verified after it was signed, encoded, decoded and parsed", () => {
    fc.assert(
      fc.property(requestArbitrary, bytesArbitrary(32), keypairArbitrary, (given, paymentHash, user) => {
        const request = { ...given, user: user.publicKey() };
        const block = encodeCanonical(signRequest(request, paymentHash, user));
        const arrived = signedRequestSchema.parse(decodeCanonical(block));
        expect(arrived.request).to.deep.equal(request);
        expect(verifyRequest(arrived)).to.deep.equal(hashRequest(request));
      }),
      { numRuns: 50 },
    );
  });

  it("is refused when anything of it was changed, or another signed", () => {
    fc.assert(
      fc.property(requestArbitrary, changed, keypairArbitrary, keypairArbitrary, (given, change, user, other) => {
        fc.pre(user.publicKey() !== other.publicKey());
        const request = { ...given, user: user.publicKey() };
        const signed = signRequest(request, new Uint8Array(32), user);
        const code = { code: "REQUEST_SIGNATURE_INVALID" };
        expect(() => verifyRequest({ ...signed, request: change(request) }))
          .to.throw()
          .that.includes(code);
        const foreign = signRequest({ ...request, user: other.publicKey() }, new Uint8Array(32), user);
        expect(() => verifyRequest(foreign))
          .to.throw()
          .that.includes(code);
      }),
      { numRuns: 50 },
    );
  });

  it("has the same hash whether an absent field is missing or undefined", () => {
    fc.assert(
      fc.property(requestArbitrary, (request) => {
        const { ifState: _, ...without } = request;
        expect(hashRequest({ ...without, ifState: undefined })).to.deep.equal(hashRequest(without));
      }),
      { numRuns: 20 },
    );
  });

  it("is refused with an input that is too large, of both kinds, or with a field nobody knows", () => {
    const [request] = fc.sample(requestArbitrary, 1);
    const signed = { request, paymentHash: new Uint8Array(32), signature: new Uint8Array(64) };
    const withInput = (input: unknown): unknown => ({ ...signed, request: { ...request, input } });
    const fits = { bytes: new Uint8Array(MAX_INLINE_INPUT_BYTES) };
    expect(signedRequestSchema.safeParse(withInput(fits)).success).to.equal(true);
    const wrong = [
      withInput({ bytes: new Uint8Array(MAX_INLINE_INPUT_BYTES + 1) }),
      withInput({ ...fits, cid: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku" }),
      withInput({}),
      { ...signed, extra: 1 },
      { ...signed, request: { ...request, extra: 1 } },
      { ...signed, request: { ...request, version: 2 } },
      { ...signed, signature: new Uint8Array(63) },
    ];
    for (const value of wrong) expect(signedRequestSchema.safeParse(value).success).to.equal(false);
  });
});
