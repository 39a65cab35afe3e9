import { toHex } from "../utils/bytes.ts";
import { WORD_BYTES } from "../utils/keccak.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";

/** Where an encoded input has its account, see `encodeCallInput` and `encodeSessionInput`. */
const CALL_SENDER_WORD = 3;
const GRANT_WALLET_WORD = 4;
const REVOKE_WALLET_WORD = 2;

/** Whose a call or session says it is, which its signature will show or not; as good as any name when it is no such input. */
export function accountIn(kind: number, input: Uint8Array): string {
  const word = kind === RECORD_KINDS.call ? CALL_SENDER_WORD : isGrant(input) ? GRANT_WALLET_WORD : REVOKE_WALLET_WORD;
  return toHex(input.subarray(word * WORD_BYTES, (word + 1) * WORD_BYTES));
}

function isGrant(input: Uint8Array): boolean {
  return input[WORD_BYTES - 1] === 0;
}
