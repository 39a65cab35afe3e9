import { TypedDataEncoder, hexlify, recoverAddress } from "ethers";

const TYPES = {
  Login: [
    { name: "channel", type: "uint256" },
    { name: "wallet", type: "address" },
    { name: "challenge", type: "bytes32" },
  ],
};

/** What a wallet signs to show a channel's node who asks. */
export interface Login {
  readonly channel: bigint;
  readonly wallet: string;
  /** 32 bytes that the node chose for this connection. */
  readonly challenge: Uint8Array;
}

/** Where a login counts, like every signature of channels. */
export interface ChannelDomain {
  readonly chainId: bigint;
  readonly hub: string;
}

/** EIP-712 data of a login, as wallets take it. */
export function loginTypedData(
  { chainId, hub }: ChannelDomain,
  login: Login,
): {
  readonly domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
  readonly types: typeof TYPES;
  readonly message: { channel: bigint; wallet: string; challenge: string };
} {
  return {
    domain: { name: "SPRF Channels", version: "1", chainId, verifyingContract: hub },
    types: TYPES,
    message: { channel: login.channel, wallet: login.wallet, challenge: hexlify(login.challenge) },
  };
}

/** Whether the wallet itself signed the login. */
export function isLoginSigned(domain: ChannelDomain, login: Login, signature: Uint8Array): boolean {
  const { domain: typedDomain, types, message } = loginTypedData(domain, login);
  try {
    const signer = recoverAddress(TypedDataEncoder.hash(typedDomain, types, message), hexlify(signature));
    return signer.toLowerCase() === login.wallet.toLowerCase();
  } catch {
    return false;
  }
}
