import { expect } from "chai";
import { mkdtemp, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { openHarness, type EngineHarness } from "../../../compliance/engine-harness.ts";
import type { EngineFixture } from "../../../compliance/engine.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { dockerEngineFixture, runtimeAbsence } from "../../../helpers/docker-engine-fixture.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

const RUNTIME = "runsc";

/**
 * What programs need, and what they try, in gVisor. Not the whole suites: whether memory and processes are limited depends on
 * the machine's cgroups, which gVisor of Debian cannot use everywhere; then a bomb ends at its deadline.
 */
describeWithPart("runsc", await runtimeAbsence(RUNTIME), "docker engine with gVisor", () => {
  let f: EngineFixture;
  let files: EngineHarness;
  let directories: EngineHarness;
  let statePath: string;
  let states = 0;

  before(async function () {
    this.timeout(120_000);
    f = await dockerEngineFixture(`engine-runsc-${process.pid}`, RUNTIME);
    files = await openHarness((scratch) => f.create(scratch), f.probe);
    directories = await openHarness((scratch) => f.create(scratch), f.directoryProbe);
  });
  after(async () => {
    await files.close();
    await directories.close();
    await f.close();
  });
  beforeEach(async () => {
    statePath = join(files.home, `state-${++states}`);
    await writeFile(statePath, "mine");
  });
  afterEach("the next run is unharmed", async () => {
    expect(await files.accepted(statePath, "echo\nstill here")).to.equal("still here");
  });

  it("takes state and input in, and state and output out", async () => {
    expect(await files.accepted(statePath, "show\n")).to.equal("mine");
    await files.accepted(statePath, "append ,more\n");
    expect(await readFile(statePath, "utf8")).to.equal("mine,more");
    expect(await files.rejected(statePath, "exit 3\n")).to.deep.include({ reason: "exit", exitCode: 3 });
    const { reason } = await files.rejected(statePath, "flood\n", { limits: { outputBytes: 1_000 } });
    expect(reason).to.equal("output-limit");
  });

  it("takes directories, and refuses links in them", async () => {
    const state = await mkdtemp(join(directories.home, "state-"));
    await directories.accepted(state, "mkdir sub\n");
    await directories.accepted(state, "make sub/file\n");
    expect(await directories.accepted(state, "cat sub/file\n")).to.equal("made");
    expect((await directories.rejected(state, "plant link\n")).reason).to.equal("state-limit");
    expect((await readdir(state, { recursive: true })).toSorted()).to.deep.equal(["sub", "sub/file"]);
  });

  it("shows nothing of the machine, and no network", async () => {
    expect(await files.accepted(statePath, "proc\n")).to.equal("");
    expect(await files.accepted(statePath, "network\n")).to.not.match(/connected|\breachable/);
    expect(await files.accepted(statePath, "identity\n")).to.match(/^65534 65534 1 sprf \/ /);
  });

  it("leaves no process behind, and ends at its deadline", async () => {
    expect(await files.accepted(statePath, "orphan\n")).to.equal("");
    expect(await codeOf(files.run(statePath, "mute\n", { limits: { timeoutMs: 1_000 } }))).to.equal("TIMEOUT");
    const bomb = files.run(statePath, "eat\n", { limits: { timeoutMs: 2_000 } });
    expect(await codeOf(bomb)).to.be.oneOf(["TIMEOUT", "ENGINE_FAILED"]);
  });
});
