import { SprfError } from "../../errors.ts";
import { concatBytes, fromHex } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { decodeAbi, encodeAbi } from "./abi.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** A wallet lets a key sign its calls; without functions, all of them. */
export interface SessionGrant {
  readonly channel: bigint;
  readonly wallet: string;
  readonly key: string;
  /** Selectors, `0x` and 8 digits each. */
  readonly functions: readonly string[];
  readonly expiryMs: bigint;
}

/** A wallet takes that back; `nonce` is the wallet's next. */
export interface SessionRevoke {
  readonly channel: bigint;
  readonly wallet: string;
  readonly key: string;
  readonly nonce: bigint;
}

/** The input of a session record. */
export type SessionInput =
  | { readonly what: "grant"; readonly grant: SessionGrant; readonly signature: Uint8Array }
  | { readonly what: "revoke"; readonly revoke: SessionRevoke; readonly signature: Uint8Array };

const GRANT = 0n;
const REVOKE = 1n;
const GRANT_TYPE = "tuple(uint256 channel,address wallet,address key,bytes4[] functions,uint64 expiryMs)";
const REVOKE_TYPE = "tuple(uint256 channel,address wallet,address key,uint64 nonce)";
const GRANT_TYPE_HASH = typeHashOf("SessionGrant");
const REVOKE_TYPE_HASH = typeHashOf("SessionRevoke");
const SELECTOR_BYTES = 4;

const words = createWords(6);

export function hashSessionGrant(grant: SessionGrant): Uint8Array {
  // An array of a struct is hashed with each item padded to a word.
  const functions = concatBytes(...grant.functions.map((selector) => concatBytes(fromHex(selector), TAIL)));
  return words
    .begin()
    .bytes32(GRANT_TYPE_HASH)
    .uint(grant.channel)
    .address(grant.wallet)
    .address(grant.key)
    .bytes32(keccak256(functions))
    .uint(grant.expiryMs)
    .hash();
}

const TAIL = new Uint8Array(WORD_BYTES - SELECTOR_BYTES);

export function hashSessionRevoke(revoke: SessionRevoke): Uint8Array {
  return words
    .begin()
    .bytes32(REVOKE_TYPE_HASH)
    .uint(revoke.channel)
    .address(revoke.wallet)
    .address(revoke.key)
    .uint(revoke.nonce)
    .hash();
}

/** What the wallet signs. */
export function sessionDigest(domain: ChannelDomain, input: SessionInput): Uint8Array {
  return digestOf(domain, input.what === "grant" ? hashSessionGrant(input.grant) : hashSessionRevoke(input.revoke));
}

/** `abi.encode(uint8 what, grant or revoke, bytes signature)`: 0 grants, 1 revokes. */
export function encodeSessionInput(input: SessionInput): Uint8Array {
  return input.what === "grant"
    ? encodeAbi(["uint8", GRANT_TYPE, "bytes"], [GRANT, input.grant, input.signature])
    : encodeAbi(["uint8", REVOKE_TYPE, "bytes"], [REVOKE, input.revoke, input.signature]);
}

/** @throws SprfError `MESSAGE_INVALID` for any bytes that {@link encodeSessionInput} would not give */
export function decodeSessionInput(input: Uint8Array): SessionInput {
  const what = input[WORD_BYTES - 1];
  if (BigInt(what ?? -1) === GRANT) {
    const [, grant, signature] = decodeAbi(["uint8", GRANT_TYPE, "bytes"], input, "a session's grant") as GrantValues;
    const [channel, wallet, key, functions, expiryMs] = grant;
    return {
      what: "grant",
      grant: { channel, wallet: wallet.toLowerCase(), key: key.toLowerCase(), functions, expiryMs },
      signature: fromHex(signature),
    };
  }
  if (BigInt(what ?? -1) === REVOKE) {
    const values = decodeAbi(["uint8", REVOKE_TYPE, "bytes"], input, "a session's revocation") as RevokeValues;
    const [, [channel, wallet, key, nonce], signature] = values;
    return {
      what: "revoke",
      revoke: { channel, wallet: wallet.toLowerCase(), key: key.toLowerCase(), nonce },
      signature: fromHex(signature),
    };
  }
  throw new SprfError("MESSAGE_INVALID", "a session's input: neither grants nor revokes");
}

type GrantValues = readonly [bigint, readonly [bigint, string, string, readonly string[], bigint], string];
type RevokeValues = readonly [bigint, readonly [bigint, string, string, bigint], string];
