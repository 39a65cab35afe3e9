import { fromHex, utf8 } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";

const ADDRESS_BYTES = 20;
const UINT64_BYTES = 8;

/** Bytes of the context: sender, time, height and randomness. */
const CONTEXT_BYTES = ADDRESS_BYTES + 2 * UINT64_BYTES + 32;

/** Who calls a program's hooks: nobody has its key. */
export const SYSTEM = `0x${Buffer.from(keccak256(utf8("sprf.channel.system")))
  .toString("hex")
  .slice(24)}`;

/** What every call of a record may know of the world. */
export interface RecordContext {
  readonly height: number;
  readonly timeMs: number;
  /** The hash of the record before: whoever makes the records knows it first. */
  readonly randomness: Uint8Array;
}

/** Calldata with the context at its end, packed: sender (20), time (8), height (8), randomness (32). */
export function withContext(
  data: Uint8Array,
  sender: string,
  { height, timeMs, randomness }: RecordContext,
): Uint8Array {
  const full = new Uint8Array(data.length + CONTEXT_BYTES);
  const view = new DataView(full.buffer);
  full.set(data);
  let at = data.length;
  full.set(fromHex(sender), at);
  at += ADDRESS_BYTES;
  view.setBigUint64(at, BigInt(timeMs));
  at += UINT64_BYTES;
  view.setBigUint64(at, BigInt(height));
  at += UINT64_BYTES;
  full.set(randomness, at);
  return full;
}
