import fc from "fast-check";

import { leb } from "./wasm-module.ts";

export type Width = 32 | 64;

/** An expression of WebAssembly that leaves one float, and the bits that it has when every new NaN is the canonical one. */
export interface FloatExpression {
  readonly code: readonly number[];
  readonly bits: bigint;
  /** Whether something in it depends on the bits of NaNs, so that a machine's own NaNs lead to another number. */
  readonly seesNans: boolean;
}

/** Locals that expressions use: one of each width, the first and the second. */
export const LOCALS = [
  [1, 0x7d],
  [1, 0x7c],
] as const;
/** Types that expressions use as 1 and 2: blocks that leave two floats. */
export const TYPES = [
  [0x60, 0, 2, 0x7d, 0x7d],
  [0x60, 0, 2, 0x7c, 0x7c],
];

const CANONICAL = { 32: 0x7fc00000n, 64: 0x7ff8000000000000n };
const SIGN = { 32: 1n << 31n, 64: 1n << 63n };
const TYPE = { 32: 0x7d, 64: 0x7c };
const LOCAL = { 32: 0, 64: 1 };
const TWO_FLOATS = { 32: 1, 64: 2 };
const view = new DataView(new ArrayBuffer(8));

/** Bits that matter: numbers, edges, and NaNs of both signs and all kinds. */
const edges = {
  32: [0n, SIGN[32], 0x3f800000n, 0x7f800000n, 0xff800000n, 0x7fc00000n, 0xffc01234n, 0x7f800001n, 0xff9abcden, 1n],
  64: [
    0n,
    SIGN[64],
    0x3ff0000000000000n,
    0x7ff0000000000000n,
    0xfff0000000000000n,
    0x7ff8000000000000n,
    0xfff8dead0000beefn,
    0x7ff0000000000001n,
    0xfff4000000000000n,
    1n,
  ],
};

/** Any bits of a float, edges half of the time. */
export const bitsArbitrary = (width: Width): fc.Arbitrary<bigint> =>
  fc.oneof(fc.constantFrom(...edges[width]), fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n }));

/** Opcodes of f32, which those of f64 follow 14 later, with what they come to. */
export const UNARY: readonly (readonly [string, number, (value: number) => number])[] = [
  ["ceil", 0x8d, Math.ceil],
  ["floor", 0x8e, Math.floor],
  ["trunc", 0x8f, Math.trunc],
  ["nearest", 0x90, nearest],
  ["sqrt", 0x91, Math.sqrt],
];
export const BINARY: readonly (readonly [string, number, (a: number, b: number) => number])[] = [
  ["add", 0x92, (a, b) => a + b],
  ["sub", 0x93, (a, b) => a - b],
  ["mul", 0x94, (a, b) => a * b],
  ["div", 0x95, (a, b) => a / b],
  ["min", 0x96, Math.min],
  ["max", 0x97, Math.max],
];
/** What f64 has further on than f32. */
export const F64_OFFSET = 0x0e;

interface Expressions {
  f32: FloatExpression;
  f64: FloatExpression;
}

/** An expression of either width. */
export const floatExpressions = fc.letrec<Expressions>((tie) => ({ f32: nodes(32, tie), f64: nodes(64, tie) }));

/** The float that the bits stand for; a NaN loses its own. */
export function toNumber(width: Width, bits: bigint): number {
  if (width === 32) view.setUint32(0, Number(bits));
  else view.setBigUint64(0, bits);
  return width === 32 ? view.getFloat32(0) : view.getFloat64(0);
}

/** The bits of a result: those of the canonical NaN for every NaN. */
export function toBits(width: Width, value: number): bigint {
  if (Number.isNaN(value)) return CANONICAL[width];
  if (width === 32) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return width === 32 ? BigInt(view.getUint32(0)) : view.getBigUint64(0);
}

