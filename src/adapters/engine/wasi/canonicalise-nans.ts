import { MAX_MODULE_BYTES } from "../../../domain/engine-limits.ts";
import type { NanShape } from "./nan-shapes.ts";
import { scanFunction } from "./scan-instructions.ts";
import { refuse, WasmReader } from "./wasm-reader.ts";
import { encodeU32, WasmWriter } from "./wasm-writer.ts";

/** A module of nothing but float instructions grows twentyfold; those that compilers make, by a few per cent. */
const MAX_CANONICAL_BYTES = 2 * MAX_MODULE_BYTES;
const HEADER_BYTES = 8;
const CUSTOM_SECTION = 0;
const CODE_SECTION = 10;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const SELECT = 0x1b;
const IF_WITHOUT_RESULT = [0x04, 0x40];
const END = 0x0b;
const V128_ANY_TRUE = [0xfd, 0x53];
const V128_BITSELECT = [0xfd, 0x52];
const NAN_32 = [0x00, 0x00, 0xc0, 0x7f];
const NAN_64 = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f];

type Replace = (local: readonly number[]) => number[];

/** What replaces a NaN of each shape: the type of the local that holds the value, and instructions, given the local's index. */
const SHAPES: Readonly<Record<NanShape, { readonly type: number; readonly replace: Replace }>> = {
  f32: { type: 0x7d, replace: replaceFloat([0x43, ...NAN_32], [0x5b]) },
  f64: { type: 0x7c, replace: replaceFloat([0x44, ...NAN_64], [0x61]) },
  f32x4: {
    type: 0x7b,
    replace: replaceLanes([0xfd, 0x0c, ...NAN_32, ...NAN_32, ...NAN_32, ...NAN_32], [0xfd, 0x41], [0xfd, 0x42]),
  },
  f64x2: { type: 0x7b, replace: replaceLanes([0xfd, 0x0c, ...NAN_64, ...NAN_64], [0xfd, 0x47], [0xfd, 0x48]) },
};

/**
 * The module with every NaN whose bits the specification leaves open replaced by the canonical one, 0x7fc00000 or
 * 0x7ff8000000000000 in each lane, before anything can see its bits. The value goes into a local that is added to the function,
 * so blocks, branches and types stay as they are. Custom sections go: they tell offsets in the code that are no longer true, and
 * nobody reads them after the module has been inspected.
 *
 * @param parameterCounts of the functions that the module defines, in order
 * @throws SprfError `PROGRAM_INVALID` when it would become too large
 */
export function canonicaliseNans(module: Uint8Array, parameterCounts: readonly number[]): Uint8Array {
  const output = new WasmWriter(MAX_CANONICAL_BYTES);
  output.bytes(module, 0, HEADER_BYTES);
  const reader = new WasmReader(module, HEADER_BYTES);
  while (!reader.done) {
    const start = reader.position;
    const id = reader.byte();
    const section = reader.part(reader.u32());
    if (id === CUSTOM_SECTION) continue;
    if (id === CODE_SECTION) writeSized(output, [id], canonicaliseCode(module, section, parameterCounts));
    else output.bytes(module, start, reader.position);
  }
  return output.written;
}

function canonicaliseCode(module: Uint8Array, section: WasmReader, parameterCounts: readonly number[]): Uint8Array {
  const output = new WasmWriter(MAX_CANONICAL_BYTES);
  const code = new WasmWriter(MAX_CANONICAL_BYTES);
  const body = new WasmWriter(MAX_CANONICAL_BYTES);
  const count = section.u32();
  output.u32(count);
  for (let index = 0; index < count; index++) {
    const parameters = parameterCounts[index];
    if (parameters === undefined) refuse("it has a function without a type");
    code.clear();
    body.clear();
    writeFunction(module, section, parameters, { code, body });
    writeSized(output, [], body.written);
  }
  return output.written;
}

function writeFunction(
  module: Uint8Array,
  section: WasmReader,
  parameters: number,
  { code, body }: { readonly code: WasmWriter; readonly body: WasmWriter },
): void {
  /** The locals that are added, by type, in order. */
  const added = new Map<number, number>();
  const replacements = new Map<NanShape, Uint8Array>();
  let copied: number | undefined;
  const { declarations, instructionsStart } = scanFunction(
    section,
    (shape, after, { locals, instructionsStart: start }) => {
      let replacement = replacements.get(shape);
      if (replacement === undefined) {
        const { type, replace } = SHAPES[shape];
        if (!added.has(type)) added.set(type, parameters + locals + added.size);
        replacement = Uint8Array.from(replace(encodeU32(added.get(type) as number)));
        replacements.set(shape, replacement);
      }
      code.bytes(module, copied ?? start, after);
      code.bytes(replacement);
      copied = after;
    },
  );
  code.bytes(module, copied ?? instructionsStart, section.position);
  body.u32(declarations.count + added.size);
  body.bytes(module, declarations.start, instructionsStart);
  for (const type of added.keys()) body.bytes(Uint8Array.of(1, type));
  body.bytes(code.written);
}

/** Keeps what is on the stack when it equals itself, and puts the canonical NaN in its place when not. */
function replaceFloat(canonical: readonly number[], equal: readonly number[]): Replace {
  return (local) => {
    const get = [LOCAL_GET, ...local];
    return [[LOCAL_TEE], local, canonical, get, get, equal, [SELECT]].flat();
  };
}

/** The same for each lane; behind a branch, because a choice that is always made doubles the time of what works on vectors. */
function replaceLanes(canonical: readonly number[], equal: readonly number[], unequal: readonly number[]): Replace {
  return (local) => {
    const get = [LOCAL_GET, ...local];
    const isNanInAny = [[LOCAL_TEE], local, get, unequal, V128_ANY_TRUE];
    const chooseEach = [get, canonical, get, get, equal, V128_BITSELECT, [LOCAL_SET], local];
    return [...isNanInAny, IF_WITHOUT_RESULT, ...chooseEach, [END], get].flat();
  };
}

function writeSized(output: WasmWriter, prefix: readonly number[], content: Uint8Array): void {
  output.bytes(Uint8Array.from(prefix));
  output.u32(content.length);
  output.bytes(content);
}
