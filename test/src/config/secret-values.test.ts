import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readSecretValues } from "../../../src/config/secret-values.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("config/secret-values", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-secrets-"));
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  it("reads variables as they are, and files without their last line end", async () => {
    await writeFile(join(folder, "key"), "two\nlines\n");
    const values = await readSecretValues(
      [
        { name: "a", kind: "environment", from: "A" },
        { name: "b", kind: "file", from: "key" },
      ],
      folder,
      { A: "one\n" },
    );
    expect([...values]).to.deep.equal([
      ["a", "one\n"],
      ["b", "two\nlines"],
    ]);
  });

  it("names the secret that has no value", async () => {
    for (const kind of ["environment", "file"] as const) {
      expect(await codeOf(readSecretValues([{ name: "a", kind, from: "nowhere" }], folder, {}))).to.equal(
        "INVALID_INPUT",
      );
    }
  });
});
