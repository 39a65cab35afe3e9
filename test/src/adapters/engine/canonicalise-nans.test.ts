import { expect } from "chai";
import fc from "fast-check";
import { readFileSync } from "node:fs";

import { canonicaliseNans } from "../../../../src/adapters/engine/wasi/canonicalise-nans.ts";
import { DIRECTORY_LIMITS } from "../../../../src/adapters/engine/wasi/directory-state.ts";
import { inspectModule } from "../../../../src/adapters/engine/wasi/inspect-module.ts";
import { runProgram } from "../../../../src/adapters/engine/wasi/sandbox/run-program.ts";
import { isSprfError } from "../../../../src/errors.ts";
import {
  BINARY,
  constant,
  F64_OFFSET,
  floatExpressions,
  LOCALS,
  toNumber,
  TYPES,
  UNARY,
  type FloatExpression,
  type Width,
} from "../../../helpers/float-expressions.ts";
import { leb, wasmModule, type WasmParts } from "../../../helpers/wasm-module.ts";

const MIB = 1024 * 1024;
const RESULT_AT = 64;
/** i32.const 64, whose LEB128 has a sign. */
const ADDRESS = [0x41, 0xc0, 0x00];
const FLOATS = readFileSync(new URL("fixtures/floats.wasm", import.meta.url));
const PROBE = readFileSync(new URL("fixtures/probe.wasm", import.meta.url));
const NAN = { 32: 0xffc0deadn, 64: 0xfff8dead0000beefn };
const CANONICAL_32 = 0x7fc00000n;
const CANONICAL_64 = 0x7ff8000000000000n;
/** Both lanes, or all four. */
const CANONICAL_32X4 = [0x7fc000007fc00000n, 0x7fc000007fc00000n];
const CANONICAL_64X2 = [CANONICAL_64, CANONICAL_64];

function canonical(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(canonicaliseNans(bytes, inspectModule(bytes).parameterCounts));
}

/** What a module leaves at 64 and 72 of its memory. */
function resultsOf(bytes: Uint8Array): [bigint, bigint] {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), {});
  (instance.exports["_start"] as () => void)();
  const memory = new DataView((instance.exports["memory"] as WebAssembly.Memory).buffer);
  return [memory.getBigUint64(RESULT_AT, true), memory.getBigUint64(RESULT_AT + 8, true)];
}

/** A module that stores what `code` leaves. */
function storing(code: readonly number[], store: "f32" | "f64" | "v128", parts: WasmParts = {}): Uint8Array {
  const instruction = { f32: [0x38, 2, 0], f64: [0x39, 3, 0], v128: [0xfd, 0x0b, 4, 0] }[store];
  return wasmModule({ ...parts, bodies: [[...ADDRESS, ...code, ...instruction]] });
}

function vectorConstant(low: bigint, high: bigint): number[] {
  return [0xfd, 0x0c, ...constant(64, low).slice(1), ...constant(64, high).slice(1)];
}

