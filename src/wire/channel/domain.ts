import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { utf8 } from "../../utils/bytes.ts";
import { createWords } from "./words.ts";

/** Name and version that wallets show. */
export const DOMAIN_NAME = "SPRF Channels";
export const DOMAIN_VERSION = "1";

const NAME_HASH = keccak256(utf8(DOMAIN_NAME));
const VERSION_HASH = keccak256(utf8(DOMAIN_VERSION));
const DOMAIN_TYPE_HASH = keccak256(
  utf8("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
);
const PREFIX = [0x19, 0x01];

/** Where signatures of a channel count: on one chain, under one hub. */
export interface ChannelDomain {
  readonly chainId: bigint;
  /** Lower-case hex with 0x. */
  readonly hub: string;
  /** The EIP-712 separator of the two. */
  readonly separator: Uint8Array;
}

export function channelDomain(chainId: bigint, hub: string): ChannelDomain {
  const separator = createWords(5)
    .begin()
    .bytes32(DOMAIN_TYPE_HASH)
    .bytes32(NAME_HASH)
    .bytes32(VERSION_HASH)
    .uint(chainId)
    .address(hub)
    .hash();
  return { chainId, hub: hub.toLowerCase(), separator };
}

const message = new Uint8Array(PREFIX.length + 2 * WORD_BYTES);
message.set(PREFIX);

/** What is signed for a struct: keccak256(0x1901 || separator || struct hash). */
export function digestOf({ separator }: ChannelDomain, structHash: Uint8Array): Uint8Array {
  message.set(separator, PREFIX.length);
  message.set(structHash, PREFIX.length + WORD_BYTES);
  return keccak256(message);
}
