import type { Abi, AbiParametersToPrimitiveTypes, ExtractAbiFunction, ExtractAbiFunctionNames } from "abitype";
import { Interface, getBytes, hexlify, type InterfaceAbi, type ParamType, type Result } from "ethers";

import { SprfError, messageOf } from "../../errors.ts";
import type { ChannelLog } from "../../ports/channel-service.ts";

/** Integers up to this width are numbers in TypeScript, wider ones bigints: abitype's rule. */
const MAX_NUMBER_BITS = 48;
const INTEGER = /^u?int(\d+)$/;

type Writes = "nonpayable";
type Views = "pure" | "view";

/** Functions of a program that change its state. */
export type CallName<ProgramAbi extends Abi> = ExtractAbiFunctionNames<ProgramAbi, Writes>;
/** Functions of a program that only read. */
export type ViewName<ProgramAbi extends Abi> = ExtractAbiFunctionNames<ProgramAbi, Views>;
type FunctionName<ProgramAbi extends Abi> = ExtractAbiFunctionNames<ProgramAbi>;

export type FunctionArgs<ProgramAbi extends Abi, Name extends FunctionName<ProgramAbi>> = AbiParametersToPrimitiveTypes<
  ExtractAbiFunction<ProgramAbi, Name>["inputs"],
  "inputs"
>;
type Outputs<ProgramAbi extends Abi, Name extends FunctionName<ProgramAbi>> = AbiParametersToPrimitiveTypes<
  ExtractAbiFunction<ProgramAbi, Name>["outputs"],
  "outputs"
>;
/** What a function returns: nothing, its one value, or a tuple of them. */
export type FunctionValue<ProgramAbi extends Abi, Name extends FunctionName<ProgramAbi>> =
  Outputs<ProgramAbi, Name> extends readonly []
    ? undefined
    : Outputs<ProgramAbi, Name> extends readonly [infer Only]
      ? Only
      : Outputs<ProgramAbi, Name>;

/** An event that a program logged, by its ABI. */
export interface ProgramEvent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A program's ABI at work. */
export interface ProgramCodec {
  /** @throws SprfError `INVALID_INPUT` for a function that is not there, or arguments that do not fit */
  encode(name: string, args: readonly unknown[]): Uint8Array;
  /** @throws SprfError `ANSWER_INVALID` when the bytes are not what the function returns */
  decode(name: string, returnData: Uint8Array): unknown;
  /** Why a call failed, in one line. */
  reason(returnData: Uint8Array): string;
  /** Events that the ABI knows, in order. */
  events(logs: readonly ChannelLog[]): readonly ProgramEvent[];
  selector(name: string): string;
}

/** Encodes and decodes by an ABI. */
export function createProgramCodec(abi: Abi): ProgramCodec {
  const contract = new Interface(abi as unknown as InterfaceAbi);
  const functionOf = (name: string): NonNullable<ReturnType<Interface["getFunction"]>> => {
    const found = contract.getFunction(name);
    if (found === null) throw new SprfError("INVALID_INPUT", `${name}: the program has no such function`);
    return found;
  };
  return {
    encode(name, args) {
      const found = functionOf(name);
      try {
        return getBytes(contract.encodeFunctionData(found, args));
      } catch (error) {
        throw new SprfError("INVALID_INPUT", `${name}: ${messageOf(error)}`, { cause: error });
      }
    },
    decode(name, returnData) {
      const found = functionOf(name);
      try {
        const values = contract.decodeFunctionResult(found, returnData);
        const plain = found.outputs.map((type, index) => plainOf(type, values[index]));
        return plain.length > 1 ? plain : plain[0];
      } catch (error) {
        throw new SprfError("ANSWER_INVALID", `${name} does not return that: ${messageOf(error)}`, { cause: error });
      }
    },
    reason(returnData) {
      if (returnData.length === 0) return "it reverted without a reason, or ran out of gas";
      const parsed = contract.parseError(returnData);
      if (parsed === null) return `it reverted with ${hexlify(returnData.subarray(0, 100))}`;
      return `${parsed.name}(${parsed.args.map(String).join(", ")})`;
    },
    events(logs) {
      const found: ProgramEvent[] = [];
      for (const { topics, data } of logs) {
        const parsed = contract.parseLog({ topics: topics.map((topic) => hexlify(topic)), data: hexlify(data) });
        if (parsed === null) continue;
        const args = parsed.fragment.inputs.map((type, index): [string, unknown] => {
          return [type.name || String(index), plainOf(type, parsed.args[index])];
        });
        found.push({ name: parsed.name, args: Object.fromEntries(args) });
      }
      return found;
    },
    selector(name) {
      return functionOf(name).selector;
    },
  };
}

/** A value as abitype types it: arrays and objects of their own instead of ethers' results. */
function plainOf(type: ParamType, value: unknown): unknown {
  if (type.baseType === "array" && type.arrayChildren !== null) {
    const child = type.arrayChildren;
    return (value as Result).toArray().map((entry: unknown) => plainOf(child, entry));
  }
  if (type.baseType === "tuple" && type.components !== null) {
    const entries = (value as Result).toArray() as unknown[];
    return Object.fromEntries(
      type.components.map((part, index) => [part.name || index, plainOf(part, entries[index])]),
    );
  }
  const bits = INTEGER.exec(type.type)?.[1];
  return bits !== undefined && Number(bits) <= MAX_NUMBER_BITS ? Number(value) : value;
}
