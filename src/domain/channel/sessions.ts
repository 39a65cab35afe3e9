import { SprfError } from "../../errors.ts";
import { concatBytes, fromHex, toHex } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { SIGNATURE_BYTES } from "../../utils/recoverable-signature.ts";
import { decodeAbi, encodeAbi } from "../../wire/channel/abi.ts";
import { MAX_SESSION_FUNCTIONS } from "../../wire/channel/limits.ts";

const EXPIRY_BITS = 64n;
const MASK_64 = 2n ** EXPIRY_BITS - 1n;
const FUNCTIONS_HASH_BYTES = 20;
const SELECTOR_BYTES = 4;
const SELECTOR_PADDING = new Uint8Array(WORD_BYTES - SELECTOR_BYTES);

/** What the state says of a wallet's session key. */
export interface Session {
  readonly expiryMs: bigint;
  /** 20 bytes in hex: first bytes of the hash of the functions. */
  readonly functionsHash: string;
}

/** What stands behind a call's signature, when a session key made it. */
export interface CallSignature {
  /** 65 bytes. */
  readonly signature: Uint8Array;
  /** Selectors; none when the key may call everything, or the wallet itself has signed. */
  readonly functions: readonly string[];
}

/** First 20 bytes of the hash that an EIP-712 `bytes4[]` has, in hex: each selector is padded to a word, as `abi.encodePacked` does. */
export function hashFunctions(functions: readonly string[]): string {
  const words = functions.map((selector) => concatBytes(fromHex(selector), SELECTOR_PADDING));
  return toHex(keccak256(concatBytes(...words)).subarray(0, FUNCTIONS_HASH_BYTES));
}

/** A session's slot: expiry in the low 64 bits, the functions' hash above. */
export function packSession({ expiryMs, functionsHash }: Session): bigint {
  return (BigInt(`0x${functionsHash}`) << EXPIRY_BITS) | expiryMs;
}

/** @returns undefined for 0: no session */
export function unpackSession(value: bigint): Session | undefined {
  if (value === 0n) return undefined;
  const functionsHash = (value >> EXPIRY_BITS).toString(16).padStart(2 * FUNCTIONS_HASH_BYTES, "0");
  return { expiryMs: value & MASK_64, functionsHash };
}

/** Splits a call's signature field: 65 bytes, or those and `abi.encode(bytes4[])`. @throws SprfError `MESSAGE_INVALID` */
export function readCallSignature(field: Uint8Array): CallSignature {
  const signature = field.subarray(0, SIGNATURE_BYTES);
  if (field.length === SIGNATURE_BYTES) return { signature, functions: [] };
  const maxBytes = SIGNATURE_BYTES + (MAX_SESSION_FUNCTIONS + 2) * WORD_BYTES;
  if (field.length < SIGNATURE_BYTES || field.length > maxBytes) {
    throw new SprfError("MESSAGE_INVALID", `a call's signature of ${field.length} bytes`);
  }
  const values = decodeAbi(["bytes4[]"], field.subarray(SIGNATURE_BYTES), "functions of a session key");
  return { signature, functions: values[0] as readonly string[] };
}

/** A call's signature field for a session key. */
export function writeCallSignature({ signature, functions }: CallSignature): Uint8Array {
  return functions.length === 0 ? signature : concatBytes(signature, encodeAbi(["bytes4[]"], [functions]));
}

/** Why a session key may not make a call at this time; undefined when it may. */
export function sessionRefusal(
  session: Session | undefined,
  {
    functions,
    data,
    timeMs,
  }: { readonly functions: readonly string[]; readonly data: Uint8Array; readonly timeMs: number },
): string | undefined {
  if (session === undefined) return "signed by a key that has no session";
  if (session.expiryMs < BigInt(timeMs)) return "its session has expired";
  if (session.functionsHash !== hashFunctions(functions)) return "other functions than its session has";
  if (functions.length === 0) return undefined;
  const selector = `0x${toHex(data.subarray(0, SELECTOR_BYTES))}`;
  return functions.includes(selector) ? undefined : `its session does not have ${selector}`;
}
