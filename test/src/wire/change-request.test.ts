import { expect } from "chai";
import fc from "fast-check";

import { decodeCanonical, encodeCanonical } from "../../../src/wire/canonical.ts";
import {
  hashChange,
  signChange,
  signedChangeOf,
  signedChangeSchema,
  verifyChange,
  type ChangeRequest,
} from "../../../src/wire/change-request.ts";
import { keypairArbitrary } from "../../helpers/arbitraries.ts";
import { changeRequestArbitrary } from "../../helpers/execution-arbitraries.ts";

const changed: fc.Arbitrary<(request: ChangeRequest) => ChangeRequest> = fc.constantFrom(
  (request) => ({ ...request, network: `${request.network}.` }),
  (request) => ({ ...request, sequence: request.sequence ^ 1n }),
  (request) => ({ ...request, validUntil: request.validUntil ^ 1n }),
  (request) => ({
    ...request,
    change: { kind: "terms", terms: { baseFeeStroops: request.validUntil ^ 7n, gasPriceStroops: 1n } },
  }),
);

describe("change request", () => {
  it("is verified after it was signed, encoded, decoded and parsed", () => {
    fc.assert(
      fc.property(changeRequestArbitrary, keypairArbitrary, (request, owner) => {
        const arrived = signedChangeSchema.parse(decodeCanonical(encodeCanonical(signChange(request, owner))));
        expect(arrived.request).to.deep.equal(request);
        expect(verifyChange(arrived, owner.publicKey())).to.deep.equal(hashChange(request));
      }),
      { numRuns: 50 },
    );
  });

  it("is refused when anything of it was changed, or somebody else signed", () => {
    fc.assert(
      fc.property(
        changeRequestArbitrary,
        changed,
        keypairArbitrary,
        keypairArbitrary,
        (given, change, owner, other) => {
          fc.pre(owner.publicKey() !== other.publicKey());
          const signed = signChange(given, owner);
          const altered = change(given);
          for (const [forged, by] of [
            [{ ...signed, request: altered }, owner],
            [signed, other],
          ] as const) {
            expect(() => verifyChange(forged, by.publicKey()))
              .to.throw()
              .with.property("code", "REQUEST_SIGNATURE_INVALID");
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is taken for a change of its own kind alone", () => {
    fc.assert(
      fc.property(changeRequestArbitrary, (request) => {
        const signed = { request, signature: new Uint8Array(64) };
        for (const kind of ["workers", "program", "terms", "recovery"] as const) {
          expect(signedChangeOf(kind).safeParse(signed).success).to.equal(kind === request.change.kind);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is refused with too many workers, none, an entry that is too long, or a field nobody knows", () => {
    const [request] = fc.sample(changeRequestArbitrary, 1);
    const worker = { address: "/ip4/127.0.0.1/tcp/1", ledgerKey: request?.program };
    const changing = (change: unknown): unknown => ({ request: { ...request, change }, signature: new Uint8Array(64) });
    expect(signedChangeSchema.safeParse(changing({ kind: "workers", workers: [worker] })).success).to.equal(true);
    const wrong = [
      changing({ kind: "workers", workers: [] }),
      changing({ kind: "workers", workers: Array.from({ length: 21 }, () => worker) }),
      changing({ kind: "workers", workers: [{ ...worker, address: "x".repeat(65) }] }),
      changing({ kind: "workers", workers: [worker], agreement: "0xABC" }),
      changing({ kind: "program", image: { address: "a", digest: "AB" } }),
      changing({ kind: "payout" }),
      changing({ kind: "recovery", extra: 1 }),
    ];
    for (const value of wrong) expect(signedChangeSchema.safeParse(value).success).to.equal(false);
  });
});
