import { recoverSigner } from "../../utils/recoverable-signature.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

const TYPE_HASH = typeHashOf("Login");

/** What a wallet signs to show a channel's node who asks. */
export interface Login {
  readonly channel: bigint;
  /** Lower-case hex with 0x. */
  readonly wallet: string;
  /** 32 bytes that the node chose for this connection. */
  readonly challenge: Uint8Array;
}

/** What the wallet signs. */
function loginDigest(domain: ChannelDomain, { channel, wallet, challenge }: Login): Uint8Array {
  const hash = createWords(4).begin().bytes32(TYPE_HASH).uint(channel).address(wallet).bytes32(challenge).hash();
  return digestOf(domain, hash);
}

/** Whether the wallet itself signed the login. */
export function isLoginSigned(domain: ChannelDomain, login: Login, signature: Uint8Array): boolean {
  return recoverSigner(loginDigest(domain, login), signature) === login.wallet;
}
