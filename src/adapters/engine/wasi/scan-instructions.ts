import { ignoresNanBits, ignoresNanBitsOf, vectorNanShapeOf, nanShapeOf, type NanShape } from "./nan-shapes.ts";
import { refuse, type WasmReader } from "./wasm-reader.ts";

const VALUE_TYPES: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);

/** @throws SprfError `PROGRAM_INVALID` for types past WebAssembly 2.0 */
export function readValueType(reader: WasmReader): number {
  const type = reader.byte();
  if (!VALUE_TYPES.has(type)) refuse(`value type 0x${type.toString(16)} is not allowed`);
  return type;
}

/** The most that WebAssembly engines take for all locals of a function. */
const MAX_LOCALS = 50_000;

/** Where the parts of a function are, as positions in the module. */
export interface FunctionParts {
  /** Declared locals, parameters not among them. */
  readonly locals: number;
  /** Groups of locals of one type: how many, and where the first one begins. */
  readonly declarations: { readonly count: number; readonly start: number };
  readonly instructionsStart: number;
}

/** Told of a result that may be a NaN whose bits the specification leaves open, and the position after its instruction. */
export type OnNan = (shape: NanShape, after: number, parts: FunctionParts) => void;

/**
 * Walks the next function of the code section and allows the instructions of WebAssembly 2.0 alone, so that what is valid does not
 * depend on the version of the machine's WebAssembly engine. Relaxed SIMD, threads, exceptions, tail calls and garbage collection
 * are refused, and `table.grow`, whose failure is each machine's own.
 *
 * @param onNan told of all results whose bits anything may see; not of those that the next instruction takes and that make no
 * difference to it
 * @throws SprfError `PROGRAM_INVALID`
 */
export function scanFunction(section: WasmReader, onNan: OnNan): FunctionParts {
  const body = section.part(section.u32());
  const count = body.u32();
  const declarations = { count, start: body.position };
  let locals = 0;
  for (let group = 0; group < count; group++) {
    locals += body.u32();
    readValueType(body);
  }
  if (locals > MAX_LOCALS) refuse(`a function has more than ${MAX_LOCALS} locals`);
  const parts = { locals, declarations, instructionsStart: body.position };
  scanInstructions(body, (shape, after) => onNan(shape, after, parts));
  return parts;
}

function scanInstructions(reader: WasmReader, onNan: (shape: NanShape, after: number) => void): void {
  /** What the instruction before has left on the stack. */
  let open: NanShape | undefined;
  while (!reader.done) {
    const before = reader.position;
    const opcode = reader.byte();
    let shape: NanShape | undefined;
    let ignores = false;
    if (opcode === 0xfd) {
      const vector = scanVector(reader);
      shape = vectorNanShapeOf(vector);
      ignores = open !== undefined && ignoresNanBitsOf(open, vector);
    } else if (opcode === 0xfc) scanExtended(reader);
    else {
      skipImmediates(reader, opcode);
      shape = nanShapeOf(opcode);
      ignores = ignoresNanBits(opcode);
    }
    if (open !== undefined && !ignores) onNan(open, before);
    open = shape;
  }
  // Only in a body that lacks its `end`.
  if (open !== undefined) onNan(open, reader.position);
}

function skipImmediates(reader: WasmReader, opcode: number): void {
  if (opcode >= 0x45 && opcode <= 0xc4) return;
  if (opcode >= 0x28 && opcode <= 0x3e) return skipMemoryArgument(reader);
  switch (opcode) {
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case 0x0b: // end
    case 0x0f: // return
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
      return;
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
      return reader.skipSigned(33);
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
    case 0x20: // local.get
    case 0x21: // local.set
    case 0x22: // local.tee
    case 0x23: // global.get
    case 0x24: // global.set
    case 0x25: // table.get
    case 0x26: // table.set
    case 0xd2: // ref.func
      reader.u32();
      return;
    case 0x0e: // br_table
      reader.repeat(() => reader.u32());
      reader.u32();
      return;
    case 0x11: // call_indirect
      reader.u32();
      reader.u32();
      return;
    case 0x1c: // select with types
      return reader.repeat(() => readValueType(reader));
    case 0x3f: // memory.size
    case 0x40: // memory.grow
      if (reader.byte() !== 0) refuse("it uses more than one memory");
      return;
    case 0x41: // i32.const
      return reader.skipSigned(32);
    case 0x42: // i64.const
      return reader.skipSigned(64);
    case 0x43: // f32.const
      return reader.skip(4);
    case 0x44: // f64.const
      return reader.skip(8);
    case 0xd0: // ref.null
      readValueType(reader);
      return;
    default:
      refuse(`instruction 0x${opcode.toString(16)} is not part of WebAssembly 2.0`);
  }
}

function scanExtended(reader: WasmReader): void {
  const opcode = reader.u32();
  if (opcode <= 7) return; // saturating truncations
  if (opcode === 15) refuse("it uses table.grow");
  if (opcode > 17) refuse(`instruction 0xfc ${opcode} is not part of WebAssembly 2.0`);
  reader.u32();
  // memory.init, memory.copy, table.init and table.copy have a second index.
  if (opcode === 8 || opcode === 10 || opcode === 12 || opcode === 14) reader.u32();
}

function scanVector(reader: WasmReader): number {
  const opcode = reader.u32();
  if (opcode >= 0x100) refuse("it uses relaxed SIMD, whose results differ between machines");
  if (opcode <= 11 || opcode === 92 || opcode === 93) skipMemoryArgument(reader);
  else if (opcode === 12 || opcode === 13) reader.skip(16);
  else if (opcode >= 21 && opcode <= 34) reader.skip(1);
  else if (opcode >= 84 && opcode <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
  return opcode;
}

function skipMemoryArgument(reader: WasmReader): void {
  // Alignments from 64 on announce the index of a memory.
  if (reader.u32() >= 64) refuse("it uses more than one memory");
  reader.u32();
}
