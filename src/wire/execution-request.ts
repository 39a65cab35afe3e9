import type { Keypair } from "@stellar/stellar-sdk";
import { z } from "zod";

import { SprfError } from "../errors.ts";
import { verifyByAccount } from "../utils/ed25519.ts";
import { encodeCanonical, hashWithDomain } from "./canonical.ts";
import {
  MAX_PASSPHRASE_LENGTH,
  bytesOf,
  bytesUpTo,
  cidSchema,
  ledgerAddressSchema,
  uint64Schema,
} from "./primitives.ts";
import { withoutUndefined } from "./without-undefined.ts";

/** Larger inputs travel by CID. */
export const MAX_INLINE_INPUT_BYTES = 256 * 1024;

export const executionInputSchema = z.union([
  z.strictObject({ bytes: bytesUpTo(MAX_INLINE_INPUT_BYTES) }),
  z.strictObject({ cid: cidSchema }),
]);

/** What a user asks of a program (design: programs, Execution 1). */
export const executionRequestSchema = z.strictObject({
  version: z.literal(1),
  /** Passphrase of the Stellar network. */
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  /** The smart account. */
  program: ledgerAddressSchema,
  input: executionInputSchema,
  user: ledgerAddressSchema,
  nonce: bytesOf(32),
  maxGas: uint64Schema,
  /** Seconds since the Unix epoch. */
  validUntil: uint64Schema,
  /** Refuse to run on any other state. */
  ifState: cidSchema.optional(),
});

export type ExecutionInput = z.output<typeof executionInputSchema>;
export type ExecutionRequest = z.output<typeof executionRequestSchema>;

/** A request, its payment and the user's signature over the request's hash. */
export const signedRequestSchema = z.strictObject({
  request: executionRequestSchema,
  /** Hash of the Stellar transaction that paid the base fee. */
  paymentHash: bytesOf(32),
  signature: bytesOf(64),
});

/** A request and the signature of its user; whoever holds it can go on with it, but not change it. */
export type SignedRequest = z.output<typeof signedRequestSchema>;

/** 32 bytes: sha256("sprf/request/1" || canonical dag-cbor of the request); also the memo of its payment. */
export function hashRequest(request: ExecutionRequest): Uint8Array {
  return hashWithDomain("sprf/request/1", encodeCanonical(withoutUndefined(request)));
}

export function signRequest(request: ExecutionRequest, paymentHash: Uint8Array, user: Keypair): SignedRequest {
  return {
    request,
    paymentHash: new Uint8Array(paymentHash),
    signature: new Uint8Array(user.sign(hashRequest(request))),
  };
}

/** Checks the user's signature. @throws SprfError `REQUEST_SIGNATURE_INVALID` */
export function verifyRequest(signed: SignedRequest): Uint8Array {
  const hash = hashRequest(signed.request);
  if (!verifyByAccount(signed.request.user, hash, signed.signature)) {
    throw new SprfError("REQUEST_SIGNATURE_INVALID", `the request is not signed by ${signed.request.user}`);
  }
  return hash;
}
