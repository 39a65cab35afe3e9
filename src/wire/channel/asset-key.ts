import { concatBytes, fromHex } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";

/** What the ledgers call an asset: keccak256(abi.encode(token, id)). */
export function assetKeyOf(token: string, id: bigint): Uint8Array {
  const word = (hex: string): Uint8Array => fromHex(hex.padStart(2 * WORD_BYTES, "0"));
  return keccak256(concatBytes(word(token.replace(/^0x/, "")), word(id.toString(16))));
}
