import { concatBytes, fromHex, utf8 } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";
import { numberOf, toSlotKey, toWord, wordOf, type SlotKey } from "./slot-key.ts";

/** As many slots of accounts are kept as there are busy accounts in a large channel; a stranger cannot make it more. */
const MAX_KEPT_SLOTS = 4096;

const NONCES = namespaceSlot("sprf.channel.nonces");
const SESSIONS = namespaceSlot("sprf.channel.sessions");
const REQUESTS = namespaceSlot("sprf.channel.requests");
const OWNED = namespaceSlot("sprf.channel.owned");
const EXITS = namespaceSlot("sprf.channel.exits");

/** Where the time of the next tick is, in milliseconds. */
export const CLOCK_SLOT: SlotKey = toSlotKey(namespaceSlot("sprf.channel.clock"));

/** In the place of a member: the channel's end. */
export const CLOSE_REQUEST: string = `0x${"0".repeat(40)}`;

const nonceSlots = new Map<string, SlotKey>();

/** Where the next nonce of an account is. */
export function nonceSlotOf(account: string): SlotKey {
  const known = nonceSlots.get(account);
  if (known !== undefined) return known;
  const key = toSlotKey(mappingSlot(account, NONCES));
  if (nonceSlots.size >= MAX_KEPT_SLOTS) nonceSlots.clear();
  nonceSlots.set(account, key);
  return key;
}

/** Where the program asks for a member's leave, or with {@link CLOSE_REQUEST} for the channel's end. */
export function requestSlotOf(member: string): Uint8Array {
  return mappingSlot(member, REQUESTS);
}

/** Where how much of an asset an account owns in the channel is. */
export function ownedSlotOf(account: string, assetKey: Uint8Array): Uint8Array {
  return keccak256(concatBytes(assetKey, mappingSlot(account, OWNED)));
}

/** Where how much of an asset ever left the channel for an account is. */
export function exitsSlotOf(account: string, assetKey: Uint8Array): Uint8Array {
  return keccak256(concatBytes(assetKey, mappingSlot(account, EXITS)));
}

/** Where what a wallet granted to a session key is. */
export function sessionSlotOf(wallet: string, key: string): SlotKey {
  return toSlotKey(mappingSlot(key, mappingSlot(wallet, SESSIONS)));
}

/** The first slot of a namespace of ERC-7201. */
function namespaceSlot(id: string): Uint8Array {
  const slot = keccak256(wordOf(numberOf(keccak256(utf8(id))) - 1n));
  slot[slot.length - 1] = 0;
  return slot;
}

/** Where Solidity keeps the value of an account in a mapping. */
function mappingSlot(account: string, base: Uint8Array): Uint8Array {
  return keccak256(concatBytes(toWord(fromHex(account)), base));
}
