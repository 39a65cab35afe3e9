import { expect } from "chai";
import fc from "fast-check";

import { isSprfError } from "../../../src/errors.ts";
import {
  answerFromJson,
  answerToJson,
  requestFromJson,
  requestToJson,
  signedRequestJsonSchema,
  type AnswerJson,
} from "../../../src/wire/execution-json.ts";
import { addressArbitrary, bytesArbitrary } from "../../helpers/arbitraries.ts";
import { answerArbitrary, requestArbitrary } from "../../helpers/execution-arbitraries.ts";

const signedRequests = fc.record({
  request: requestArbitrary,
  paymentHash: bytesArbitrary(32),
  signature: bytesArbitrary(64),
});

const answers = fc.record({
  signed: fc.record(
    {
      answer: answerArbitrary,
      worker: addressArbitrary,
      signature: bytesArbitrary(64),
      messageSignature: bytesArbitrary(65),
      transactionSignature: bytesArbitrary(64),
    },
    { requiredKeys: ["answer", "worker", "signature", "messageSignature"] },
  ),
  output: fc.uint8Array({ maxLength: 64 }).map((bytes) => new Uint8Array(bytes)),
  detail: fc.string({ maxLength: 100 }),
});

/** Whatever is parsed either comes out or is refused with this one code. */
function onlyInvalidInput(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!isSprfError(error, "INVALID_INPUT")) throw error;
  }
}

describe("wire/execution-json", () => {
  it("should bring every request through JSON unchanged", () => {
    fc.assert(
      fc.property(signedRequests, (signed) => {
        const json: unknown = JSON.parse(JSON.stringify(requestToJson(signed)));
        expect(requestFromJson(signedRequestJsonSchema.parse(json))).to.deep.equal(signed);
      }),
    );
  });

  it("should bring every answer through JSON unchanged", () => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(answerFromJson(JSON.parse(JSON.stringify(answerToJson(answer))))).to.deep.equal(answer);
      }),
    );
  });

  it("should refuse any other JSON with INVALID_INPUT and nothing else", () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => onlyInvalidInput(() => answerFromJson(json))));
  });

  it("should refuse an answer of which one field is anything else, with INVALID_INPUT and nothing else", () => {
    const fields: readonly (keyof AnswerJson)[] = ["worker", "signature", "messageSignature", "output", "detail"];
    fc.assert(
      fc.property(answers, fc.constantFrom(...fields), fc.jsonValue(), (answer, field, value) => {
        onlyInvalidInput(() => answerFromJson({ ...answerToJson(answer), [field]: value }));
      }),
    );
    const inner = ["requestHash", "sequence", "previousState", "status", "outputCid", "newState", "gas", "recordCid"];
    fc.assert(
      fc.property(answers, fc.constantFrom(...inner), fc.jsonValue(), (answer, field, value) => {
        const json = answerToJson(answer);
        onlyInvalidInput(() => answerFromJson({ ...json, answer: { ...json.answer, [field]: value } }));
      }),
    );
  });

  it("should refuse a request that passes the JSON schema but not the request's own, with INVALID_INPUT", () => {
    const text = fc.oneof(fc.string({ maxLength: 64 }), fc.constant("G".repeat(56)));
    fc.assert(
      fc.property(signedRequests, text, (signed, value) => {
        for (const field of ["program", "user", "network", "maxGas", "validUntil", "ifState", "nonce"]) {
          const json = requestToJson(signed);
          const parsed = signedRequestJsonSchema.safeParse({ ...json, request: { ...json.request, [field]: value } });
          if (parsed.success) onlyInvalidInput(() => requestFromJson(parsed.data));
        }
      }),
    );
  });
});
