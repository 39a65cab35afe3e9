import { expect } from "chai";
import fc from "fast-check";

import { concatBytes, equalBytes } from "../../../src/utils/bytes.ts";
import { answerProofOf, splitRequest } from "../../../src/wire/answer-proof.ts";
import { hashWithDomain } from "../../../src/wire/canonical.ts";
import { hashRequest } from "../../../src/wire/execution-request.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { answerArbitrary as answers, requestArbitrary as requests } from "../../helpers/execution-arbitraries.ts";

describe("wire/answer-proof", () => {
  it("should join to the hash that the answer signs, around whatever nonce", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { head, tail } = splitRequest(request);
        const joined = hashWithDomain("sprf/request/1", head, request.nonce, tail);
        expect(equalBytes(joined, hashRequest(request))).to.equal(true);
      }),
    );
  });

  it("should join also when the nonce's bytes stand elsewhere in the request", () => {
    const nonce = new Uint8Array(32).fill(9);
    fc.assert(
      fc.property(requests, (request) => {
        const tricky = { ...request, nonce, input: { bytes: concatBytes(nonce, nonce) as Uint8Array<ArrayBuffer> } };
        const { head, tail } = splitRequest(tricky);
        expect(equalBytes(hashWithDomain("sprf/request/1", head, nonce, tail), hashRequest(tricky))).to.equal(true);
      }),
    );
  });

  it("should refuse an answer to another request", async () => {
    const [request] = fc.sample(requests, { numRuns: 1, seed: 1 });
    const [answer] = fc.sample(answers, { numRuns: 1, seed: 1 });
    const signed = {
      answer: { ...answer!, requestHash: new Uint8Array(32) },
      worker: "",
      signature: new Uint8Array(64),
      messageSignature: new Uint8Array(65),
    };
    const make = async (): Promise<unknown> =>
      await Promise.resolve().then(() => answerProofOf({ request: request!, signed, salt: new Uint8Array(32) }));
    expect(await codeOf(make())).to.equal("INVALID_INPUT");
  });
});
