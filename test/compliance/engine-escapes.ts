import { expect } from "chai";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";
import type { EngineFixture } from "./engine.ts";
import { openHarness, type EngineHarness } from "./engine-harness.ts";

const MIB = 1024 * 1024;
const MEMORY = { memoryBytes: 256 * MIB };

/** What a program tries that wants out, or wants the machine: each attempt ends, harms nobody, and is never a result that lies. */
export function engineEscapes(name: string, setUp: () => Promise<EngineFixture>): void {
  describe(`escape attempts: ${name}`, () => {
    let f: EngineFixture;
    let h: EngineHarness;
    let statePath: string;
    let states = 0;

    before(async () => {
      f = await setUp();
      h = await openHarness((scratch) => f.create(scratch), f.probe);
    });
    after(async () => {
      await h.close();
      await f.close();
    });
    beforeEach(async () => {
      statePath = join(h.home, `state-${++states}`);
      await writeFile(statePath, "mine");
    });
    afterEach("the next run and the state are unharmed", async () => {
      expect(await h.accepted(statePath, "show\n")).to.equal("mine");
      expect(await readFile(statePath, "utf8")).to.equal("mine");
    });

    it("reads nothing of the machine in /proc, /dev and /sys, and changes nothing there", async () => {
      expect(await h.accepted(statePath, "proc\n")).to.equal("");
    });

    it("is nobody, on a machine of no name, equally in every run", async () => {
      const seen = await h.accepted(statePath, "identity\n");
      expect(seen).to.match(/^(nobody|65534 65534 1 sprf \/ 22 1024)\n$/);
      expect(await h.accepted(statePath, "identity\n")).to.equal(seen);
    });

    it("cannot see another program's state, nor where states rest", async () => {
      const other = join(h.home, "other");
      await writeFile(other, "secret of another");
      const controller = new AbortController();
      const spinning = codeOf(h.run(other, "spin\n", { signal: controller.signal }));
      const scratch = join(h.home, "scratch");
      await until(async () => await f.isRunning(scratch), { what: "a running program", timeoutMs: 30_000 });
      expect((await h.rejected(statePath, `list ${scratch}\n`)).reason).to.equal("exit");
      expect(await h.accepted(statePath, `read ${other}\n`)).to.equal("refused\n");
      expect(await h.accepted(statePath, "list /sprf\n")).to.equal(".\n..\nstate\n");
      controller.abort();
      expect(await spinning).to.equal("ABORTED");
    });

    it("forks no bomb", async () => {
      expect(await h.accepted(statePath, "fork\n")).to.match(/^(forked few\n)?$/);
    });

    it("leaves no process behind that holds its output open", async () => {
      expect(await h.accepted(statePath, "orphan\n")).to.equal("");
      const scratch = join(h.home, "scratch");
      await until(async () => !(await f.isRunning(scratch)), { what: "the end of all processes", timeoutMs: 30_000 });
    });

    it("cannot hide from its deadline by closing its output", async () => {
      expect(await codeOf(h.run(statePath, "mute\n", { limits: { timeoutMs: 1_000 } }))).to.equal("TIMEOUT");
    });

    it("may say what it likes on stderr until its deadline; the end of it is kept", async () => {
      expect(await codeOf(h.run(statePath, "flood-stderr\n", { limits: { timeoutMs: 1_000 } }))).to.equal("TIMEOUT");
    });

    it("gets no memory by files: not by their number", async () => {
      expect(await h.accepted(statePath, "inodes\n", { limits: MEMORY })).to.equal("full, few\n");
    });

    it("gets no memory by files: not by their bytes", async () => {
      const filling = h.run(statePath, "scratch\n", { limits: { memoryBytes: 32 * MIB } });
      const code = await codeOf(filling);
      // In memory of the program, it is too much for it; outside of it, it is full.
      expect(code ?? Buffer.from((await filling).output).toString()).to.match(
        /^(ENGINE_FAILED|full after 67108864\n)$/,
      );
    });

    it("cannot claim a state of a TiB without writing it", async () => {
      const { reason } = await h.rejected(statePath, "sparse\n");
      expect(reason).to.be.oneOf(["exit", "state-limit"]);
    });

    it("cannot take others down with it: bombs beside an honest run", async () => {
      const honest = join(h.home, "honest");
      await writeFile(honest, "honest");
      const bombs = ["eat\n", "fork\n", "flood\n"].map(async (bomb, index) => {
        const path = join(h.home, `bomb-${index}`);
        await writeFile(path, "");
        const running = h.run(path, bomb);
        return (await codeOf(running)) ?? (await running).status;
      });
      expect(await h.accepted(honest, "show\n")).to.equal("honest");
      const [memory, processes, output] = await Promise.all(bombs);
      expect(memory).to.be.oneOf(["ENGINE_FAILED", "rejected"]);
      expect(processes).to.equal("accepted");
      expect(output).to.equal("rejected");
    });
  });
}
