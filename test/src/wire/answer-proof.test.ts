import { expect } from "chai";
import fc from "fast-check";

import { answerProofOf } from "../../../src/wire/answer-proof.ts";
import { hashRequest, type ExecutionRequest } from "../../../src/wire/execution-request.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { answerArbitrary as answers, requestArbitrary as requests } from "../../helpers/execution-arbitraries.ts";

const salt = new Uint8Array(32).fill(9);

describe("wire/answer-proof", () => {
  it("should hold all of the request but what the contract adds, and all of the answer", () => {
    fc.assert(
      fc.property(requests, answers, (request, given) => {
        const answer = { ...given, requestHash: new Uint8Array(hashRequest(request)) };
        const messageSignature = new Uint8Array(65).fill(3);
        const signed = { answer, worker: "", signature: new Uint8Array(64), messageSignature };
        const { request: shown, ...proof } = answerProofOf({ request, signed, salt });
        const { network, user, maxGas, validUntil } = shown;
        const again: ExecutionRequest = {
          version: 1,
          network,
          program: request.program,
          input: shown.inputCid === "" ? { bytes: new Uint8Array(shown.input) } : { cid: shown.inputCid },
          user,
          nonce: request.nonce,
          maxGas,
          validUntil,
          ...(shown.ifState === "" ? {} : { ifState: shown.ifState }),
        };
        expect(hashRequest(again)).to.deep.equal(hashRequest(request));
        const { requestHash: _, recordCid = "", ...rest } = answer;
        expect(proof).to.deep.equal({ ...rest, recordCid, salt, signature: messageSignature });
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
      await Promise.resolve().then(() => answerProofOf({ request: request!, signed, salt }));
    expect(await codeOf(make())).to.equal("INVALID_INPUT");
  });
});
