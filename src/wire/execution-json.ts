import { z } from "zod";

import { fromBase64, fromHex, toBase64, toHex } from "../utils/bytes.ts";
import { signedAnswerSchema, type SignedAnswer } from "./execution-answer.ts";
import { MAX_INLINE_INPUT_BYTES, signedRequestSchema, type SignedRequest } from "./execution-request.ts";
import { addressJson, check, cidJson, decimalJson, hex32Json, signatureJson } from "./json.ts";

/** A request with its input in base64, and room for the rest. */
export const MAX_REQUEST_BODY_BYTES = 512 * 1024;

const MAX_BASE64_INPUT = Math.ceil(MAX_INLINE_INPUT_BYTES / 3) * 4;
const MAX_BASE64_OUTPUT = Math.ceil((1024 * 1024) / 3) * 4;

/** A signed request as JSON: bytes in base64, hashes in hex, large numbers in decimal. */
export const signedRequestJsonSchema = z.strictObject({
  request: z.strictObject({
    version: z.literal(1),
    network: z.string().max(128),
    program: addressJson,
    input: z.union([z.strictObject({ bytes: z.base64().max(MAX_BASE64_INPUT) }), z.strictObject({ cid: cidJson })]),
    user: addressJson,
    nonce: hex32Json,
    maxGas: decimalJson,
    validUntil: decimalJson,
    ifState: cidJson.optional(),
  }),
  paymentHash: hex32Json,
  signature: signatureJson,
});

/** A worker's answer as JSON, with the output itself. */
export const answerJsonSchema = z.strictObject({
  answer: z.strictObject({
    requestHash: hex32Json,
    sequence: decimalJson,
    previousState: cidJson,
    status: z.enum(["accepted", "rejected", "out-of-gas"]),
    outputCid: cidJson,
    newState: cidJson,
    gas: decimalJson,
    recordCid: cidJson.optional(),
  }),
  worker: addressJson,
  signature: signatureJson,
  messageSignature: z.base64().max(90),
  transactionSignature: signatureJson.optional(),
  output: z.base64().max(MAX_BASE64_OUTPUT),
  /** Why a program rejected, in its own words; not signed. */
  detail: z.string().max(8_192),
});

/** Every error of a worker's API. */
export const errorJsonSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().max(64),
    message: z.string().max(2_048),
    fault: z.string().max(32),
    next: z.string().max(1_024),
  }),
});

/** A {@link SignedRequest} as it is kept in a file or sent to a worker's HTTP API. */
export type SignedRequestJson = z.output<typeof signedRequestJsonSchema>;
export type AnswerJson = z.output<typeof answerJsonSchema>;
export type ErrorJson = z.output<typeof errorJsonSchema>;

/** An answer, the output it speaks of, and the program's own words. */
export interface AnswerWithOutput {
  readonly signed: SignedAnswer;
  readonly output: Uint8Array;
  readonly detail: string;
}

/** The other way round: {@link requestFromJson}. */
export function requestToJson({ request, paymentHash, signature }: SignedRequest): SignedRequestJson {
  const { input, ifState } = request;
  return {
    request: {
      version: request.version,
      network: request.network,
      program: request.program,
      input: "bytes" in input ? { bytes: toBase64(input.bytes) } : { cid: input.cid },
      user: request.user,
      nonce: toHex(request.nonce),
      maxGas: request.maxGas.toString(),
      validUntil: request.validUntil.toString(),
      ...(ifState === undefined ? {} : { ifState }),
    },
    paymentHash: toHex(paymentHash),
    signature: toBase64(signature),
  };
}

/** @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function requestFromJson(json: SignedRequestJson): SignedRequest {
  const { request } = json;
  return check(signedRequestSchema, {
    request: {
      ...request,
      input: "bytes" in request.input ? { bytes: fromBase64(request.input.bytes) } : request.input,
      nonce: fromHex(request.nonce),
      maxGas: BigInt(request.maxGas),
      validUntil: BigInt(request.validUntil),
    },
    paymentHash: fromHex(json.paymentHash),
    signature: fromBase64(json.signature),
  });
}

export function answerToJson({ signed, output, detail }: AnswerWithOutput): AnswerJson {
  const { answer, transactionSignature } = signed;
  return {
    answer: {
      requestHash: toHex(answer.requestHash),
      sequence: answer.sequence.toString(),
      previousState: answer.previousState,
      status: answer.status,
      outputCid: answer.outputCid,
      newState: answer.newState,
      gas: answer.gas.toString(),
      ...(answer.recordCid === undefined ? {} : { recordCid: answer.recordCid }),
    },
    worker: signed.worker,
    signature: toBase64(signed.signature),
    messageSignature: toBase64(signed.messageSignature),
    ...(transactionSignature === undefined ? {} : { transactionSignature: toBase64(transactionSignature) }),
    output: toBase64(output),
    detail,
  };
}

/** @throws SprfError `INVALID_INPUT` when the body is not an answer */
export function answerFromJson(body: unknown): AnswerWithOutput {
  const json = check(answerJsonSchema, body);
  const { answer } = json;
  const signed = check(signedAnswerSchema, {
    answer: {
      ...answer,
      requestHash: fromHex(answer.requestHash),
      sequence: BigInt(answer.sequence),
      gas: BigInt(answer.gas),
    },
    worker: json.worker,
    signature: fromBase64(json.signature),
    messageSignature: fromBase64(json.messageSignature),
    ...(json.transactionSignature === undefined ? {} : { transactionSignature: fromBase64(json.transactionSignature) }),
  });
  return { signed, output: fromBase64(json.output), detail: json.detail };
}
