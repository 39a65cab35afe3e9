import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type {
  Engine,
  PreparedProgram,
  ProgramEnvironment,
  ProgramReference,
  RunLimits,
  RunResult,
} from "../../src/ports/engine.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

/** An engine to test, with the program of `fixtures/probe.c` built for it. */
export interface EngineFixture {
  /** @param scratchDirectory where the engine may leave files while it works */
  create(scratchDirectory: string): Engine;
  readonly probe: ProgramReference;
  /** The same, declaring that its state is a directory. */
  readonly directoryProbe: ProgramReference;
  /** A well-formed reference that nobody has. */
  readonly unknown: ProgramReference;
  /** What else the environment holds, always the same. */
  readonly constantEnvironment: Readonly<Record<string, string>>;
  /** Whether the clock and the randomness of the system are fixed as well, not only what the environment says. */
  readonly fixesClockAndRandomness: boolean;
  /** How a program ends that asks for more memory than there is. */
  readonly memoryBomb: "rejected" | "ENGINE_FAILED";
  readonly trapExitCode: number;
  /** Further settings of the worker that crashes. */
  readonly crashingWorker: Readonly<Record<string, unknown>>;
  /** Whether a program is at work, so that a kill meets it in the middle. */
  isRunning(scratchDirectory: string): Promise<boolean>;
  /** What a crashed worker left besides files: containers, processes. */
  leftOvers(scratchDirectory: string): Promise<string[]>;
  close(): Promise<void>;
}

const CRASHING_WORKER = fileURLToPath(new URL("../src/adapters/engine/fixtures/crashing-worker.mjs", import.meta.url));
const MIB = 1024 * 1024;

const ENVIRONMENT: ProgramEnvironment = {
  program: "GBZXN7PIRZGNMHGA7MUUUF4GWPY5AYPV6LY4UV2GL6VJGIQRXFDNMADI",
  sequence: "4294967297",
  time: "1767225600",
  seed: "00112233445566778899aabbccddeeff".repeat(2),
};
const LIMITS: RunLimits = { memoryBytes: 64 * MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 20_000 };

