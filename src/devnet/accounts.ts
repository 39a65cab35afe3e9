import { deriveTwinKeys, type TwinKeys } from "../domain/identity/keys.ts";

/** Known to everybody, as is all that it holds: the words that every Ethereum development node uses. */
export const DEVNET_MNEMONIC = "test test test test test test test test test test test junk";

/** Account 0 deploys the contracts; the others are for daemons and clients. */
export const DEVNET_ACCOUNTS = 32;

/** Derived once each: it takes milliseconds, and devnet needs all of them twice. */
const derived = new Map<number, TwinKeys>();

/** The keys of the n-th devnet identity. */
export function devnetKeys(index: number): TwinKeys {
  const keys = derived.get(index) ?? deriveTwinKeys(DEVNET_MNEMONIC, { accountIndex: index });
  derived.set(index, keys);
  return keys;
}
