import { deriveTwinKeys, type TwinKeys } from "../domain/identity/keys.ts";

/** Known to everybody, as is all that it holds: the words that every Ethereum development node uses. */
export const DEVNET_MNEMONIC = "test test test test test test test test test test test junk";

/** Account 0 deploys the contracts; the others are for daemons and clients. */
export const DEVNET_ACCOUNTS = 32;

/** The keys of the n-th devnet identity. */
export function devnetKeys(index: number): TwinKeys {
  return deriveTwinKeys(DEVNET_MNEMONIC, { accountIndex: index });
}