/** What every implementation of the port must do. */
export function engineCompliance(name: string, setUp: () => Promise<EngineFixture>): void {
  describe(`engine port: ${name}`, () => {
    let f: EngineFixture;
    let engine: Engine;
    let program: PreparedProgram;
    let home: string;
    let scratch: string;
    let statePath: string;
    let states = 0;

    before(async () => {
      f = await setUp();
      home = await mkdtemp(join(tmpdir(), "sprf-engine-test-"));
      scratch = join(home, "scratch");
      engine = f.create(scratch);
      program = await engine.prepare(f.probe);
    });
    after(async () => {
      await engine.close();
      await f.close();
      await rm(home, { recursive: true, force: true });
    });
    beforeEach(async () => {
      statePath = join(home, `state-${++states}`);
      await writeFile(statePath, "");
    });

    const run = async (
      input: string | Uint8Array,
      options: { limits?: Partial<RunLimits>; signal?: AbortSignal; statePath?: string } = {},
    ): Promise<RunResult> =>
      await engine.run(
        {
          program,
          statePath: options.statePath ?? statePath,
          input: Buffer.from(input),
          environment: ENVIRONMENT,
          limits: { ...LIMITS, ...options.limits },
        },
        { signal: options.signal },
      );
    const accepted = async (...parameters: Parameters<typeof run>): Promise<string> => {
      const result = await run(...parameters);
      if (result.status === "rejected") expect.fail(`rejected: ${JSON.stringify({ ...result, output: "" })}`);
      return Buffer.from(result.output).toString();
    };
    const rejected = async (
      ...parameters: Parameters<typeof run>
    ): Promise<Extract<RunResult, { exitCode: number }>> => {
      const result = await run(...parameters);
      if (result.status === "accepted") expect.fail("accepted");
      return result;
    };
    const state = async (): Promise<string> => await readFile(statePath, "utf8");

    describe("prepare", () => {
      it("answers that the engine works", async () => {
        await engine.check();
      });

      it("reads what the program declares", () => {
        expect(program).to.deep.equal({ reference: f.probe, seconds: 2, state: "file" });
      });

      it("does not find a program that nobody has", async () => {
        expect(await codeOf(engine.prepare(f.unknown))).to.equal("PROGRAM_NOT_FOUND");
      });

      it("is aborted before it begins", async () => {
        expect(await codeOf(engine.prepare(f.unknown, { signal: AbortSignal.abort() }))).to.equal("ABORTED");
      });
    });

    describe("what a program sees", () => {
      it("has the four variables, and others only with constant values", async () => {
        const lines = (await accepted("env\n")).trimEnd().split("\n");
        const seen: Record<string, string> = Object.fromEntries(
          lines.map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")] as const),
        );
        expect(seen).to.deep.equal({
          SPRF_PROGRAM: ENVIRONMENT.program,
          SPRF_SEQUENCE: ENVIRONMENT.sequence,
          SPRF_TIME: ENVIRONMENT.time,
          SPRF_SEED: ENVIRONMENT.seed,
          ...f.constantEnvironment,
        });
      });

      it("reads 16 MiB of input intact", async () => {
        const body = linearCongruential(16 * MIB);
        const lengthAndHash = await accepted(Buffer.concat([Buffer.from("sum\n"), body]));
        expect(lengthAndHash).to.equal(`${body.length} ${fnv1a(body)}\n`);
      });

      it("may leave its input unread", async () => {
        expect(await accepted(Buffer.concat([Buffer.from("noop\n"), Buffer.alloc(4 * MIB)]))).to.equal("");
      });

      it("gives back bytes as they are", async () => {
        const body = Buffer.from(Array.from({ length: 512 }, (_, index) => index & 0xff));
        const result = await run(Buffer.concat([Buffer.from("echo\n"), body]));
        expect(Buffer.from(result.output).equals(body)).to.equal(true);
      });

      it("has no network", async () => {
        expect(await accepted("network\n")).to.not.match(/connected|\breachable/);
      });

      it("has no files of the machine", async () => {
        expect(await accepted("read /etc/passwd\n")).to.equal("refused\n");
        expect(await accepted(`read ${fileURLToPath(import.meta.url)}\n`)).to.equal("refused\n");
      });

      it("finds scratch space empty, and limited", async () => {
        expect(await accepted("scratch\n", { limits: { memoryBytes: 256 * MIB } })).to.equal(
          `full after ${64 * MIB}\n`,
        );
        expect(await accepted("list /tmp\n")).to.not.include("full");
      });

      it("runs equally twice", async function () {
        if (f.fixesClockAndRandomness) {
          expect(await accepted("clock\n")).to.equal(`${ENVIRONMENT.time}.0 0.0 0.0\n`);
          expect(await accepted("random\n")).to.equal(await accepted("random\n"));
        }
        expect(await accepted("list /\n")).to.equal(await accepted("list /\n"));
        expect(await accepted("args\n")).to.equal(await accepted("args\n"));
      });
    });

    describe("state", () => {
      it("starts empty, changes, and is kept", async () => {
        expect(await accepted("show\n")).to.equal("");
        await accepted("append one,\n");
        await accepted("append two\n");
        expect(await accepted("show\n")).to.equal("one,two");
        expect(await state()).to.equal("one,two");
      });

      it("is unchanged by a program that only reads", async () => {
        await writeFile(statePath, "as it was");
        expect(await accepted("show\n")).to.equal("as it was");
        expect(await state()).to.equal("as it was");
      });

      it("holds 8 MiB, in and out", async () => {
        const limits = { stateBytes: 8 * MIB };
        await accepted(`fill ${8 * MIB}\n`, { limits });
        const filled = await readFile(statePath);
        expect(filled.length).to.equal(8 * MIB);
        expect(filled.equals(linearCongruential(8 * MIB))).to.equal(true);
        expect(await accepted("sum\n", { limits })).to.match(/^0 /);
      });

      it("ends the program when it is larger than its limit, by one byte", async () => {
        await accepted(`fill ${MIB}\n`);
        const { reason } = await rejected(`fill ${MIB + 1}\n`);
        expect(reason).to.equal("state-limit");
      });

      it("refuses to begin with a state that is larger than its limit", async () => {
        await writeFile(statePath, Buffer.alloc(MIB + 1));
        expect((await rejected("noop\n")).reason).to.equal("state-limit");
      });

      it("cannot be replaced by a link to a file of the machine", async () => {
        await writeFile(statePath, "mine");
        expect(await accepted("link\n")).to.equal("unlink refused\nlink refused\nrename refused\n");
        expect((await lstat(statePath)).isFile()).to.equal(true);
        expect(await state()).to.equal("mine");
      });
    });

    describe("ends", () => {
      for (const exitCode of [1, 42, 125]) {
        it(`rejects exit code ${exitCode}, with the end of stderr`, async () => {
          const result = await rejected(`exit ${exitCode}\n`);
          expect(result).to.deep.include({ reason: "exit", exitCode, stderrTail: `left with ${exitCode}\n` });
          expect(Buffer.from(result.output).toString()).to.equal("some output\n");
        });
      }

      it("rejects a trap with a fixed exit code", async () => {
        expect(await rejected("trap\n")).to.deep.include({ reason: "exit", exitCode: f.trapExitCode });
      });

      it("rejects output above its limit, cut at the same byte every time", async () => {
        const result = await rejected("flood\n", { limits: { outputBytes: 100_001 } });
        expect(result.reason).to.equal("output-limit");
        expect(result.output).to.deep.equal(new Uint8Array(100_001).fill(0x78));
      });

      it("accepts output of exactly its limit", async () => {
        const output = await accepted(`echo\n${"y".repeat(5000)}`, { limits: { outputBytes: 5000 } });
        expect(output.length).to.equal(5000);
      });

      it("never takes a memory bomb for an answer", async () => {
        if (f.memoryBomb === "rejected") expect((await rejected("eat\n")).reason).to.equal("exit");
        else expect(await codeOf(run("eat\n"))).to.equal(f.memoryBomb);
      });

      it("kills an endless loop at its deadline", async () => {
        const began = performance.now();
        expect(await codeOf(run("spin\n", { limits: { timeoutMs: 500 } }))).to.equal("TIMEOUT");
        expect(performance.now() - began).to.be.lessThan(5000);
      });

      it("kills a run when it is aborted", async () => {
        const controller = new AbortController();
        const ended = codeOf(run("spin\n", { signal: controller.signal }));
        await until(async () => await f.isRunning(scratch), { what: "a running program" });
        controller.abort();
        expect(await ended).to.equal("ABORTED");
      });

      it("does not begin a run that is aborted already", async () => {
        expect(await codeOf(run("noop\n", { signal: AbortSignal.abort() }))).to.equal("ABORTED");
      });

      it("goes on after each of these ends", async () => {
        expect(await accepted("echo\nstill here")).to.equal("still here");
      });
    });

    it("keeps four runs at once apart", async () => {
      const names = ["a", "b", "c", "d"];
      const paths = names.map((letter) => join(home, `parallel-${letter}`));
      await Promise.all(paths.map((path) => writeFile(path, "")));
      await Promise.all(paths.map((path, index) => accepted(`append ${names[index]}\n`, { statePath: path })));
      const shown = await Promise.all(paths.map((path) => accepted("show\n", { statePath: path })));
      expect(shown).to.deep.equal(names);
    });

    it("removes what a killed worker left behind", async () => {
      const crashed = join(home, "crashed");
      const init = { reference: f.probe, scratchDirectory: crashed, ...f.crashingWorker };
      const worker = spawn(process.execPath, [CRASHING_WORKER, JSON.stringify(init)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await Promise.race([once(worker.stdout, "data"), once(worker, "exit")]);
      expect(worker.exitCode, "the worker ended by itself").to.equal(null);
      await until(async () => await f.isRunning(crashed), { what: "a running program" });
      worker.kill("SIGKILL");
      await once(worker, "close");
      expect(await f.leftOvers(crashed)).to.not.deep.equal([]);

      const next = f.create(crashed);
      await next.check();
      await next.close();
      await until(async () => (await f.leftOvers(crashed)).length === 0, { what: "the removal" });
      expect(await readdir(crashed)).to.deep.equal(["crashing-state"]);
    });

    it("leaves nothing behind when it is closed, and refuses to run", async () => {
      const other = f.create(join(home, "closed"));
      const input = Buffer.from("noop\n");
      await other.prepare(f.probe);
      await other.run({ program, statePath, input, environment: ENVIRONMENT, limits: LIMITS });
      await other.close();
      await other.close();
      expect(await readdir(join(home, "closed"))).to.deep.equal([]);
      expect(await codeOf(other.run({ program, statePath, input, environment: ENVIRONMENT, limits: LIMITS }))).to.equal(
        "ENGINE_UNAVAILABLE",
      );
    });
  });
}

/** The bytes that `fill` of the probe writes. */
function linearCongruential(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let x = 1;
  for (let index = 0; index < length; index++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = x >>> 24;
  }
  return bytes;
}

/** FNV-1a of 64 bits, as `sum` of the probe prints it; in two halves, since bigints would take seconds. */
function fnv1a(bytes: Uint8Array): string {
  let high = 0x14650fb0;
  let low = 0x739d0383;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    // The prime is 2^40 + 0x1b3.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
