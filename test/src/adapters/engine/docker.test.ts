import { expect } from "chai";
import Docker from "dockerode";
import { symlink, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { containerOptions } from "../../../../src/adapters/engine/docker/container-options.ts";
import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { AttachedOutput } from "../../../../src/adapters/engine/docker/attached-output.ts";
import { pinnedImage } from "../../../../src/adapters/engine/docker/image-facts.ts";
import { copyStateOut } from "../../../../src/adapters/engine/docker/scratch-state.ts";
import { watchDirectory } from "../../../../src/adapters/engine/docker/watch-directory.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, PreparedProgram, ProgramReference, ProgramRun, RunResult } from "../../../../src/ports/engine.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { compileStatic, dockerAbsence, pushImage, REGISTRY } from "../../../helpers/docker-programs.ts";
import { until } from "../../../helpers/until.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

const SOURCE = fileURLToPath(new URL("fixtures/probe.c", import.meta.url));
const MIB = 1024 * 1024;
const DIGEST = "ab".repeat(32);

function runOf(program: PreparedProgram, statePath: string, input: string): ProgramRun {
  return {
    program,
    statePath,
    input: Buffer.from(input),
    environment: { program: "G", sequence: "1", time: "2", seed: "00".repeat(32) },
    limits: { memoryBytes: 64 * MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 20_000 },
  };
}

describe("docker engine, without a Docker Engine", () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-docker-test-"));
  });
  afterEach(async () => {
    await rm(home, { recursive: true, force: true });
  });

  it("says ENGINE_UNAVAILABLE when nobody listens", async () => {
    const connection = { socketPath: join(home, "no.sock") };
    const engine = createDockerEngine({ logger: createMemoryLogger() }, { connection, scratchDirectory: home });
    const program: PreparedProgram = {
      reference: { kind: "docker", image: "a/b:1", digest: DIGEST },
      seconds: 1,
      state: "file",
    };
    await writeFile(join(home, "state"), "");
    expect(await codeOf(engine.check())).to.equal("ENGINE_UNAVAILABLE");
    expect(await codeOf(engine.prepare(program.reference))).to.equal("ENGINE_UNAVAILABLE");
    expect(await codeOf(engine.run(runOf(program, join(home, "state"), "")))).to.equal("ENGINE_UNAVAILABLE");
    await engine.close();
  });

  it("pins by digest, whatever the tag says", () => {
    const pinned = (image: string): string => pinnedImage({ kind: "docker", image, digest: DIGEST });
    expect(pinned("127.0.0.1:5000/a/b:1")).to.equal(`127.0.0.1:5000/a/b@sha256:${DIGEST}`);
    expect(pinned("127.0.0.1:5000/a/b")).to.equal(`127.0.0.1:5000/a/b@sha256:${DIGEST}`);
    expect(pinned("a:latest")).to.equal(`a@sha256:${DIGEST}`);
  });

  for (const [image, digest] of [
    ["a/b:1", DIGEST.toUpperCase()],
    ["a/b:1", `sha256:${DIGEST}`],
    ["", DIGEST],
    ["-v:/:/host", DIGEST],
    ["a b", DIGEST],
  ] as const) {
    it(`refuses the reference ${JSON.stringify(image)} ${digest.slice(0, 10)}`, async () => {
      const work = async (): Promise<string> => await Promise.resolve(pinnedImage({ kind: "docker", image, digest }));
      expect(await codeOf(work())).to.equal("INVALID_INPUT");
    });
  }

  it("hardens every container", () => {
    const program: PreparedProgram = {
      reference: { kind: "docker", image: "a/b:1", digest: DIGEST },
      seconds: 1,
      state: "file",
    };
    const options = containerOptions(runOf(program, "/s", ""), {
      image: "a/b",
      stateSource: "/scratch/state",
      labels: {},
      cpus: 1.5,
      pids: 64,
      runtime: "runsc",
    });
    expect(options).to.deep.include({ User: "65534:65534", NetworkDisabled: true, Hostname: "sprf", Tty: false });
    expect(options.HostConfig).to.deep.include({
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      Memory: 64 * MIB,
      MemorySwap: 64 * MIB,
      NanoCpus: 1_500_000_000,
      PidsLimit: 64,
      LogConfig: { Type: "none", Config: {} },
      Runtime: "runsc",
    });
    expect(options.HostConfig?.Mounts).to.have.length(1);
  });

  it("puts an attached stream together, however it is cut", () => {
    const frame = (stream: number, text: string): Buffer => {
      const header = Buffer.alloc(8);
      header.writeUInt8(stream, 0);
      header.writeUInt32BE(text.length, 4);
      return Buffer.concat([header, Buffer.from(text)]);
    };
    const stream = Buffer.concat([frame(1, "one "), frame(2, "error"), frame(1, ""), frame(1, "two")]);
    for (let size = 1; size <= stream.length; size++) {
      const output = new AttachedOutput({ maxBytes: 6, tailBytes: 3 });
      let exceeded = false;
      for (let at = 0; at < stream.length; at += size) exceeded = output.push(stream.subarray(at, at + size)).exceeded;
      expect(Buffer.from(output.stdout).toString(), `pieces of ${size}`).to.equal("one tw");
      expect(output.stderrTail).to.equal("ror");
      expect(exceeded).to.equal(true);
    }
  });

  for (const kind of ["file", "directory"] as const) {
    it(`never follows a link that was planted in a ${kind}`, async () => {
      await writeFile(join(home, "secret"), "of the machine");
      const planted = join(home, "planted");
      if (kind === "directory") await mkdir(planted);
      await symlink(join(home, "secret"), kind === "directory" ? join(planted, "link") : planted);
      const target = join(home, "target");
      if (kind === "directory") await mkdir(target);
      expect(await codeOf(copyStateOut(planted, target, { kind, files: new Map() }, MIB))).to.equal("STATE_REFUSED");
      expect(await readdir(home)).to.include("secret");
      if (kind === "directory") expect(await readdir(target)).to.deep.equal([]);
    });
  }
});