/** Vector instructions by name: number, operands, what comes of NaNs in all lanes. */
const VECTOR: readonly (readonly [string, number, 1 | 2, readonly bigint[]])[] = [
  ["f32x4.ceil", 0x67, 1, CANONICAL_32X4],
  ["f32x4.floor", 0x68, 1, CANONICAL_32X4],
  ["f32x4.trunc", 0x69, 1, CANONICAL_32X4],
  ["f32x4.nearest", 0x6a, 1, CANONICAL_32X4],
  ["f32x4.sqrt", 0xe3, 1, CANONICAL_32X4],
  ["f32x4.add", 0xe4, 2, CANONICAL_32X4],
  ["f32x4.sub", 0xe5, 2, CANONICAL_32X4],
  ["f32x4.mul", 0xe6, 2, CANONICAL_32X4],
  ["f32x4.div", 0xe7, 2, CANONICAL_32X4],
  ["f32x4.min", 0xe8, 2, CANONICAL_32X4],
  ["f32x4.max", 0xe9, 2, CANONICAL_32X4],
  ["f64x2.ceil", 0x74, 1, CANONICAL_64X2],
  ["f64x2.floor", 0x75, 1, CANONICAL_64X2],
  ["f64x2.trunc", 0x7a, 1, CANONICAL_64X2],
  ["f64x2.nearest", 0x94, 1, CANONICAL_64X2],
  ["f64x2.sqrt", 0xef, 1, CANONICAL_64X2],
  ["f64x2.add", 0xf0, 2, CANONICAL_64X2],
  ["f64x2.sub", 0xf1, 2, CANONICAL_64X2],
  ["f64x2.mul", 0xf2, 2, CANONICAL_64X2],
  ["f64x2.div", 0xf3, 2, CANONICAL_64X2],
  ["f64x2.min", 0xf4, 2, CANONICAL_64X2],
  ["f64x2.max", 0xf5, 2, CANONICAL_64X2],
  ["f32x4.demote_f64x2_zero", 0x5e, 1, [CANONICAL_32X4[0] as bigint, 0n]],
  ["f64x2.promote_low_f32x4", 0x5f, 1, CANONICAL_64X2],
];

/** Instructions whose bits are fixed, with a NaN of odd sign and payload as each operand. */
const EXACT: readonly (readonly [string, readonly number[], "f64" | "v128", readonly [bigint, bigint]])[] = [
  ["f64.neg", [...constant(64, NAN[64]), 0x9a], "f64", [NAN[64] & ~(1n << 63n), 0n]],
  ["f64.abs", [...constant(64, NAN[64]), 0x99], "f64", [NAN[64] & ~(1n << 63n), 0n]],
  ["f64.copysign", [...constant(64, 0n), ...constant(64, NAN[64]), 0xa6], "f64", [1n << 63n, 0n]],
  ["a constant", constant(64, NAN[64]), "f64", [NAN[64], 0n]],
  [
    "f64x2.pmin",
    [...vectorConstant(NAN[64], 0n), ...vectorConstant(1n, NAN[64]), 0xfd, ...leb(0xf6)],
    "v128",
    [NAN[64], 0n],
  ],
  [
    "f32x4.pmax",
    [...vectorConstant(NAN[32], 0n), ...vectorConstant(1n, NAN[32]), 0xfd, ...leb(0xeb)],
    "v128",
    [NAN[32], 0n],
  ],
  ["f64x2.neg", [...vectorConstant(NAN[64], 0n), 0xfd, ...leb(0xed)], "v128", [NAN[64] & ~(1n << 63n), 1n << 63n]],
];

