import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { BuiltProject } from "../../../scripts/mutate/built-project.ts";
import type { Mutant } from "../../../scripts/mutate/find-mutants.ts";
import { checkUnchanged, joinReports, readReport } from "../../../scripts/mutate/join-reports.ts";
import type { Report } from "../../../scripts/mutate/report.ts";

const SURVIVOR = {
  id: "Vault:9:20:gt-gte",
  contract: "Vault",
  function: "add",
  operator: "gt-gte",
  source: "amount > 100",
  nth: 1,
  line: "if (amount > 100) revert();",
  replacement: ">=",
};

function reportOn(contract: string, commit: string): Report {
  return {
    mutants: 10,
    survived: 1,
    equivalent: 2,
    outcomes: { killed: 6, "timed-out": 1, survived: 2, unjudged: 0, stillborn: 3, "same-code": 1 },
    runs: [
      {
        commit,
        contractsAndTestsAsCommitted: true,
        machine: "a machine",
        versions: { node: "24.0.0", solc: "0.8.37" },
        date: "2026-01-01T00:00:00.000Z",
        seed: 1,
        secondsPerKill: 2.5,
        contracts: [contract],
      },
    ],
    contracts: { [contract]: { mutants: 10, survived: 1, equivalent: 2 } },
    survivors: [{ ...SURVIVOR, contract }],
    equivalents: [{ ...SURVIVOR, contract, reason: "argued for the sake of this test" }],
  };
}

/** What went wrong, in words. */
async function refusalOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return "";
  } catch (error) {
    return String(error);
  }
}

describe("scripts/mutate: reports of several runs", () => {
  let folder: string;

  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "sprf-join-"))));
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("adds up what runs of different contracts found, and says which run found it", () => {
    const joined = joinReports(reportOn("Vault", "a"), reportOn("Grid", "b"));
    expect(joined).to.deep.include({ mutants: 20, survived: 2, equivalent: 4 });
    expect(joined.outcomes).to.deep.equal({
      killed: 12,
      "timed-out": 2,
      survived: 4,
      unjudged: 0,
      stillborn: 6,
      "same-code": 2,
    });
    expect(joined.runs.map(({ commit, contracts }) => [commit, contracts])).to.deep.equal([
      ["a", ["Vault"]],
      ["b", ["Grid"]],
    ]);
    expect(Object.keys(joined.contracts)).to.deep.equal(["Grid", "Vault"]);
    expect(joined.survivors.map(({ contract }) => contract)).to.deep.equal(["Vault", "Grid"]);
    expect(joined.equivalents).to.have.length(2);
  });

  it("refuses what two runs judged", () => {
    expect(() => joinReports(reportOn("Vault", "a"), reportOn("Vault", "b"))).to.throw(/both runs judged Vault/);
  });

  it("reads what it wrote, and nothing else", async () => {
    const path = join(folder, "report.json");
    await writeFile(path, JSON.stringify(reportOn("Vault", "a")));
    expect(await readReport(path)).to.deep.equal(reportOn("Vault", "a"));
    await writeFile(path, '{"mutants": 3}');
    expect(await refusalOf(async () => await readReport(path))).to.match(/is no report of this check/);
  });

  it("refuses to join a report whose contracts have changed since, or what they import", async () => {
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder, encoding: "utf8" });
    await mkdir(join(folder, "contracts"));
    const write = async (name: string, text: string) => await writeFile(join(folder, "contracts", name), text);
    for (const name of ["Vault.sol", "Money.sol", "Other.sol"]) await write(name, "as it was");
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "as it was");
    const report = reportOn("Vault", git("rev-parse", "HEAD").trim());

    const paths = ["Vault.sol", "Money.sol", "Other.sol"].map((name) => `contracts/${name}`);
    const sourceNames = new Map(paths.map((path) => [path, `project/${path}`]));
    const closure = new Set(["project/contracts/Vault.sol", "project/contracts/Money.sol", "npm/Math.sol"]);
    const project = { sourceNames, closures: new Map([["project/contracts/Vault.sol", closure]]) };
    const mutant = { key: { contract: "Vault" }, sourceName: "project/contracts/Vault.sol" };
    const check = (of: Report) =>
      refusalOf(() => checkUnchanged(of, folder, project as unknown as BuiltProject, [mutant as Mutant]));

    expect(await check(report)).to.equal("");
    await write("Other.sol", "another");
    expect(await check(report)).to.equal("");
    await write("Money.sol", "another");
    expect(await check(report)).to.match(/about other contracts: contracts\/Money\.sol/);
    expect(await check(reportOn("Vault", "f".repeat(40)))).to.match(/git does not know its commit/);
    expect(await check(reportOn("Gone", "f".repeat(40)))).to.match(/there is no Gone any more/);
  });
});
