import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { readProgramProject } from "../../src/config/program-project.ts";
import { createProgramKit, initProgram, type ProgramKit, type Template } from "../../src/create-program-kit.ts";
import { codeOf } from "../helpers/code-of.ts";
import { dockerAbsence, REGISTRY } from "../helpers/docker-programs.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { wasiSdkAbsence } from "../helpers/wasi-sdk.ts";

const TIMEOUT_MS = 60_000;
const noCompiler = await wasiSdkAbsence();
const noDocker = await dockerAbsence();
const ENVIRONMENT = { program: "G", sequence: "1", time: "1767225600", seed: "00".repeat(32) };

describe("create-program-kit", function () {
  this.timeout(TIMEOUT_MS);
  let folder: string;

  const kitOf = async (): Promise<ProgramKit> => {
    const project = await readProgramProject(folder);
    return createProgramKit({ folder, project, engines: { kinds: [] } }, { logger: createMemoryLogger() });
  };
  const begin = async (template: Template): Promise<ProgramKit> => {
    await initProgram(folder, template);
    return await kitOf();
  };
  const tryWith = async (kit: ProgramKit, input: string, fresh = false): Promise<string> => {
    const { result } = await kit.try({ input: Buffer.from(input), fresh, environment: ENVIRONMENT });
    return `${result.status} ${Buffer.from(result.output).toString()}`;
  };
  const state = async (): Promise<string> => await readFile(join(folder, "build/state"), "utf8");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-kit-"));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("should begin in an empty folder alone, and try nothing that was not built", async () => {
    const kit = await begin("wasi-c");
    expect(await codeOf(initProgram(folder, "wasi-c"))).to.equal("PROJECT_EXISTS");
    expect(await codeOf(initProgram(join(folder, "main.c"), "wasi-c"))).to.equal("PROJECT_EXISTS");
    expect(await codeOf(tryWith(kit, ""))).to.equal("NOT_BUILT");
    expect(await codeOf(kit.module())).to.equal("NOT_BUILT");
    expect(await codeOf(kit.push(REGISTRY))).to.equal("INVALID_INPUT");
  });

  describeWithPart("wasi-sdk", noCompiler, "modules", () => {
    it("should build the same module in another folder, and keep the state of accepted runs", async () => {
      const kit = await begin("wasi-c");
      const { id, warnings } = await kit.build();
      expect(warnings).to.equal("");
      expect(await tryWith(kit, "3\n4\n")).to.equal("accepted 7\n");
      expect(await tryWith(kit, "1\n")).to.equal("accepted 8\n");
      expect(await tryWith(kit, "1\nx\n")).to.equal("rejected ");
      expect(await state()).to.equal("8\n");
      expect(await tryWith(kit, "2\n", true)).to.equal("accepted 2\n");
      const { gas, state: used } = await kit.try({ input: Buffer.from("1\n"), fresh: false, environment: ENVIRONMENT });
      expect(used).to.deep.equal({ kind: "file", bytesBefore: 2, bytesAfter: 2 });
      // 1,000 a run, 1,000 a second, a byte each of input and output, 10 a KiB of state.
      expect(gas).to.equal(1_000n + 1_000n + 2n + 2n + 10n);

      const first = folder;
      folder = join(first, "elsewhere");
      expect((await (await begin("wasi-c")).build()).id).to.equal(id);
      folder = first;
    });

    it("should say what the compiler says, and keep what was built before", async () => {
      const kit = await begin("wasi-c");
      await kit.build();
      const before = await kit.module();
      await writeFile(join(folder, "main.c"), "int main(void) { return tally; }");
      const failed = await kit.build().catch((error: unknown) => error);
      expect(failed).to.have.property("code", "BUILD_FAILED");
      expect(failed).to.have.property("message").that.contains("use of undeclared identifier 'tally'");
      expect(await kit.module()).to.deep.equal(before);
    });

    it("should find out at once what no worker would run, and a state of another kind", async () => {
      const kit = await begin("wasi-c");
      await writeFile(
        join(folder, "main.c"),
        `__attribute__((import_module("env"), import_name("dial"))) int dial(void);\nint main(void) { return dial(); }`,
      );
      expect(await codeOf(kit.build())).to.equal("PROGRAM_INVALID");
      await writeFile(join(folder, "main.c"), "int main(void) { return 0; }");
      await kit.build();
      await mkdir(join(folder, "build/state"));
      expect(await codeOf(tryWith(kit, ""))).to.equal("STATE_REFUSED");
    });

    it("should end when it is told to", async () => {
      const kit = await begin("wasi-c");
      expect(await codeOf(kit.build({ signal: AbortSignal.abort() }))).to.equal("ABORTED");
    });
  });

  describeWithPart("docker", noDocker, "images", () => {
    /** The template's program, with a command more between compiler and Dockerfile. */
    const imageWith = async (command: string): Promise<ProgramKit> => {
      const prepare = ["sh", "-c", `sh prepare.sh && ${command}`];
      const project = { engine: "docker", image: "sprf-test/kit:1", prepare };
      await writeFile(join(folder, "sprf.json"), JSON.stringify(project));
      return await kitOf();
    };

    it("should come to the same image whatever the dates of its files, and run it without a registry", async () => {
      await initProgram(folder, "docker-c");
      const kit = await imageWith("touch -d 1999-12-31 build/root/program");
      const { id } = await kit.build();
      const other = await imageWith("touch -d 2020-02-20 build/root/program");
      expect((await other.build()).id).to.equal(id);
      expect(await tryWith(kit, "3\n4\n")).to.equal("accepted 7\n");
      expect(await tryWith(kit, "x\n")).to.equal("rejected ");
      expect(await state()).to.equal("7\n");
      const { image, digest } = await kit.push(REGISTRY);
      expect(image).to.equal(`${REGISTRY}/sprf-test/kit:1`);
      expect((await kit.push(REGISTRY)).digest).to.equal(digest);
    });

    it("should refuse what comes out differently, and say why a Dockerfile fails", async () => {
      await initProgram(folder, "docker-c");
      const kit = await imageWith("head -c 8 /dev/urandom >build/root/salt");
      expect(await codeOf(kit.build())).to.equal("NON_DETERMINISTIC");
      await writeFile(join(folder, "Dockerfile"), "FROM scratch\nCOPY absent /\n");
      expect(await codeOf(kit.build())).to.equal("BUILD_FAILED");
    });
  });
});