/** The instruction that leaves these bits. */
export function constant(width: Width, bits: bigint): number[] {
  const bytes = Array.from({ length: width / 8 }, (_, index) => Number((bits >> BigInt(8 * index)) & 0xffn));
  return [width === 32 ? 0x43 : 0x44, ...bytes];
}

function nodes(width: Width, tie: fc.LetrecTypedTie<Expressions>): fc.Arbitrary<FloatExpression> {
  const offset = width === 32 ? 0 : F64_OFFSET;
  const self = tie(`f${width}`);
  const leaf = bitsArbitrary(width).map((bits) => ({ code: constant(width, bits), bits, seesNans: false }));
  const unary = fc.tuple(fc.constantFrom(...UNARY), self).map(([[, opcode, of], x]) => ({
    code: [...x.code, opcode + offset],
    bits: toBits(width, of(toNumber(width, x.bits))),
    seesNans: x.seesNans,
  }));
  const binary = fc.tuple(fc.constantFrom(...BINARY), self, self).map(([[, opcode, of], x, y]) => ({
    code: [...x.code, ...y.code, opcode + offset],
    bits: toBits(width, of(toNumber(width, x.bits), toNumber(width, y.bits))),
    seesNans: x.seesNans || y.seesNans,
  }));
  const negated = self.map((x) => ({ ...x, code: [...x.code, 0x8c + offset], bits: x.bits ^ SIGN[width] }));
  const copiedSign = fc.tuple(self, self).map(([x, y]) => ({
    code: [...x.code, ...y.code, 0x98 + offset],
    bits: (x.bits & ~SIGN[width]) | (y.bits & SIGN[width]),
    seesNans: true,
  }));
  const converted = (width === 32 ? tie("f64") : tie("f32")).map((x) => ({
    code: [...x.code, width === 32 ? 0xb6 : 0xbb],
    bits: toBits(width, toNumber(width === 32 ? 64 : 32, x.bits)),
    seesNans: x.seesNans,
  }));
  // The bits as an integer, turned over in part.
  const flipped = self.map((x) => ({
    code: [
      ...x.code,
      ...(width === 32 ? [0xbc, 0x41, 0x2a, 0x73, 0xbe] : [0xbd, 0x42, 0x2a, 0x85, 0xbf]), // reinterpret, const 42, xor, back
    ],
    bits: x.bits ^ 42n,
    seesNans: true,
  }));
  // if (x < y) x' else y', where x' goes through a local and y' through a branch out of a loop.
  const chosen = fc.tuple(self, self).map(([x, y]) => {
    const less = toNumber(width, x.bits) < toNumber(width, y.bits);
    const [type, local, lessThan] = [TYPE[width], LOCAL[width], width === 32 ? 0x5d : 0x63];
    const thenX = [...x.code, 0x21, local, 0x20, local];
    const elseY = [0x02, type, 0x03, 0x40, ...y.code, 0x0c, 1, 0x0b, 0x00, 0x0b];
    return {
      code: [...x.code, ...y.code, lessThan, 0x04, type, ...thenX, 0x05, ...elseY, 0x0b],
      bits: less ? x.bits : y.bits,
      seesNans: x.seesNans || y.seesNans,
    };
  });
  // A block of two results, taken by a subtraction.
  const pair = fc.tuple(self, self).map(([x, y]) => ({
    code: [0x02, ...leb(TWO_FLOATS[width]), ...x.code, ...y.code, 0x0b, 0x93 + offset],
    bits: toBits(width, toNumber(width, x.bits) - toNumber(width, y.bits)),
    seesNans: x.seesNans || y.seesNans,
  }));
  const inner = [binary, unary, converted, negated, copiedSign, flipped, chosen, pair];
  return fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaf, ...inner) as fc.Arbitrary<FloatExpression>;
}

/** To the nearest integer, halves to the even one; zeros keep the sign. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  if (!Number.isFinite(value) || over === 0) return value;
  const rounded = over < 0.5 || (over === 0.5 && below % 2 === 0) ? below : below + 1;
  return rounded === 0 && value < 0 ? -0 : rounded;
}
