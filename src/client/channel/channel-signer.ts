import { AbiCoder, Wallet, getBytes, hexlify } from "ethers";

import type { ChannelCall, SessionGrant } from "../../ports/channel-service.ts";
import type { Random } from "../../ports/random.ts";
import { concatBytes } from "../../utils/bytes.ts";
import { callTypedData, grantTypedData, type TypedData } from "../../wire/channel/call-typed-data.ts";
import type { ChannelDomain } from "../../wire/channel/login.ts";

const KEY_BYTES = 32;
const SELECTOR_BYTES = 4;

/** Whoever signs for an account: a wallet in a browser, or a key. `ethers` signers fit. */
export interface TypedDataSigner {
  getAddress(): Promise<string>;
  signTypedData(domain: TypedData["domain"], types: TypedData["types"], message: TypedData["message"]): Promise<string>;
}

/** A key that signs calls for a wallet. */
export interface SessionKey {
  readonly grant: SessionGrant;
  /** Whether it may sign a call with this data now. */
  mayCall(data: Uint8Array, nowMs: number): boolean;
  sign(domain: ChannelDomain, call: Omit<ChannelCall, "signature">): Promise<ChannelCall>;
}

/** A call with its sender's own signature. */
export async function signCall(
  signer: TypedDataSigner,
  domain: ChannelDomain,
  call: Omit<ChannelCall, "signature">,
): Promise<ChannelCall> {
  return { ...call, signature: await sign(signer, callTypedData(domain, call)) };
}

/** A new key with the wallet's grant, which has to be put into a record before the key counts. */
export async function createSessionKey(
  signer: TypedDataSigner,
  domain: ChannelDomain,
  parts: Omit<SessionGrant, "key" | "signature">,
  random: Random,
): Promise<SessionKey> {
  const key = new Wallet(hexlify(random.bytes(KEY_BYTES)));
  const unsigned = { ...parts, key: key.address };
  const grant: SessionGrant = { ...unsigned, signature: await sign(signer, grantTypedData(domain, unsigned)) };
  const functions = grant.functions.length === 0 ? new Uint8Array() : encodeFunctions(grant.functions);
  return {
    grant,
    mayCall(data, nowMs) {
      if (nowMs >= grant.expiryMs) return false;
      return grant.functions.length === 0 || grant.functions.includes(hexlify(data.subarray(0, SELECTOR_BYTES)));
    },
    async sign(at, call) {
      const signed = await signCall(key, at, call);
      return { ...signed, signature: concatBytes(signed.signature, functions) };
    },
  };
}

function encodeFunctions(functions: readonly string[]): Uint8Array {
  return getBytes(AbiCoder.defaultAbiCoder().encode(["bytes4[]"], [functions]));
}

/** A wallet's 65 bytes over typed data. */
export async function sign(signer: TypedDataSigner, { domain, types, message }: TypedData): Promise<Uint8Array> {
  return getBytes(await signer.signTypedData(domain, types, message));
}
