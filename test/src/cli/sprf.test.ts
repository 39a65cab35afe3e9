import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "chai";

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
});
