import { refuse, type WasmReader } from "./wasm-reader.ts";

const VALUE_TYPES: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);

/** @throws SprfError `PROGRAM_INVALID` for types past WebAssembly 2.0 */
export function readValueType(reader: WasmReader): number {
  const type = reader.byte();
  if (!VALUE_TYPES.has(type)) refuse(`value type 0x${type.toString(16)} is not allowed`);
  return type;
}

/**
 * Walks the body of a function and allows the instructions of WebAssembly 2.0 alone, so that what is valid does not depend
 * on the version of the machine's WebAssembly engine. Relaxed SIMD, threads, exceptions, tail calls and garbage collection
 * are refused, and `table.grow`, whose failure is each machine's own.
 *
 * @returns whether the body holds an instruction that may yield a NaN, whose bits the specification leaves open
 * @throws SprfError `PROGRAM_INVALID`
 */
export function scanInstructions(reader: WasmReader): { floats: boolean } {
  let floats = false;
  while (!reader.done) {
    const opcode = reader.byte();
    if (opcode === 0xfd) floats = scanVector(reader) || floats;
    else if (opcode === 0xfc) floats = scanExtended(reader) || floats;
    else {
      skipImmediates(reader, opcode);
      floats ||= yieldsNan(opcode);
    }
  }
  return { floats };
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

function scanExtended(reader: WasmReader): boolean {
  const opcode = reader.u32();
  if (opcode <= 7) return false; // saturating truncations
  if (opcode === 15) refuse("it uses table.grow");
  if (opcode > 17) refuse(`instruction 0xfc ${opcode} is not part of WebAssembly 2.0`);
  reader.u32();
  // memory.init, memory.copy, table.init and table.copy have a second index.
  if (opcode === 8 || opcode === 10 || opcode === 12 || opcode === 14) reader.u32();
  return false;
}

function scanVector(reader: WasmReader): boolean {
  const opcode = reader.u32();
  if (opcode >= 0x100) refuse("it uses relaxed SIMD, whose results differ between machines");
  if (opcode <= 11 || opcode === 92 || opcode === 93) skipMemoryArgument(reader);
  else if (opcode === 12 || opcode === 13) reader.skip(16);
  else if (opcode >= 21 && opcode <= 34) reader.skip(1);
  else if (opcode >= 84 && opcode <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
  return (
    [0x5e, 0x5f, 0x67, 0x68, 0x69, 0x6a, 0x74, 0x75, 0x7a, 0x94].includes(opcode) ||
    (opcode >= 0xe3 && opcode <= 0xeb) ||
    (opcode >= 0xef && opcode <= 0xf7)
  );
}

function skipMemoryArgument(reader: WasmReader): void {
  // Alignments from 64 on announce the index of a memory.
  if (reader.u32() >= 64) refuse("it uses more than one memory");
  reader.u32();
}

function yieldsNan(opcode: number): boolean {
  return (
    (opcode >= 0x8d && opcode <= 0x97) || // f32.ceil to f32.max
    (opcode >= 0x9b && opcode <= 0xa5) || // f64.ceil to f64.max
    opcode === 0xb6 || // f32.demote_f64
    opcode === 0xbb // f64.promote_f32
  );
}
