import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import type { BuiltProject } from "../../../scripts/mutate/built-project.ts";
import type { Mutant } from "../../../scripts/mutate/find-mutants.ts";
import { Suites } from "../../../scripts/mutate/suites.ts";

const FILES = {
  "test/contracts/market/Vault.test.ts": 'import { deploy } from "../helpers/vault.ts";\nawait deploy("Vault");\n',
  "test/contracts/market/Shop.test.ts": 'import { deploy } from "../helpers/vault.ts";\nimport fs from "node:fs";\n',
  "test/contracts/grid/Grid.test.ts":
    'import type { Grid } from "../../../typechain-types/Grid.ts";\ndeploy("Grid");\n',
  "test/contracts/helpers/vault.ts": 'import { NAME } from "./names.ts";\n',
  "test/contracts/helpers/names.ts": 'import { deploy } from "./vault.ts";\nexport const NAME = "Vault";\n',
} as const;
const UNIT_PATH = "test/contracts/market/Vault.t.sol";
const UNIT = { name: `project/${UNIT_PATH}`, base: "project/test/contracts/base/Base.sol" };
const [VAULT, GRID, OTHER] = ["Vault", "Grid", "Other"].map((name) => `project/contracts/market/${name}.sol`) as [
  string,
  string,
  string,
];
const LIBRARY = "project/contracts/libraries/Money.sol";

const mutantOf = (contract: string, sourceName: string): Mutant => ({
  id: "",
  key: { contract, function: "f", operator: "add-sub", source: "a + b", nth: 1 },
  sourceName,
  line: 1,
  column: 1,
  span: { start: 0, end: 1 },
  replacement: "-",
  lineText: "",
});

function projectWith(base: string): BuiltProject {
  const sources = { [UNIT.name]: "the test", [UNIT.base]: base, [VAULT]: "the contract" };
  return {
    solcLongVersion: "",
    input: {
      sources: Object.fromEntries(Object.entries(sources).map(([name, content]) => [name, { content }])),
      settings: {},
    },
    asts: new Map(),
    contracts: ["Vault", "Grid", "Other", "Money"].map((name) => ({
      name,
      sourceName: `project/contracts/market/${name}.sol`,
      path: `contracts/market/${name}.sol`,
      artifact: "",
    })),
    sourceNames: new Map(Object.keys(sources).map((name) => [name.replace("project/", ""), name])),
    closures: new Map([
      [UNIT.name, new Set(Object.keys(sources))],
      [VAULT, new Set([VAULT, LIBRARY])],
      [GRID, new Set([GRID, LIBRARY])],
      [OTHER, new Set([OTHER])],
    ]),
  };
}

describe("scripts/mutate: which tests judge", () => {
  let root: string;

  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  /** Files whose digest another project gives. */
  const changed = (before: Suites, after: Suites) =>
    [...before.digests()].filter(([path, digest]) => after.digests().get(path) !== digest).map(([path]) => path);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sprf-suites-"));
    for (const [path, text] of Object.entries(FILES)) await put(path, text);
    await put(UNIT_PATH, "the test");
  });

  afterEach(async () => await rm(root, { recursive: true, force: true }));

  it("leaves out files that name no contract which was altered, in whatever they import", () => {
    const suites = Suites.load(root, projectWith(""));
    const [own, shop, grid] = [
      "test/contracts/market/Vault.test.ts",
      "test/contracts/market/Shop.test.ts",
      "test/contracts/grid/Grid.test.ts",
    ];
    const [vault, gridOnly, both, other] = [
      mutantOf("Vault", VAULT),
      mutantOf("Grid", GRID),
      mutantOf("Money", LIBRARY),
      mutantOf("Other", OTHER),
    ];
    expect(suites.mochaFor(vault)).to.deep.equal([own, shop]);
    expect(suites.mochaFor(gridOnly)).to.deep.equal([grid]);
    expect(suites.mochaFor(both)).to.have.members([own, shop, grid]);
    expect(suites.mochaFor(other)).to.deep.equal([]);
    expect(suites.forAny([vault, other])).to.deep.equal({ mocha: [own, shop], solidity: [UNIT_PATH] });
    expect(suites.forAny([gridOnly])).to.deep.equal({ mocha: [grid], solidity: [] });
  });

  it("takes what killed first", () => {
    const suites = Suites.load(root, projectWith(""));
    suites.noteKill("Money", "test/contracts/grid/Grid.test.ts");
    expect(suites.mochaFor(mutantOf("Money", LIBRARY))[0]).to.equal("test/contracts/grid/Grid.test.ts");
  });

  it("tells which files have changed, by what they import as well", async () => {
    const before = Suites.load(root, projectWith(""));
    expect(changed(before, Suites.load(root, projectWith("")))).to.deep.equal([]);
    expect(changed(before, Suites.load(root, projectWith("other")))).to.deep.equal([UNIT_PATH]);
    await put("test/contracts/helpers/names.ts", "");
    expect(changed(before, Suites.load(root, projectWith("")))).to.have.members([
      "test/contracts/market/Vault.test.ts",
      "test/contracts/market/Shop.test.ts",
    ]);
    await put("test/contracts/grid/Grid.test.ts", "");
    expect(changed(before, Suites.load(root, projectWith("")))).to.include("test/contracts/grid/Grid.test.ts");
  });
});
