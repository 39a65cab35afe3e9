import { expect } from "chai";
import { readFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger, type LogLine } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, RunLimits, RunResult } from "../../../../src/ports/engine.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { contentOf } from "../../../helpers/content-of.ts";
import { wasmModule } from "../../../helpers/wasm-module.ts";

const MIB = 1024 * 1024;
const I32 = 0x7f;
const CALL = 0x10;
const DROP = 0x1a;
const UNREACHABLE = 0x00;
const number = (value: number): number[] => [0x41, ...signedLeb(value)];

/** Programs written by hand, each for one thing that C would hide. */
const MODULES: Readonly<Record<string, Uint8Array>> = {
  // Calls itself for ever without touching its memory: the stack of the process is what ends it.
  recursion: wasmModule({ bodies: [[CALL, 0]] }),
  // if (memory.grow(n) == -1) unreachable
  "grow-15": wasmModule({ bodies: [growOrTrap(15)] }),
  "grow-16": wasmModule({ bodies: [growOrTrap(16)] }),
  "large-memory": wasmModule({ memory: [1, 0, 17] }),
  // Valid in form, so that only the WebAssembly engine can tell: drop of nothing.
  mistyped: wasmModule({ bodies: [[DROP]] }),
  // f64.sqrt(0), and then a local that there is none of.
  "added-local": wasmModule({ bodies: [[0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x9f, DROP, 0x20, 0, DROP]] }),
  // A pointer outside of the memory is EFAULT (21), not a trap: traps unless random_get answers 21.
  "bad-pointer": wasmModule({
    imports: [{ name: "random_get", type: [0x60, 2, I32, I32, 1, I32] }],
    bodies: [[...number(-8), ...number(100), CALL, 0, ...number(21), 0x47, 0x04, 0x40, UNREACHABLE, 0x0b]],
  }),
  // A list of a billion buffers is refused before it is walked.
  "bad-list": wasmModule({
    imports: [{ name: "fd_write", type: [0x60, 4, I32, I32, I32, I32, 1, I32] }],
    bodies: [
      [...number(1), ...number(0), ...number(-1), ...number(0), CALL, 0, ...number(21), 0x47, 0x04, 0x40, 0x00, 0x0b],
    ],
  }),
  exit: wasmModule({
    imports: [{ name: "proc_exit", type: [0x60, 1, I32, 0] }],
    bodies: [[...number(256), CALL, 0]],
  }),
};

describe("wasi engine", () => {
  let engine: Engine;
  let home: string;
  const lines: LogLine[] = [];

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-wasi-test-"));
    const probe = await readFile(new URL("fixtures/probe.wasm", import.meta.url));
    const floats = await readFile(new URL("fixtures/floats.wasm", import.meta.url));
    const content = contentOf({ ...MODULES, probe, floats, huge: new Uint8Array(33 * MIB) });
    engine = createWasiEngine({ content, logger: createMemoryLogger(lines) }, { scratchDirectory: home });
  });
  after(async () => {
    await engine.close();
    await rm(home, { recursive: true, force: true });
  });

  const run = async (cid: string, limits: Partial<RunLimits> = {}, input = ""): Promise<RunResult> => {
    const program = await engine.prepare({ kind: "wasi", cid });
    const statePath = join(home, "state");
    await writeFile(statePath, "");
    return await engine.run({
      program,
      statePath,
      input: Buffer.from(input),
      environment: { program: "G", sequence: "1", time: "1767225600", seed: "5eed".repeat(16) },
      limits: { memoryBytes: MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 20_000, ...limits },
    });
  };

  it("takes an exhausted stack for a failure of this machine, never for an answer", async () => {
    expect(await codeOf(run("recursion"))).to.equal("ENGINE_FAILED");
  });

  it("lets memory grow up to its limit, and not by a page more", async () => {
    expect((await run("grow-15")).status).to.equal("accepted");
    expect(await run("grow-16")).to.deep.include({ status: "rejected", exitCode: 134 });
  });

  it("rejects a program that needs more memory than its limit from the start", async () => {
    expect(await run("large-memory")).to.deep.include({ status: "rejected", exitCode: 134 });
    expect((await run("large-memory", { memoryBytes: 2 * MIB })).status).to.equal("accepted");
  });

  it("refuses what WebAssembly itself finds invalid", async () => {
    expect(await codeOf(run("mistyped"))).to.equal("PROGRAM_INVALID");
  });

  it("refuses a module that is too large", async () => {
    expect(await codeOf(run("huge"))).to.equal("PROGRAM_INVALID");
  });

  it("answers bad pointers with an error number", async () => {
    expect((await run("bad-pointer")).status).to.equal("accepted");
    expect((await run("bad-list")).status).to.equal("accepted");
  });

  it("does not take exit code 256 for 0", async () => {
    expect(await run("exit")).to.deep.include({ status: "rejected", exitCode: 256 });
  });

  it("draws randomness from the seed as documented", async () => {
    // sha256("sprf/wasi-random/1" || seed || 0) and || 1, computed by coreutils.
    const expected = "f16657a726a4e3a4fa08e334bc2e914af53fb2853c817946e8bd45900fd48ddd9e00289d0eee3b169ce6bbdc65d5425e";
    const result = await run("probe", { memoryBytes: 4 * MIB }, "random\n");
    expect(Buffer.from(result.output).toString()).to.equal(`${expected}\n`);
  });

  it("gives NaNs the same bits on every machine, and says which programs need that", async () => {
    const result = await run("floats", { memoryBytes: 4 * MIB }, "nans\n");
    const [first, , , , , , negated] = Buffer.from(result.output).toString().split("\n");
    expect({ first, negated }).to.deep.equal({ first: "7ff8000000000000", negated: "7ff8dead0000beef" });
    const checked = lines.filter(({ message }) => message === "program checked").map(({ context }) => context);
    expect(checked.find(({ cid }) => cid === "recursion")).to.deep.include({ canonicalNans: false });
    expect(checked.find(({ cid }) => cid === "floats")).to.deep.include({ canonicalNans: true });
  });

  it("refuses a module that only becomes valid by what is added to it", async () => {
    expect(await codeOf(run("added-local"))).to.equal("PROGRAM_INVALID");
  });
});

function growOrTrap(pages: number): number[] {
  return [...number(pages), 0x40, 0, ...number(-1), 0x46, 0x04, 0x40, UNREACHABLE, 0x0b];
}

function signedLeb(value: number): number[] {
  if (value >= -64 && value < 64) return [value & 0x7f];
  return [(value & 0x7f) | 0x80, ...signedLeb(value >> 7)];
}
