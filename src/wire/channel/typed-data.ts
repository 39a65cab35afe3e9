import { toHex } from "../../utils/bytes.ts";
import { DOMAIN_NAME, DOMAIN_VERSION, type ChannelDomain } from "./domain.ts";
import { CHANNEL_TYPES } from "./type-hashes.ts";

/** EIP-712 data as wallets take it; `types` names one struct. */
export interface TypedData {
  readonly domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
  readonly types: Record<string, { name: string; type: string }[]>;
  readonly message: Record<string, unknown>;
}

/** What a wallet is asked to sign; bytes in the message become hex. */
export function typedDataOf(
  { chainId, hub }: Pick<ChannelDomain, "chainId" | "hub">,
  name: keyof typeof CHANNEL_TYPES,
  message: object,
): TypedData {
  const fields = CHANNEL_TYPES[name]
    .slice(name.length + 1, -1)
    .split(",")
    .map((field) => {
      const [type = "", fieldName = ""] = field.split(" ");
      return { name: fieldName, type };
    });
  const hexed = Object.entries(message).map(([key, value]: [string, unknown]) => {
    return [key, value instanceof Uint8Array ? `0x${toHex(value)}` : value];
  });
  return {
    domain: { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract: hub },
    types: { [name]: fields },
    message: Object.fromEntries(hexed) as Record<string, unknown>,
  };
}
