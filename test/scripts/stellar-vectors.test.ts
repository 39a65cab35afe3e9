import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { parseVectorFile } from "../src/devnet/stellar/vector-form.ts";
import { runCommandLine } from "../helpers/command.ts";

const VECTORS = join(import.meta.dirname, "../vectors/stellar");

const lastLine = (text: string): string | undefined => text.trimEnd().split("\n").at(-1);

describe("npm run vectors", function () {
  this.timeout(120_000);

  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-vectors-"));
    for (const name of ["surge.json", "subentry-limit.json"]) await cp(join(VECTORS, name), join(folder, name));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("should replay every file of a folder and end with no difference and exit code 0", async () => {
    await writeFile(join(folder, "README.md"), "not a vector");
    const { code, stdout, stderr } = await runCommandLine(`npm run vectors -- ${folder}`);
    expect(code, stderr).to.equal(0);
    expect(stdout.trimEnd().split("\n")).to.deep.equal([
      "subentry-limit.json steps 15 equal 15 different 0",
      "surge.json steps 10 equal 10 different 0",
      "files 2 steps 25 equal 25 different 0",
      "steps 25 different 0",
    ]);
  });

  it("should show the first difference of each file in full, count them, and exit with 1", async () => {
    const path = join(folder, "surge.json");
    const file = parseVectorFile(await readFile(path, "utf8"));
    const steps = file.steps.map((step, i) =>
      i < 4 || step.ledger === undefined ? step : { ...step, ledger: { ...step.ledger, feePool: "12345" } },
    );
    await writeFile(path, JSON.stringify({ ...file, steps }));
    const { code, stdout } = await runCommandLine(`npm run vectors -- ${folder}`);
    expect(code).to.equal(1);
    const lines = stdout.trimEnd().split("\n");
    const wrong = steps.filter((step) => step.ledger?.feePool === "12345");
    expect(wrong.length).to.be.greaterThan(0);
    expect(lines.filter((line) => line.includes("first difference"))).to.have.lengthOf(1);
    expect(lines[2]).to.match(new RegExp(`^ {2}first difference: .*fee pool: expected "12345", got "\\d+"$`));
    expect(lines.at(-1)).to.equal(`steps 25 different ${wrong.length}`);
  });

  it("should say in one line what it cannot replay, replay the rest, and exit with 1", async () => {
    await writeFile(join(folder, "broken.json"), "{");
    await writeFile(join(folder, "empty.json"), "");
    await writeFile(join(folder, "other.json"), '{"name":"package"}');
    await writeFile(join(folder, "list.json"), "[]");
    await mkdir(join(folder, "folder.json"));
    const { code, stdout, stderr } = await runCommandLine(`npm run vectors -- ${folder}`);
    expect(code).to.equal(1);
    expect(stderr.trimEnd().split("\n")).to.have.lengthOf(5);
    for (const line of stderr.trimEnd().split("\n")) expect(line).to.match(/^\w+\.json cannot be replayed: ./);
    expect(lastLine(stdout)).to.equal("steps 25 different 0, and 5 of 7 files could not be replayed");
  });

  it("should refuse a folder that is missing, empty or a file in one line, and exit with 1", async () => {
    await mkdir(join(folder, "nothing"));
    for (const path of ["missing", "nothing", "surge.json"]) {
      const { code, stdout, stderr } = await runCommandLine(`npm run vectors -- ${join(folder, path)}`);
      expect(code, path).to.equal(1);
      expect(stdout).to.equal("");
      expect(stderr.trimEnd().split("\n"), stderr).to.have.lengthOf(1);
    }
  });
});