describe("canonicaliseNans", () => {
  for (const width of [32, 64] as const) {
    const nan = width === 32 ? CANONICAL_32 : CANONICAL_64;
    const offset = width === 32 ? 0 : F64_OFFSET;
    const number = constant(width, width === 32 ? 0x3f800000n : 0x3ff0000000000000n);
    const odd = constant(width, NAN[width]);
    const infinity = constant(width, width === 32 ? 0x7f800000n : 0x7ff0000000000000n);
    const minusOne = constant(width, width === 32 ? 0xbf800000n : 0xbff0000000000000n);
    const store = `f${width}` as const;

    for (const [name, opcode] of UNARY) {
      it(`gives the canonical NaN of f${width}.${name}`, () => {
        const operands = name === "sqrt" ? [odd, minusOne] : [odd];
        for (const operand of operands) {
          expect(resultsOf(canonical(storing([...operand, opcode + offset], store)))[0]).to.equal(nan);
        }
      });
    }
    for (const [name, opcode] of BINARY) {
      it(`gives the canonical NaN of f${width}.${name}`, () => {
        const operands = [
          [odd, number],
          [number, odd],
          [odd, odd],
        ];
        if (name === "sub" || name === "div") operands.push([infinity, infinity]);
        for (const pair of operands) {
          expect(resultsOf(canonical(storing([...pair.flat(), opcode + offset], store)))[0]).to.equal(nan);
        }
      });
    }
  }

  it("gives the canonical NaN of conversions between widths", () => {
    const demoted = storing([...constant(64, NAN[64]), 0xb6], "f32");
    const promoted = storing([...constant(32, NAN[32]), 0xbb], "f64");
    expect(resultsOf(canonical(demoted))[0]).to.equal(CANONICAL_32);
    expect(resultsOf(canonical(promoted))[0]).to.equal(CANONICAL_64);
  });

  for (const [name, opcode, operands, expected] of VECTOR) {
    it(`gives canonical NaNs in the lanes of ${name}`, () => {
      // As lanes of either width, these are NaNs.
      const nans = vectorConstant(0xfff8deadffc0beefn, 0xfff9dead7fc0beefn);
      const code = [...Array.from({ length: operands }, () => nans).flat(), 0xfd, ...leb(opcode)];
      expect(resultsOf(canonical(storing(code, "v128")))).to.deep.equal(expected);
    });
  }

  it("leaves the lanes of a vector that are no NaN", () => {
    const code = [
      ...vectorConstant(NAN[64], 0x4000000000000000n),
      ...vectorConstant(0n, 0x3ff0000000000000n),
      0xfd,
      ...leb(0xf0),
    ];
    expect(resultsOf(canonical(storing(code, "v128")))).to.deep.equal([CANONICAL_64, 0x4008000000000000n]);
  });

  it("gives canonical NaNs to what reads lanes otherwise", () => {
    // A NaN of f32 in the low half of a double, whose bits the addition that takes it keeps.
    const zeros = vectorConstant(0n, 0n);
    const nan = [...zeros, ...vectorConstant(0x40000000ffc0deadn, 0n), 0xfd, ...leb(0xe4)];
    const code = [...zeros, ...nan, 0xfd, ...leb(0xf0)];
    expect(resultsOf(canonical(storing(code, "v128")))[0]).to.equal(0x400000007fc00000n);
  });

  for (const [name, code, store, expected] of EXACT) {
    it(`leaves the bits of ${name}`, () => {
      // With an addition beside it, so that the module is rewritten.
      const bytes = storing([...code, ...constant(64, 0n), ...constant(64, 0n), 0xa0, 0x1a], store);
      expect(inspectModule(bytes).floats).to.equal(true);
      expect(resultsOf(canonical(bytes))).to.deep.equal(expected);
    });
  }

  it("comes to what the specification says, with canonical NaNs, for any expression", () => {
    const cases: fc.Arbitrary<readonly [Width, FloatExpression]> = fc.oneof(
      fc.tuple(fc.constant<Width>(32), floatExpressions.f32),
      fc.tuple(fc.constant<Width>(64), floatExpressions.f64),
    );
    fc.assert(
      fc.property(cases, ([width, { code, bits, seesNans }]) => {
        const bytes = storing(code, `f${width}`, { locals: LOCALS, types: TYPES });
        expect(resultsOf(canonical(bytes))[0]).to.equal(bits);
        if (seesNans) return;
        const [plain] = resultsOf(bytes);
        if (!Number.isNaN(toNumber(width, bits))) expect(plain).to.equal(bits);
        else expect(toNumber(width, plain)).to.be.NaN;
      }),
      { numRuns: 500 },
    );
  });

  it("adds its locals after parameters and locals, whatever their number", () => {
    for (const count of [0, 1, 126, 127, 128, 16_383, 16_384, 49_000]) {
      const code = [...constant(64, NAN[64]), ...constant(64, 0n), 0xa0, ...constant(32, NAN[32]), 0xbb, 0xa3];
      const bytes = storing(code, "f64", { locals: [[count, 0x7f]] });
      expect(resultsOf(canonical(bytes))[0], `${count} locals`).to.equal(CANONICAL_64);
    }
  });

  it("refuses more locals than engines take", () => {
    const bytes = storing([...constant(64, 0n), 0x9f], "f64", {
      locals: [
        [0xffff_ffff, 0x7f],
        [0xffff_ffff, 0x7f],
      ],
    });
    expect(codeOfRefusal(() => canonical(bytes))).to.equal("PROGRAM_INVALID");
  });

  it("looks at nothing that cannot be seen", () => {
    const compared = [...constant(64, 0n), ...constant(64, NAN[64]), ...constant(64, 0n), 0xa0, 0x63, 0x1a];
    expect(inspectModule(wasmModule({ bodies: [compared] })).floats).to.equal(false);
    expect(inspectModule(storing([...constant(64, NAN[64]), 0x9a], "f64")).floats).to.equal(false);
  });

  it("gives a valid module without custom sections, and the same again", () => {
    for (const bytes of [FLOATS, PROBE]) {
      const once = canonical(bytes);
      expect(WebAssembly.validate(once)).to.equal(true);
      expect(customSections(once)).to.deep.equal([]);
      expect(Buffer.compare(once, canonical(bytes))).to.equal(0);
    }
    expect(customSections(new Uint8Array(PROBE))).to.not.deep.equal([]);
  });

  it("refuses a module that would grow out of all proportion", () => {
    // Roots of roots, each to be seen: two bytes become 19.
    const zero = [0, ...constant(64, 0n)];
    const body = Buffer.concat([
      Buffer.from(zero),
      Buffer.alloc(8_000_000, "\x9f\x01", "latin1"),
      Buffer.of(0x1a, 0x0b),
    ]);
    const section = Buffer.concat([Buffer.from([1, ...leb(body.length)]), body]);
    const empty = wasmModule();
    // In place of the code section of the smallest module, which is its last 6 bytes.
    const bytes = Buffer.concat([empty.subarray(0, -6), Buffer.from([10, ...leb(section.length)]), section]);
    expect(codeOfRefusal(() => canonical(bytes))).to.equal("PROGRAM_INVALID");
  });

  for (const input of ["orbit 2000\n", "lanes 2000\n"]) {
    it(`leaves what clang made of floats as it is: ${input.trim()}`, () => {
      const [plain, changed] = [new Uint8Array(FLOATS), canonical(FLOATS)].map((bytes) => outputOf(bytes, input));
      expect(plain).to.match(/^([0-9a-f]+\n){6,}$/);
      expect(changed).to.equal(plain);
    });
  }

  it("gives what clang made of NaNs the canonical ones", () => {
    const nans = outputOf(canonical(FLOATS), "nans\n").trim().split("\n");
    expect(nans).to.deep.equal([
      ...Array.from({ length: 6 }, () => "7ff8000000000000"),
      "7ff8dead0000beef", // negated: exact
      "7ff8000000000000",
      "7fc00000",
      "7ff8000000000000",
      "7fc00000",
      "3f800000",
      "bf800000",
      "7f800000",
      "7ff8000000000000",
      "7ff8000000000000",
    ]);
  });
});

function codeOfRefusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}

function customSections(bytes: Uint8Array<ArrayBuffer>): readonly unknown[] {
  const module = new WebAssembly.Module(bytes);
  return ["name", "sprf.seconds", "producers", "target_features"].flatMap((name) =>
    WebAssembly.Module.customSections(module, name),
  );
}

function outputOf(bytes: Uint8Array<ArrayBuffer>, input: string): string {
  const request = {
    environment: { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) },
    outputBytes: MIB,
    state: "file" as const,
    stateBytes: MIB,
    directoryLimits: DIRECTORY_LIMITS,
    scratchBytes: MIB,
    stderrBytes: 4096,
  };
  const module = new WebAssembly.Module(bytes);
  return Buffer.from(runProgram(module, request, Buffer.alloc(0), Buffer.from(input)).output).toString();
}
