import { hexlify } from "ethers";

import type { ChannelCall, SessionGrant, SessionRevoke } from "../../ports/channel-service.ts";
import type { ChannelDomain } from "./login.ts";

type Field = { readonly name: string; readonly type: string };

/** EIP-712 data as wallets take it; `types` names one struct. */
export interface TypedData {
  readonly domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
  readonly types: Record<string, Field[]>;
  readonly message: Record<string, unknown>;
}

/** What a call's sender, or a session key of it, signs. */
export function callTypedData(domain: ChannelDomain, call: Omit<ChannelCall, "signature">): TypedData {
  return {
    domain: typedDomain(domain),
    types: {
      Call: [
        { name: "channel", type: "uint256" },
        { name: "sender", type: "address" },
        { name: "nonce", type: "uint64" },
        { name: "gasLimit", type: "uint64" },
        { name: "validUntilMs", type: "uint64" },
        { name: "data", type: "bytes" },
      ],
    },
    message: { ...call, data: hexlify(call.data) },
  };
}

/** What a wallet signs to let a session key act for it. */
export function grantTypedData(domain: ChannelDomain, grant: Omit<SessionGrant, "signature">): TypedData {
  return {
    domain: typedDomain(domain),
    types: {
      SessionGrant: [
        { name: "channel", type: "uint256" },
        { name: "wallet", type: "address" },
        { name: "key", type: "address" },
        { name: "functions", type: "bytes4[]" },
        { name: "expiryMs", type: "uint64" },
      ],
    },
    message: { ...grant },
  };
}

/** What a wallet signs to end a session key. */
export function revokeTypedData(domain: ChannelDomain, revoke: Omit<SessionRevoke, "signature">): TypedData {
  return {
    domain: typedDomain(domain),
    types: {
      SessionRevoke: [
        { name: "channel", type: "uint256" },
        { name: "wallet", type: "address" },
        { name: "key", type: "address" },
        { name: "nonce", type: "uint64" },
      ],
    },
    message: { ...revoke },
  };
}

function typedDomain({ chainId, hub }: ChannelDomain): TypedData["domain"] {
  return { name: "SPRF Channels", version: "1", chainId, verifyingContract: hub };
}
