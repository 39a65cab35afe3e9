import { SprfError } from "../errors.ts";
import type { AnswerProof } from "../ports/disputes.ts";
import { equalBytes } from "../utils/bytes.ts";
import { encodeCanonical, hashWithDomain } from "./canonical.ts";
import type { SignedAnswer } from "./execution-answer.ts";
import { hashRequest, type ExecutionRequest } from "./execution-request.ts";

/**
 * What `IDisputes.answerChallenge` takes: a worker's signed answer and the request that it answers, cut around its nonce, which
 * the contract makes of the salt.
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
  const { head, tail } = splitRequest(request);
  const hash = hashRequest(request);
  if (!equalBytes(answer.requestHash, hash)) {
    throw new SprfError("INVALID_INPUT", "the answer is to another request");
  }
  return {
    salt,
    requestHead: head,
    requestTail: tail,
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

/** The canonical bytes of a request before and after its nonce. */
export function splitRequest(request: ExecutionRequest): { readonly head: Uint8Array; readonly tail: Uint8Array } {
  const defined = Object.fromEntries(Object.entries(request).filter(([, field]) => field !== undefined));
  const bytes = encodeCanonical(defined);
  if (!equalBytes(hashWithDomain("sprf/request/1", bytes), hashRequest(request))) {
    throw new SprfError("INTERNAL", "a request is encoded in two ways");
  }
  // Should the same 32 bytes stand elsewhere, too, the parts around them join to the same request.
  const at = Buffer.from(bytes).indexOf(request.nonce);
  return { head: bytes.slice(0, at), tail: bytes.slice(at + request.nonce.length) };
}
