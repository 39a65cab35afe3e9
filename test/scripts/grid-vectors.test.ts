import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { SprfError } from "../../src/errors.ts";
import { parseGridVectors } from "../contracts/helpers/grid-vector-form.ts";
import { runCommandLine } from "../helpers/command.ts";

const VECTORS = join(import.meta.dirname, "../vectors/grid/billing.json");

interface Figures {
  readonly nodeContractCost: readonly { readonly cost: string }[];
  readonly discount: readonly { readonly level: string }[];
}

describe("npm run vectors:grid", function () {
  this.timeout(120_000);

  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-grid-vectors-"));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("should print the cases of the recorded file, end with no difference and exit with 0", async () => {
    const { code, stdout, stderr } = await runCommandLine("npm run vectors:grid");
    expect(code, stderr).to.equal(0);
    expect(stdout.trimEnd().split("\n")).to.deep.equal([
      "computeUnits cases 17 different 0",
      "nodeContractCost cases 14 different 0",
      "rentContractCost cases 4 different 0",
      "networkCost cases 12 different 0",
      "nameCost cases 5 different 0",
      "discount cases 12 different 0",
      "cases 64 different 0",
    ]);
  });

  it("should show each difference and exit with 1", async () => {
    const figures = JSON.parse(await readFile(VECTORS, "utf8")) as Figures;
    const nodeContractCost = figures.nodeContractCost.map((one, i) => (i === 2 ? { ...one, cost: "4723315" } : one));
    const discount = figures.discount.map((one, i) => (i === 0 ? { ...one, level: "gold" } : one));
    // More seconds than a contract takes: a case that cannot be asked is not one that was right.
    const nameCost = [{ seconds: String(2n ** 40n), cost: "1" }];
    const path = join(folder, "wrong.json");
    await writeFile(path, JSON.stringify({ ...figures, nodeContractCost, discount, nameCost }));
    const { code, stdout } = await runCommandLine(`npm run vectors:grid -- ${path}`);
    expect(code).to.equal(1);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).to.include("nodeContractCost[2]: expected 4723315, got 4723314");
    expect(lines).to.include("discount[0]: expected gold 564063644, got default 564063644");
    expect(lines.find((line) => line.startsWith("nameCost[0]: expected a figure, got "))).to.be.a("string");
    expect(lines.at(-1)).to.equal("cases 60 different 3");
  });

  it("should refuse in one line what is no such file, and exit with 1", async () => {
    const figures = JSON.parse(await readFile(VECTORS, "utf8")) as Record<string, unknown>;
    const { pricingPolicy } = figures;
    const bad = [
      "{",
      "[]",
      JSON.stringify({ pricingPolicy }),
      JSON.stringify({ ...figures, pricingPolicy: undefined }),
      JSON.stringify({ ...figures, nameCost: [{ seconds: "-1", cost: "0" }] }),
      JSON.stringify({ ...figures, computeUnits: [{ cru: 1, mruGiB: 1, cu: "1/0" }] }),
    ];
    for (const text of bad) {
      expect(() => parseGridVectors(text), text.slice(0, 40))
        .to.throw(SprfError)
        .with.property("code", "INVALID_INPUT");
    }
    // What nobody knows, nobody checks: such a file must not pass.
    await writeFile(join(folder, "unknown-section.json"), JSON.stringify({ ...figures, energyCost: [] }));
    for (const name of ["unknown-section.json", "missing.json"]) {
      const { code, stdout, stderr } = await runCommandLine(`npm run vectors:grid -- ${join(folder, name)}`);
      expect(code, name).to.equal(1);
      expect(stdout, name).to.equal("");
      expect(stderr.trimEnd().split("\n"), stderr).to.have.lengthOf(1);
    }
  });
});
