import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { readProgramProject } from "../../../src/config/program-project.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("config/program-project", () => {
  let folder: string;
  const write = async (text: string): Promise<void> => await writeFile(join(folder, "sprf.json"), text);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-project-"));
  });
  afterEach(async () => await rm(folder, { recursive: true }));

  it("should read what a folder says of its program", async () => {
    await write(`{"engine": "wasi", "sources": ["src/main.c", "x+y@1.c"]}`);
    expect(await readProgramProject(folder)).to.deep.equal({ engine: "wasi", sources: ["src/main.c", "x+y@1.c"] });
    await write(`{"engine": "docker", "image": "me/tally:1"}`);
    expect(await readProgramProject(folder)).to.deep.equal({ engine: "docker", image: "me/tally:1" });
  });

  it("should refuse sources that lead out of the folder, or that a compiler takes for options", async () => {
    for (const source of ["../main.c", "/etc/passwd", "src/../../x.c", "-o", "a/-fplugin=x", "", "a//b", "a\nb"]) {
      await write(JSON.stringify({ engine: "wasi", sources: [source] }));
      expect(await codeOf(readProgramProject(folder)), source).to.equal("PROJECT_INVALID");
    }
  });

  it("should refuse whatever else is there, and nothing", async () => {
    expect(await codeOf(readProgramProject(folder))).to.equal("PROJECT_INVALID");
    for (const text of ["", "[]", `{"engine":"wasi","sources":[]}`, `{"engine":"docker","image":"NO"}`]) {
      await write(text);
      expect(await codeOf(readProgramProject(folder)), text).to.equal("PROJECT_INVALID");
    }
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        await write(text);
        expect(await codeOf(readProgramProject(folder))).to.equal("PROJECT_INVALID");
      }),
      { numRuns: 50 },
    );
  });
});
