import type { Abi, AbiFunction, AbiParameter } from "abitype";

import { SprfError } from "../errors.ts";

/**
 * Arguments of a function as somebody types them: text and addresses as they are, numbers in decimal or 0x, lists and structs as JSON.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function argumentsOf(abi: Abi, name: string, given: readonly string[]): readonly unknown[] {
  const functions = abi.filter((part): part is AbiFunction => part.type === "function");
  const found = functions.find((part) => part.name === name);
  if (found === undefined) {
    const names = functions.map((part) => part.name).toSorted();
    throw new SprfError(
      "INVALID_INPUT",
      `the program has no function ${JSON.stringify(name)}, but ${names.join(", ")}`,
    );
  }
  if (found.inputs.length !== given.length) {
    const wanted = found.inputs.map(({ type, name: label }) => `${label ?? ""} (${type})`.trim());
    throw new SprfError("INVALID_INPUT", `${name} takes ${wanted.join(", ") || "no arguments"}; got ${given.length}`);
  }
  return found.inputs.map((input, index) => valueOf(input, given[index] ?? ""));
}

function valueOf({ type, name = "" }: AbiParameter, text: string): unknown {
  if (type.endsWith("]") || type.startsWith("tuple")) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new SprfError("INVALID_INPUT", `${name}: expected ${type} as JSON, got ${JSON.stringify(text)}`);
    }
  }
  if (/^u?int\d*$/.test(type)) {
    if (/^(-?\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(text)) return BigInt(text);
    throw new SprfError("INVALID_INPUT", `${name}: expected a number, got ${JSON.stringify(text)}`);
  }
  if (type !== "bool") return text;
  if (text === "true" || text === "false") return text === "true";
  throw new SprfError("INVALID_INPUT", `${name}: expected true or false, got ${JSON.stringify(text)}`);
}
