import { StrKey } from "@stellar/stellar-sdk";
import { CID } from "multiformats/cid";
import { z } from "zod";

/** Of a Stellar network's passphrase. */
export const MAX_PASSPHRASE_LENGTH = 128;

const MAX_CID_LENGTH = 64;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Bytes of one length. */
export function bytesOf(length: number): z.ZodType<Uint8Array<ArrayBuffer>, unknown> {
  return z.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array && value.length === length, {
    error: `expected ${length} bytes`,
  });
}

/** At most `max` bytes. */
export function bytesUpTo(max: number): z.ZodType<Uint8Array<ArrayBuffer>, unknown> {
  return z.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array && value.length <= max, {
    error: `expected at most ${max} bytes`,
  });
}

/** A CIDv1 in base32; it fits the 64 bytes of a data entry. */
export const cidSchema = z.string().max(MAX_CID_LENGTH).refine(isCidV1, { error: "expected a CIDv1 in base32" });

/** `G...`, with its checksum. */
export const ledgerAddressSchema = z
  .string()
  .length(56)
  .refine((value) => StrKey.isValidEd25519PublicKey(value), { error: "expected a Stellar address (G...)" });

/** An unsigned 64-bit integer; dag-cbor gives small ones as numbers. */
export const uint64Schema = z
  .union([z.int(), z.bigint()])
  .transform((value) => BigInt(value))
  .refine((value) => value >= 0n && value <= MAX_UINT64, { error: "expected an unsigned 64-bit integer" });

function isCidV1(text: string): boolean {
  try {
    const cid = CID.parse(text);
    return cid.version === 1 && cid.toString() === text;
  } catch {
    return false;
  }
}