describe("watchDirectory", () => {
  it("ends a run before the disk is full, whatever fills it", async () => {
    const home = await mkdtemp(join(tmpdir(), "sprf-watch-test-"));
    const watch = watchDirectory(home, MIB, { minFreeBytes: Number.MAX_SAFE_INTEGER });
    try {
      await until(() => watch.signal.aborted, { what: "the end of the run" });
      expect(watch.signal.reason).to.have.property("code", "ENGINE_FAILED");
    } finally {
      watch.stop();
      await rm(home, { recursive: true });
    }
  });

  it("counts files whose names are no text", async () => {
    const home = await mkdtemp(join(tmpdir(), "sprf-watch-test-"));
    await writeFile(Buffer.concat([Buffer.from(`${home}/`), Buffer.from([0xff])]), Buffer.alloc(2 * MIB, 1));
    const watch = watchDirectory(home, MIB, { minFreeBytes: 0 });
    try {
      await until(() => watch.signal.aborted, { what: "the end of the run" });
    } finally {
      watch.stop();
      await rm(home, { recursive: true });
    }
  });
});

describeWithPart("docker", await dockerAbsence(), "docker engine", () => {
  let engine: Engine;
  let home: string;
  let binary: Buffer;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-docker-test-"));
    binary = await compileStatic(join(home, "probe"), SOURCE);
    engine = createDockerEngine({ logger: createMemoryLogger() }, { scratchDirectory: home });
  });
  after(async () => {
    await engine.close();
    await rm(home, { recursive: true, force: true });
  });

  const image = async (name: string, lines: string): Promise<ProgramReference> =>
    await pushImage(`sprf-test/${name}`, `FROM scratch\nCOPY probe /probe\n${lines}`, { probe: binary });
  const run = async (program: PreparedProgram, statePath: string, input: string): Promise<RunResult> =>
    await engine.run(runOf(program, statePath, input));

  it("refuses an image that declares a volume", async () => {
    const reference = await image("volume", 'VOLUME /data\nENTRYPOINT ["/probe"]\n');
    expect(await codeOf(engine.prepare(reference))).to.equal("PROGRAM_INVALID");
  });

  it("refuses an image without an entrypoint", async () => {
    expect(await codeOf(engine.prepare(await image("no-entrypoint", "")))).to.equal("PROGRAM_INVALID");
  });

  it("refuses labels that it cannot read", async () => {
    const reference = await image("label", 'LABEL sprf.seconds="soon"\nENTRYPOINT ["/probe"]\n');
    expect(await codeOf(engine.prepare(reference))).to.equal("PROGRAM_INVALID");
  });

  it("refuses an entrypoint that is not in the image", async () => {
    const program = await engine.prepare(await image("missing-entrypoint", 'ENTRYPOINT ["/nothing"]\n'));
    await writeFile(join(home, "state"), "");
    expect(await codeOf(run(program, join(home, "state"), "noop\n"))).to.equal("PROGRAM_INVALID");
  });

  it("does not find images of a registry that is down", async () => {
    const reference: ProgramReference = { kind: "docker", image: "127.0.0.1:1/a:1", digest: DIGEST };
    expect(await codeOf(engine.prepare(reference))).to.equal("PROGRAM_NOT_FOUND");
  });

  it("stops a fork bomb by the limit of processes", async () => {
    const program = await engine.prepare(await image("probe", 'ENTRYPOINT ["/probe"]\n'));
    await writeFile(join(home, "state"), "");
    const result = await run(program, join(home, "state"), "fork\n");
    expect(Buffer.from(result.output).toString()).to.equal("forked few\n");
  });

  it("takes a program that is killed from outside for a failure of this machine", async () => {
    const program = await engine.prepare(await image("probe", 'ENTRYPOINT ["/probe"]\n'));
    await writeFile(join(home, "state"), "");
    expect(await codeOf(run(program, join(home, "state"), "exit 137\n"))).to.equal("ENGINE_FAILED");
  });

  it("takes a killed child for a failure of this machine, though the program exits with 0", async () => {
    const program = await engine.prepare(await image("probe", 'ENTRYPOINT ["/probe"]\n'));
    await writeFile(join(home, "state"), "");
    expect(await codeOf(run(program, join(home, "state"), "eat-in-child\n"))).to.equal("ENGINE_FAILED");
  });

  it("reports the progress of a pull", async () => {
    const reference = await image("progress", 'LABEL pull=again\nENTRYPOINT ["/probe"]\n');
    if (reference.kind !== "docker") expect.fail("not an image");
    const docker = new Docker();
    await docker.getImage(reference.image).remove({ force: true });
    await docker
      .getImage(`${REGISTRY}/sprf-test/progress@sha256:${reference.digest}`)
      .remove({ force: true })
      .catch(() => undefined);
    const seen: { done: number; total: number }[] = [];
    const program = await engine.prepare(reference, { onProgress: (progress) => seen.push(progress) });
    expect(program.state).to.equal("file");
    for (const { done, total } of seen) expect(done).to.be.within(0, total);
  });
});
