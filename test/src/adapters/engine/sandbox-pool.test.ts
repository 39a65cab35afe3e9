import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DIRECTORY_LIMITS } from "../../../../src/adapters/engine/wasi/directory-state.ts";
import { SandboxPool } from "../../../../src/adapters/engine/wasi/sandbox-pool.ts";
import type { ModuleToRun, SandboxProcess } from "../../../../src/adapters/engine/wasi/sandbox-process.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { until } from "../../../helpers/until.ts";
import { wasmModule, withSection } from "../../../helpers/wasm-module.ts";

const LARGE = "x".repeat(200_000);
const PATIENCE = { timeoutMs: 60_000 };
const EXIT_WITH = (code: number): Uint8Array =>
  wasmModule({
    imports: [{ name: "proc_exit", type: [0x60, 1, 0x7f, 0] }],
    bodies: [[0x41, code, 0x10, 0]],
  });

describe("SandboxPool", () => {
  let home: string;
  let pool: SandboxPool;
  const large = (key: string, code: number): ModuleToRun => ({ key, module: withSection(EXIT_WITH(code), "x", LARGE) });

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-pool-"));
    pool = new SandboxPool({ logger: createMemoryLogger() }, { scratchDirectory: home, warm: 2 });
  });
  afterEach(async () => {
    await pool.close();
    await rm(home, { recursive: true });
  });

  /** What a sandbox that is taken for a module has, and what the module exits with when it is run there. */
  const use = async (toRun: ModuleToRun): Promise<{ loaded: string | undefined; exitCode: unknown }> => {
    const sandbox = await pool.take(toRun);
    const { loaded } = sandbox;
    const exitCode = await run(sandbox, loaded === toRun.key ? new Uint8Array(0) : toRun.module);
    pool.release(sandbox);
    return { loaded, exitCode };
  };
  const run = async (sandbox: SandboxProcess, code: Uint8Array): Promise<unknown> => {
    const request = {
      environment: { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) },
      outputBytes: 1000,
      state: "file",
      stateBytes: 1000,
      directoryLimits: DIRECTORY_LIMITS,
      scratchBytes: 1000,
      stderrBytes: 1000,
    };
    const answer = { type: "result", maxBodyBytes: 2000 };
    return (await sandbox.request({ type: "run", request }, [code, new Uint8Array(0)], answer)).header["exitCode"];
  };

  it("has a large module compiled ahead once it was run twice in a row, and runs no other there", async () => {
    const [first, second] = [large("first", 1), large("second", 2)];
    for (let count = 0; count < 2; count++) {
      expect(await use(first)).to.deep.equal({ loaded: undefined, exitCode: 1 });
    }
    await until(async () => {
      const { loaded, exitCode } = await use(first);
      expect(exitCode).to.equal(1);
      return loaded === "first";
    }, PATIENCE);
    expect(await use(second)).to.deep.equal({ loaded: undefined, exitCode: 2 });
    await until(async () => {
      const { loaded, exitCode } = await use(second);
      expect(loaded).not.to.equal("first");
      expect(exitCode).to.equal(2);
      return loaded === "second";
    }, PATIENCE);
  }).timeout(120_000);

  it("compiles nothing ahead for modules that take turns, and nothing small", async () => {
    const small = { key: "small", module: EXIT_WITH(3) };
    const turns = [large("first", 1), large("second", 2)];
    for (const toRun of [...turns, ...turns, ...turns, small, small, small, small]) {
      expect((await use(toRun)).loaded).to.equal(undefined);
    }
  }).timeout(60_000);

  it("goes on without what could not be compiled ahead", async () => {
    const broken = { key: "broken", module: Buffer.concat([wasmModule(), Buffer.from(LARGE)]) };
    for (let count = 0; count < 4; count++) {
      const sandbox = await pool.take(broken);
      expect(sandbox.loaded).to.equal(undefined);
      pool.release(sandbox);
    }
  }).timeout(60_000);
});
