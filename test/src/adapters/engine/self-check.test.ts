import { expect } from "chai";
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { createSelfCheckingEngine } from "../../../../src/adapters/engine/self-check.ts";
import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, ProgramRun, RunResult } from "../../../../src/ports/engine.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { contentOf } from "../../../helpers/content-of.ts";
import { compileStatic, dockerAbsence, pushImage } from "../../../helpers/docker-programs.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { withSection } from "../../../helpers/wasm-module.ts";

const MIB = 1024 * 1024;
const SOURCE = fileURLToPath(new URL("fixtures/probe.c", import.meta.url));
const logger = createMemoryLogger();

/** Does something to the outcome of every second run, as a program that is not deterministic would. */
type Spoil = (run: ProgramRun, result: RunResult) => Promise<RunResult>;

describe("self-check", () => {
  let home: string;
  let inner: Engine;
  let runs = 0;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-self-check-"));
    const probe = await readFile(new URL("fixtures/probe.wasm", import.meta.url));
    const content = contentOf({ file: probe, directory: withSection(probe, "sprf.state", "directory") });
    inner = createWasiEngine({ content, logger }, { scratchDirectory: join(home, "scratch") });
  });
  after(async () => {
    await inner.close();
    await rm(home, { recursive: true });
  });

  const run = async (kind: "file" | "directory", input: string, spoil: Spoil = async (_, result) => result) => {
    const folder = await mkdtemp(join(home, "run-"));
    const statePath = join(folder, "state");
    if (kind === "file") await writeFile(statePath, "kept");
    else {
      await mkdir(join(statePath, "sub"), { recursive: true });
      await writeFile(join(statePath, "sub", "kept"), "kept");
    }
    runs = 0;
    const engine = createSelfCheckingEngine({
      ...inner,
      run: async (parts, options) => {
        const result = await inner.run(parts, options);
        return ++runs === 2 ? await spoil(parts, result) : result;
      },
    });
    const program = await engine.prepare({ kind: "wasi", cid: kind });
    const environment = { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) };
    const limits = {
      memoryBytes: 64 * MIB,
      outputBytes: MIB,
      stateBytes: MIB,
      timeoutMs: input === "spin\n" ? 500 : 30_000,
    };
    const running = engine.run({ program, statePath, input: Buffer.from(input), environment, limits });
    const code = await codeOf(running);
    expect(await readdir(folder)).to.deep.equal(["state"]);
    return { code, statePath, result: code === undefined ? await running : undefined };
  };

  it("gives what both runs gave, and its state once", async () => {
    const { result, statePath } = await run("file", "append ,more\n");
    expect(result?.status).to.equal("accepted");
    expect(runs).to.equal(2);
    expect(await readFile(statePath, "utf8")).to.equal("kept,more");
    expect((await run("file", "exit 3\n")).result).to.deep.include({ status: "rejected", exitCode: 3 });
  });

  it("does so with directories", async () => {
    const { result, statePath } = await run("directory", "make sub/new\n");
    expect(result?.status).to.equal("accepted");
    expect(await readFile(join(statePath, "sub", "new"), "utf8")).to.equal("made");
    expect(await readFile(join(statePath, "sub", "kept"), "utf8")).to.equal("kept");
  });

  const SPOILT: readonly [what: string, kind: "file" | "directory", spoil: Spoil][] = [
    ["their outputs differ", "file", async (_, result) => ({ ...result, output: Buffer.from("x") })],
    [
      "one rejects",
      "file",
      async () => ({ status: "rejected", reason: "exit", exitCode: 1, output: Buffer.from("some"), stderrTail: "" }),
    ],
    [
      "their states differ in length",
      "file",
      async ({ statePath }, result) => {
        await appendFile(statePath, "x");
        return result;
      },
    ],
    [
      "their states differ in one byte",
      "file",
      async ({ statePath }, result) => {
        const state = await readFile(statePath);
        await rm(statePath);
        await writeFile(statePath, Buffer.concat([state.subarray(0, -1), Buffer.from("!")]));
        return result;
      },
    ],
    [
      "one made another file",
      "directory",
      async ({ statePath }, result) => {
        await writeFile(join(statePath, "another"), "");
        return result;
      },
    ],
    [
      "a file of theirs differs",
      "directory",
      async ({ statePath }, result) => {
        await rm(join(statePath, "sub", "kept"));
        await writeFile(join(statePath, "sub", "kept"), "KEPT");
        return result;
      },
    ],
  ];
  for (const [what, kind, spoil] of SPOILT) {
    it(`fails when ${what}`, async () => {
      const input = kind === "file" ? "append some\n" : "make some\n";
      expect((await run(kind, input, spoil)).code).to.equal("NON_DETERMINISTIC");
    });
  }

  it("passes on what the engine fails with", async () => {
    expect((await run("file", "spin\n")).code).to.equal("TIMEOUT");
  });
});

describeWithPart("docker", await dockerAbsence(), "self-check on a Docker Engine", () => {
  it("finds a program that draws lots", async () => {
    const home = await mkdtemp(join(tmpdir(), "sprf-self-check-"));
    const binary = await compileStatic(join(home, "probe"), SOURCE);
    const reference = await pushImage(
      "sprf-test/self-check",
      'FROM scratch\nCOPY probe /probe\nENTRYPOINT ["/probe"]\n',
      {
        probe: binary,
      },
    );
    const engine = createSelfCheckingEngine(
      createDockerEngine({ logger }, { scratchDirectory: join(home, "scratch") }),
    );
    try {
      const program = await engine.prepare(reference);
      const statePath = join(home, "state");
      await writeFile(statePath, "");
      const outcome = async (input: string): Promise<string | undefined> =>
        await codeOf(
          engine.run({
            program,
            statePath,
            input: Buffer.from(input),
            environment: { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) },
            limits: { memoryBytes: 64 * MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 30_000 },
          }),
        );
      expect(await outcome("random\n")).to.equal("NON_DETERMINISTIC");
      expect(await outcome("append fine\n")).to.equal(undefined);
    } finally {
      await engine.close();
      await rm(home, { recursive: true });
    }
  });
});
