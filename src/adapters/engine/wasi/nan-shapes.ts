/** How a result that may be a NaN lies on the stack: one float, or the lanes of a vector. */
export type NanShape = "f32" | "f64" | "f32x4" | "f64x2";

/**
 * The shape of the result of an instruction of one byte whose NaN has bits that the specification leaves open; undefined for all
 * others. Exact to the bit, and so left alone: loads, constants, `neg`, `abs`, `copysign`, `select` and reinterpretations.
 */
export function nanShapeOf(opcode: number): NanShape | undefined {
  if (opcode >= 0x8d && opcode <= 0x97) return "f32"; // f32.ceil to f32.max
  if (opcode >= 0x9b && opcode <= 0xa5) return "f64"; // f64.ceil to f64.max
  if (opcode === 0xb6) return "f32"; // f32.demote_f64
  if (opcode === 0xbb) return "f64"; // f64.promote_f32
  return undefined;
}

const F32X4 = new Set([0x67, 0x68, 0x69, 0x6a]); // ceil, floor, trunc, nearest
const F64X2 = new Set([0x74, 0x75, 0x7a, 0x94]); // ceil, floor, trunc, nearest

/** The same for vector instructions, by the number after 0xfd. `pmin` and `pmax` give one of their operands as it is. */
export function vectorNanShapeOf(opcode: number): NanShape | undefined {
  if (F32X4.has(opcode) || (opcode >= 0xe3 && opcode <= 0xe9)) return "f32x4"; // f32x4.sqrt to f32x4.max
  if (F64X2.has(opcode) || (opcode >= 0xef && opcode <= 0xf5)) return "f64x2"; // f64x2.sqrt to f64x2.max
  if (opcode === 0x5e) return "f32x4"; // f32x4.demote_f64x2_zero
  if (opcode === 0x5f) return "f64x2"; // f64x2.promote_low_f32x4
  return undefined;
}

/**
 * Whether an instruction of one byte that takes a float off the stack comes to the same whatever the bits of a NaN: it compares,
 * traps, or gives a NaN whose bits are open again.
 */
export function ignoresNanBits(opcode: number): boolean {
  return (
    (opcode >= 0x5b && opcode <= 0x66) || // f32.eq to f64.ge
    (opcode >= 0xa8 && opcode <= 0xab) || // i32.trunc_f32_s to i32.trunc_f64_u
    (opcode >= 0xae && opcode <= 0xb1) || // i64.trunc_f32_s to i64.trunc_f64_u
    nanShapeOf(opcode) !== undefined
  );
}

/** The same for vector instructions and operands of the shape; those that read lanes otherwise see bits. */
export function ignoresNanBitsOf(shape: NanShape, opcode: number): boolean {
  const isConversion = opcode === 0x5e || opcode === 0x5f;
  return !isConversion && vectorNanShapeOf(opcode) === shape;
}
