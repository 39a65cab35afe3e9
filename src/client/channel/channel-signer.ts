import { Wallet, getBytes, hexlify } from "ethers";

import { writeCallSignature } from "../../domain/channel/sessions.ts";
import type { Random } from "../../ports/random.ts";
import type { Call, SignedCall } from "../../wire/channel/call.ts";
import type { SessionGrant, SessionInput } from "../../wire/channel/session.ts";
import { typedDataOf, type TypedData } from "../../wire/channel/typed-data.ts";

const KEY_BYTES = 32;
const SELECTOR_BYTES = 4;

/** Whoever signs for an account: a wallet in a browser, or a key. `ethers` signers fit. */
export interface TypedDataSigner {
  /** The account that signs. */
  getAddress(): Promise<string>;
  /** EIP-712; resolves with 65 bytes in hex. */
  signTypedData(domain: TypedData["domain"], types: TypedData["types"], message: TypedData["message"]): Promise<string>;
}

/** Where signatures count. */
export interface HubAddress {
  readonly chainId: bigint;
  readonly hub: string;
}

/** A key that signs calls for a wallet. */
export interface SessionKey {
  /** What a record has to take before the key counts. */
  readonly granted: SessionInput;
  /** Address of the key. */
  readonly key: string;
  /** Whether it may sign a call with this data now. */
  mayCall(data: Uint8Array, nowMs: number): boolean;
  sign(at: HubAddress, call: Call): Promise<SignedCall>;
}

/** A call with its sender's own signature. */
export async function signCall(signer: TypedDataSigner, at: HubAddress, call: Call): Promise<SignedCall> {
  return { call, signature: await sign(signer, typedDataOf(at, "Call", call)) };
}

/** A new key with the wallet's grant. */
export async function createSessionKey(
  signer: TypedDataSigner,
  at: HubAddress,
  parts: Omit<SessionGrant, "key">,
  random: Random,
): Promise<SessionKey> {
  const wallet = new Wallet(hexlify(random.bytes(KEY_BYTES)));
  const key = wallet.address.toLowerCase();
  const grant: SessionGrant = { ...parts, key };
  const signature = await sign(signer, typedDataOf(at, "SessionGrant", grant));
  return {
    granted: { what: "grant", grant, signature },
    key,
    mayCall(data, nowMs) {
      if (BigInt(nowMs) >= grant.expiryMs) return false;
      return grant.functions.length === 0 || grant.functions.includes(hexlify(data.subarray(0, SELECTOR_BYTES)));
    },
    async sign(where, call) {
      const signed = await signCall(wallet, where, call);
      return { call, signature: writeCallSignature({ signature: signed.signature, functions: grant.functions }) };
    },
  };
}

/** A wallet's 65 bytes over typed data. */
export async function sign(signer: TypedDataSigner, { domain, types, message }: TypedData): Promise<Uint8Array> {
  return getBytes(await signer.signTypedData(domain, types, message));
}
