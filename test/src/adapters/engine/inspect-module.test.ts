import { expect } from "chai";
import fc from "fast-check";
import { readFileSync } from "node:fs";

import { inspectModule, limitMemory } from "../../../../src/adapters/engine/wasi/inspect-module.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { leb, wasmModule, type WasmParts } from "../../../helpers/wasm-module.ts";

const I32 = 0x7f;
const I64 = 0x7e;
const PROBE = readFileSync(new URL("fixtures/probe.wasm", import.meta.url));

/** What a module is refused for; undefined when it is taken. */
function refusal(bytes: Uint8Array): string | undefined {
  try {
    inspectModule(bytes);
    return undefined;
  } catch (error) {
    if (isSprfError(error, "PROGRAM_INVALID")) return error.message;
    throw error;
  }
}

const REFUSED: readonly [string, WasmParts, RegExp][] = [
  ["a socket", { imports: [{ name: "sock_send", type: [0x60, 5, I32, I32, I32, I32, I32, 1, I32] }] }, /sock_send/],
  ["an import of another module", { imports: [{ module: "env", name: "fd_close" }] }, /env\.fd_close/],
  ["an import named like a method", { imports: [{ name: "toString" }] }, /toString/],
  [
    "a known import of another type",
    { imports: [{ name: "fd_close", type: [0x60, 1, I64, 1, I32] }] },
    /fd_close.*type/,
  ],
  ["shared memory", { memory: [1, 3, 1, 2] }, /shared/],
  ["a 64-bit memory", { memory: [1, 4, 1] }, /32-bit/],
  ["two memories", { memory: [2, 0, 1, 0, 1] }, /one memory/],
  ["no memory", { memory: null }, /memory/],
  ["a memory that is not exported", { exports: [{ name: "_start", kind: 0, index: 0 }] }, /memory/],
  ["no _start", { exports: [{ name: "memory", kind: 2, index: 0 }] }, /_start/],
  ["a start section", { extra: [{ id: 8, content: [0] }] }, /start section/],
  ["a tag section", { extra: [{ id: 13, content: [0] }] }, /section 13/],
  ["relaxed SIMD", { bodies: [[0xfd, ...leb(0x100)]] }, /relaxed SIMD/],
  ["an atomic instruction", { bodies: [[0xfe, 0x03, 0]] }, /0xfe/],
  ["garbage collection", { bodies: [[0xfb, 0]] }, /0xfb/],
  ["a tail call", { bodies: [[0x12, 0]] }, /0x12/],
  ["an exception", { bodies: [[0x08, 0]] }, /0x8/],
  ["table.grow", { bodies: [[0xfc, 15, 0]] }, /table\.grow/],
  ["an access to a second memory", { bodies: [[0x41, 0, 0x28, 0x42, 1, 0, 0x1a]] }, /more than one memory/],
  ["a huge table", { table: [1, 0x70, 0, ...leb(1_000_001)] }, /entries/],
  ["seconds that are no number", { custom: { "sprf.seconds": "soon" } }, /sprf\.seconds/],
  ["too many seconds", { custom: { "sprf.seconds": "601" } }, /sprf\.seconds/],
  ["another kind of state", { custom: { "sprf.state": "database" } }, /state/],
];

describe("inspectModule", () => {
  it("takes the smallest command, with the default of 10 seconds", () => {
    expect(inspectModule(wasmModule())).to.deep.include({ seconds: 10, floats: false });
  });

  it("reads the seconds that a module declares", () => {
    expect(inspectModule(wasmModule({ custom: { "sprf.seconds": "37" } })).seconds).to.equal(37);
    expect(inspectModule(PROBE).seconds).to.equal(2);
  });

  it("takes a known import with its type", () => {
    const type = [0x60, 1, I32, 1, I32];
    expect(refusal(wasmModule({ imports: [{ name: "fd_close", type }] }))).to.equal(undefined);
  });

  for (const [what, parts, why] of REFUSED) {
    it(`refuses ${what}`, () => {
      expect(refusal(wasmModule(parts))).to.match(why);
    });
  }

  it("refuses what is no module", () => {
    expect(refusal(new Uint8Array(0))).to.match(/no WebAssembly/);
    expect(refusal(Buffer.from("\u007fELF and so on"))).to.match(/no WebAssembly/);
  });

  it("names floats whose NaN could differ, and no others", () => {
    const f64 = [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
    const adds = wasmModule({ bodies: [[...f64, ...f64, 0xa0, 0x1a]] });
    const compares = wasmModule({ bodies: [[...f64, ...f64, 0x61, 0x1a]] });
    const vectorAdds = wasmModule({ bodies: [[0xfd, ...leb(0xe4)]] });
    expect(inspectModule(adds).floats).to.equal(true);
    expect(inspectModule(compares).floats).to.equal(false);
    expect(inspectModule(vectorAdds).floats).to.equal(true);
  });

  it("ends with a refusal or facts, whatever the bytes", () => {
    const mutation = fc.array(fc.tuple(fc.nat(PROBE.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(mutation, fc.nat(PROBE.length), (changes, length) => {
        const bytes = Uint8Array.from(PROBE.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        refusal(bytes);
      }),
      { numRuns: 200 },
    );
  });
});

describe("limitMemory", () => {
  const memoryOf = (bytes: Uint8Array): { minPages: number; maxPages: number } => inspectModule(bytes).memory;
  const limited = (memory: readonly number[], maxPages: number): Uint8Array | undefined => {
    const bytes = wasmModule({ memory });
    return limitMemory(bytes, inspectModule(bytes), maxPages);
  };

  it("sets a maximum where there is none, or a larger one", () => {
    for (const memory of [
      [1, 0, 2],
      [1, 1, 2, ...leb(5000)],
    ]) {
      const bytes = limited(memory, 1000);
      if (bytes === undefined) expect.fail("refused");
      expect(memoryOf(bytes)).to.deep.include({ minPages: 2, maxPages: 1000 });
    }
  });

  it("leaves a smaller maximum as it is", () => {
    const bytes = limited([1, 1, 2, 3], 1000);
    if (bytes === undefined) expect.fail("refused");
    expect(memoryOf(bytes)).to.deep.include({ minPages: 2, maxPages: 3 });
  });

  it("gives nothing for a module that needs more from the start", () => {
    expect(limited([1, 0, 11], 10)).to.equal(undefined);
  });
});
