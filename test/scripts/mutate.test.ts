import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

/** Nine mutants; two of them compile to the same code, and two are told from the original only at the limit itself. */
const VAULT = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

contract Vault {
    uint256 private constant SPARE = 7;
    uint256 public total;

    function add(uint256 amount) external {
        if (amount > 100) revert();
        total += amount;
    }
}
`;
const HARDHAT_CONFIG = `
import { createRequire } from "node:module";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";
export default defineConfig({
  plugins: [toolbox],
  solidity: {
    version: "0.8.37",
    path: createRequire(import.meta.url).resolve("solc/soljson.js"),
    settings: { evmVersion: "osaka", optimizer: { enabled: true, runs: 200 } },
  },
});
`;
/** Tries 5 and 200, and nothing near the limit. */
const WEAK_TEST = `
import { expect } from "chai";
import { network } from "hardhat";
const { ethers } = await network.create();
it("adds", async () => {
  const vault = await ethers.deployContract("Vault");
  await vault.add(5);
  expect(await vault.total()).to.equal(5);
  await expect(vault.add(200)).to.revert(ethers);
});
`;
const LIMIT_TEST = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vault} from "../../../contracts/market/Vault.sol";

contract VaultTest {
    function testLimit() external {
        Vault vault = new Vault();
        vault.add(100);
        (bool isTaken, ) = address(vault).call(abi.encodeCall(vault.add, (101)));
        require(!isTaken, "above the limit");
    }
}
`;
const FILES = {
  "package.json": '{ "type": "module" }',
  "hardhat.config.ts": HARDHAT_CONFIG,
  "contracts/market/Vault.sol": VAULT,
  "test/contracts/market/Vault.test.ts": WEAK_TEST,
};
const ARGUED = "test/contracts/equivalent-mutants.json";
const REASON = "argued for the sake of this test";
const BOUNDARY = { contract: "Vault", function: "add", operator: "gt-gte", source: "amount > 100", reason: REASON };
const LIMIT = { contract: "Vault", function: "add", operator: "const-increment", source: "100", reason: REASON };

describe("scripts/mutate", function () {
  // Each run builds a project and starts a process for every mutant.
  this.timeout(180_000);
  let root: string;
  let verdicts: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "sprf-mutate-test-"));
    verdicts = join(root, ".verdicts.jsonl");
    for (const [path, text] of Object.entries(FILES)) await put(path, text);
  });

  after(async () => await rm(root, { recursive: true, force: true }));

  it("finds what a weak test lets live, and fails", async () => {
    const report = join(root, ".report.json");
    const run = await mutate("--resume", verdicts, "--json", report);
    expect(run.lastLine).to.equal("mutants 9 survived 2 equivalent 2");
    expect(run.code).to.equal(1);
    const { survivors, equivalents, outcomes } = JSON.parse(await readFile(report, "utf8")) as {
      survivors: { id: string; line: string }[];
      equivalents: { id: string; reason: string }[];
      outcomes: Record<string, number>;
    };
    const line = "if (amount > 100) revert();";
    expect(survivors.map(({ id, line: text }) => [id, text])).to.have.deep.members([
      ["Vault:9:20:gt-gte", line],
      ["Vault:9:22:const-increment", line],
    ]);
    expect(equivalents.map(({ id }) => id)).to.have.members(["Vault:5:38:const-increment", "Vault:5:38:const-zero"]);
    expect(outcomes).to.include({ killed: 5, survived: 2, "same-code": 2, unjudged: 0 });
  });

  it("goes on from the verdicts that a file holds, and leaves out survivors that are argued equivalent", async () => {
    await put(ARGUED, JSON.stringify([BOUNDARY, LIMIT]));
    const before = await readFile(verdicts, "utf8");
    const run = await mutate("--resume", verdicts);
    expect(run.lastLine).to.equal("mutants 9 survived 0 equivalent 4");
    expect(run.code).to.equal(0);
    expect(await readFile(verdicts, "utf8")).to.equal(before);
  });

  it("fails when an argued equivalent is killed", async () => {
    await put(ARGUED, JSON.stringify([{ ...BOUNDARY, operator: "gt-lte" }]));
    const run = await mutate("--resume", verdicts, "--only", "Vault:9:20:gt-lte");
    expect(run.lastLine).to.equal("mutants 1 survived 0 equivalent 0");
    expect(run.errors).to.match(/Vault:9:20:gt-lte is not equivalent: adds/);
    expect(run.code).to.equal(1);
  });

  it("fails when an argued equivalent does not exist any more", async () => {
    await put(ARGUED, JSON.stringify([{ ...BOUNDARY, source: "amount > 99" }]));
    const run = await mutate();
    expect(run.errors).to.match(/no such mutant: Vault\.add gt-gte "amount > 99"/);
    expect(run.code).to.equal(1);
    await rm(join(root, ARGUED));
  });

  it("lets Solidity tests judge what mocha let live", async () => {
    await put("test/contracts/market/Vault.t.sol", LIMIT_TEST);
    const run = await mutate("--only", "Vault:9:20:gt-gte", "--only", "Vault:9:22:const-increment");
    expect(run.lastLine).to.equal("mutants 2 survived 0 equivalent 0");
    expect(run.code).to.equal(0);
  });

  it("refuses to judge by tests that fail on the contracts as they are", async () => {
    await put("test/contracts/market/Vault.test.ts", WEAK_TEST.replace("equal(5)", "equal(6)"));
    const run = await mutate();
    expect(run.errors).to.match(/the mocha tests fail without any mutant: adds/);
    expect(run.code).to.equal(2);
  });

  it("refuses options that make no sense", async () => {
    for (const args of [["--jobs=0"], ["--max", "many"], ["--all", "--max", "3"], ["--frobnicate"]]) {
      expect((await mutate(...args)).code, args.join(" ")).to.equal(2);
    }
  });

  it("shows its help", async () => {
    const run = await mutate("--help");
    expect(run.output).to.match(/--resume FILE/);
    expect(run.code).to.equal(0);
  });

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  async function mutate(...args: string[]): Promise<Run> {
    const jobs = String(Math.min(2, availableParallelism()));
    return await new Promise((done) => {
      const child = execFile(
        process.execPath,
        ["scripts/mutate/main.ts", "--root", root, "--jobs", jobs, ...args],
        (_, stdout, stderr) => {
          const lastLine = stdout.trim().split("\n").at(-1) ?? "";
          done({ code: child.exitCode ?? -1, output: stdout, lastLine, errors: stderr });
        },
      );
    });
  }
});

interface Run {
  readonly code: number;
  readonly output: string;
  readonly lastLine: string;
  readonly errors: string;
}
