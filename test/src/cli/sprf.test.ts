import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "chai";

import { ERRORS } from "../../../src/errors.ts";
import { runCommandLine, succeed } from "../../helpers/command.ts";

const SPRF = fileURLToPath(new URL("../../../scripts/sprf.mjs", import.meta.url));
const TIMEOUT_MS = 60_000;

describe("cli/sprf", function () {
  this.timeout(TIMEOUT_MS);

  it("should take paths from where it is called", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sprf-called-"));
    try {
      const words = [SPRF, "program", "init", "mine", "--json"];
      const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: folder });
      expect(JSON.parse(stdout)).to.include({ folder: "mine", template: "wasi-c" });
      expect(await readdir(join(folder, "mine"))).to.include("sprf.json");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("should say as JSON, where that is asked for, what is wrong with a command line", async () => {
    const asked = await runCommandLine("npx sprf keys list --every --json");
    expect(asked.code).to.equal(2);
    expect(JSON.parse(asked.stdout)).to.deep.include({
      error: {
        code: "INVALID_INPUT",
        message: "unknown option '--every'",
        fault: "user",
        next: ERRORS.INVALID_INPUT.next,
      },
    });
    const plain = await runCommandLine("npx sprf keys lisp");
    expect(plain.code).to.equal(2);
    expect(plain.stderr).to.equal(
      "error: unknown command 'lisp'\n(Did you mean list?)\n`--help` tells what there is.\n",
    );
  });

  it("should tell its version", async () => {
    expect((await succeed("npx sprf --version")).stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });
});
