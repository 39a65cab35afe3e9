import { AbiCoder, ParamType } from "ethers";

import { SprfError } from "../../errors.ts";
import { equalBytes, fromHex } from "../../utils/bytes.ts";

const coder = AbiCoder.defaultAbiCoder();
/** Types as they are parsed, which takes longer than to encode a value of one; those that are named in this folder. */
const parsed = new Map<string, ParamType>();

function parse(types: readonly string[]): ParamType[] {
  return types.map((type) => {
    const known = parsed.get(type) ?? ParamType.from(type);
    parsed.set(type, known);
    return known;
  });
}

/** ABI encoding of what is not on the hot path. */
export function encodeAbi(types: readonly string[], values: readonly unknown[]): Uint8Array {
  return fromHex(coder.encode(parse(types), values));
}

/**
 * The values in `bytes`, which must be encoded as Solidity's `abi.encode` does: a hash stands for one value only.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function decodeAbi(types: readonly string[], bytes: Uint8Array, what: string): readonly unknown[] {
  let values: readonly unknown[];
  let again: Uint8Array;
  try {
    values = coder.decode(parse(types), bytes).toArray(true);
    again = encodeAbi(types, values);
  } catch (error) {
    throw new SprfError("MESSAGE_INVALID", `${what}: not ABI encoded`, { cause: error });
  }
  if (!equalBytes(again, bytes)) throw new SprfError("MESSAGE_INVALID", `${what}: not encoded as Solidity does`);
  return values;
}
