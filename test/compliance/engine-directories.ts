import { expect } from "chai";
import { lstat, mkdir, mkdtemp, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { MAX_DIRECTORY_ENTRIES, MAX_STATE_DEPTH, STATE_ENTRY_BYTES } from "../../src/domain/program/state-tree.ts";
import { fileIdentity, isSameFile } from "../../src/files/list-tree.ts";
import { codeOf } from "../helpers/code-of.ts";
import type { EngineFixture } from "./engine.ts";
import { openHarness, type EngineHarness } from "./engine-harness.ts";

const MIB = 1024 * 1024;

/** What every engine must do with programs whose state is a directory. */
export function engineDirectories(name: string, setUp: () => Promise<EngineFixture>): void {
  describe(`a state that is a directory: ${name}`, () => {
    let f: EngineFixture;
    let h: EngineHarness;
    let state: string;

    before(async () => {
      f = await setUp();
      h = await openHarness((scratch) => f.create(scratch), f.directoryProbe);
    });
    after(async () => {
      await h.close();
      await f.close();
    });
    beforeEach(async () => {
      state = await mkdtemp(join(h.home, "state-"));
      await mkdir(join(state, "sub"));
      await writeFile(join(state, "sub", "kept"), "kept");
      await writeFile(join(state, "other"), "other");
    });

    const unharmed = async (): Promise<void> => {
      expect(await namesOf(state)).to.deep.equal(["other", "sub", "sub/kept"]);
      expect(await readFile(join(state, "sub", "kept"), "utf8")).to.equal("kept");
    };

    it("is what the program declares", () => {
      expect(h.program.state).to.equal("directory");
    });

    it("is empty at first, and keeps what is made in it", async () => {
      const empty = await mkdtemp(join(h.home, "empty-"));
      expect(await h.accepted(empty, "list /sprf/state\n")).to.equal(".\n..\n");
      await h.accepted(empty, "mkdir a\n");
      await h.accepted(empty, "make a/b\n");
      expect(await namesOf(empty)).to.deep.equal(["a", "a/b"]);
      expect(await h.accepted(empty, "cat a/b\n")).to.equal("made");
    });

    it("loses what is removed, and keeps an empty directory", async () => {
      await h.accepted(state, "remove sub/kept\n");
      expect(await namesOf(state)).to.deep.equal(["other", "sub"]);
      await h.accepted(state, "rmdir sub\n");
      expect(await namesOf(state)).to.deep.equal(["other"]);
    });

    it("makes new files of what changed, and touches nothing else", async () => {
      const before = await fileIdentity(join(state, "other"));
      const changed = await fileIdentity(join(state, "sub", "kept"));
      await h.accepted(state, "make sub/kept\n");
      expect(await readFile(join(state, "sub", "kept"), "utf8")).to.equal("made");
      expect(isSameFile(await fileIdentity(join(state, "sub", "kept")), changed)).to.equal(false);
      expect(isSameFile(await fileIdentity(join(state, "other")), before)).to.equal(true);
    });

    it("stays as it is when the program only reads", async () => {
      const before = await fileIdentity(join(state, "other"));
      expect(await h.accepted(state, "cat sub/kept\n")).to.equal("kept");
      await unharmed();
      expect(isSameFile(await fileIdentity(join(state, "other")), before)).to.equal(true);
    });

    it("takes a file for a directory's place, and the other way round", async () => {
      await h.accepted(state, "remove other\n");
      await h.accepted(state, "mkdir other\n");
      expect((await lstat(join(state, "other"))).isDirectory()).to.equal(true);
      await h.accepted(state, "rmdir other\n");
      await h.accepted(state, "make other\n");
      expect(await readFile(join(state, "other"), "utf8")).to.equal("made");
    });

    for (const [what, input] of [
      ["a link", "plant link\n"],
      ["a link in a directory", "plant sub/link\n"],
      ["a pipe", "pipe pipe\n"],
      ["a name that is no UTF-8", "make-raw\n"],
      ["a name with a backslash", "make a\\b\n"],
      ["a name with a control character", "make a\tb\n"],
      ["a name of 201 bytes", `make ${"n".repeat(201)}\n`],
      ["directories nested too deep", `nest ${MAX_STATE_DEPTH + 1}\n`],
      ["a directory of too many entries", `entries ${MAX_DIRECTORY_ENTRIES + 1}\n`],
    ] as const) {
      it(`is not accepted with ${what}`, async () => {
        const { reason } = await h.rejected(state, input, { limits: { stateBytes: 8 * MIB } });
        expect(reason).to.be.oneOf(["exit", "state-limit"]);
        await unharmed();
      });
    }

    it("may go to its limits", async () => {
      const limits = { stateBytes: 8 * MIB };
      const empty = await mkdtemp(join(h.home, "empty-"));
      await h.accepted(empty, `make ${"n".repeat(200)}\n`, { limits });
      await h.accepted(empty, `nest ${MAX_STATE_DEPTH}\n`, { limits });
      await h.accepted(empty, `entries ${MAX_DIRECTORY_ENTRIES - 2}\n`, { limits });
      expect(await readdir(empty)).to.have.length(MAX_DIRECTORY_ENTRIES);
    });

    it("counts entries besides their bytes", async () => {
      const empty = await mkdtemp(join(h.home, "empty-"));
      const limits = { stateBytes: 20 * STATE_ENTRY_BYTES };
      await h.accepted(empty, "entries 20\n", { limits });
      const { reason } = await h.rejected(empty, "entries 21\n", { limits });
      expect(reason).to.equal("state-limit");
    });

    it("is refused before the run when it breaks the rules, or is too large", async () => {
      const limits = { stateBytes: 2 * STATE_ENTRY_BYTES };
      expect((await h.rejected(state, "noop\n", { limits })).reason).to.equal("state-limit");
      await symlink("/etc/hostname", join(state, "link"));
      expect((await h.rejected(state, "noop\n")).reason).to.equal("state-limit");
    });

    it("cannot fill the disk", async () => {
      const filling = h.run(state, "make-many\n");
      const code = await codeOf(filling);
      if (code === undefined) expect(await filling).to.deep.include({ status: "rejected", reason: "state-limit" });
      else expect(code).to.equal("ENGINE_FAILED");
      await unharmed();
    });
  });
}

async function namesOf(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).toSorted();
}
