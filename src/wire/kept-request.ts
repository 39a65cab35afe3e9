import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { decodeCanonical, encodeCanonical } from "./canonical.ts";
import { signedRequestSchema, type SignedRequest } from "./execution-request.ts";

/** A request that is about to be paid for, as its user keeps it: whoever has it goes on after a crash and pays nothing twice. */
export interface KeptRequest {
  readonly signed: SignedRequest;
  /** The envelope of its payment, XDR in base64. */
  readonly payment: string;
}

const keptRequestSchema = z.strictObject({ version: z.literal(1), signed: signedRequestSchema, payment: z.string() });

/** Canonical dag-cbor. */
export function encodeKeptRequest({ signed, payment }: KeptRequest): Uint8Array {
  return encodeCanonical({ version: 1, signed, payment });
}

/** @throws SprfError `INVALID_INPUT` for any bytes that {@link encodeKeptRequest} would not give */
export function decodeKeptRequest(bytes: Uint8Array): KeptRequest {
  try {
    const { signed, payment } = keptRequestSchema.parse(decodeCanonical(bytes));
    return { signed, payment };
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `no kept request: ${messageOf(error)}`, { cause: error });
  }
}
