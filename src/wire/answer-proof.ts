import { SprfError } from "../errors.ts";
import type { AnswerProof } from "../ports/disputes.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { SignedAnswer } from "./execution-answer.ts";
import { hashRequest, type ExecutionRequest } from "./execution-request.ts";

/**
 * What `IDisputes.answerChallenge` takes: a worker's signed answer and the request that it answers. The contract makes the request's
 * nonce of the salt and its program of what the agreement is bound to, so the answer to any other request proves nothing there.
 *
 * @throws SprfError `INVALID_INPUT` when the answer is to another request
 */
export function answerProofOf(parts: {
  readonly request: ExecutionRequest;
  readonly signed: SignedAnswer;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}): AnswerProof {
  const { request, signed, salt } = parts;
  const { answer } = signed;
  if (!equalBytes(answer.requestHash, hashRequest(request))) {
    throw new SprfError("INVALID_INPUT", "the answer is to another request");
  }
  const { network, user, input, maxGas, validUntil, ifState } = request;
  return {
    salt,
    request: {
      network,
      user,
      input: "bytes" in input ? input.bytes : new Uint8Array(0),
      inputCid: "cid" in input ? input.cid : "",
      maxGas,
      validUntil,
      ifState: ifState ?? "",
    },
    sequence: answer.sequence,
    previousState: answer.previousState,
    status: answer.status,
    outputCid: answer.outputCid,
    newState: answer.newState,
    gas: answer.gas,
    recordCid: answer.recordCid ?? "",
    signature: signed.messageSignature,
  };
}
