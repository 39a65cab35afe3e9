import { globSync, readFileSync } from "node:fs";

import { expect } from "chai";

import { drawGraph, faultsOf, readImports, type Source } from "../../../scripts/checks/import-graph.ts";

/** Written in pieces, so that no tool takes them for this file's own imports. */
const importing = (path: string, ...imported: readonly string[]): Source => ({
  path,
  text: imported.map((each) => `${"im"}port { a } ${"fr"}om "${each}";\n`).join(""),
});
const SOURCES = [
  importing("cli/worker.ts", "../create-worker.ts", "./confirm.ts", "node:fs"),
  importing("create-worker.ts", "./adapters/clock/system.ts", "./worker/serve.ts"),
  importing("worker/serve.ts", "../domain/a.ts", "../ports/clock.ts"),
  importing("adapters/clock/system.ts", "../../ports/clock.ts"),
  importing("domain/a.ts"),
  importing("ports/clock.ts"),
];

describe("scripts/checks/import-graph", () => {
  it("reads which folders import which, with type imports and those that go on over lines", () => {
    const text = `${"im"}port type {\n  A,\n} ${"fr"}om "../wire/a.ts";\n${"ex"}port { b } ${"fr"}om "../domain/b.ts";\nawait ${"im"}port("../utils/c.ts");\n`;
    expect(
      readImports([...SOURCES, { path: "tester/deep/x.ts", text: text.replaceAll("../", "../../") }]),
    ).to.deep.equal(
      new Map([
        ["adapters", ["ports"]],
        ["cli", ["create-*"]],
        ["create-*", ["adapters", "worker"]],
        ["domain", []],
        ["ports", []],
        ["tester", ["domain", "utils", "wire"]],
        ["worker", ["domain", "ports"]],
      ]),
    );
  });

  it("finds nothing wrong with imports that go down", () => {
    expect(faultsOf(readImports(SOURCES))).to.deep.equal([]);
  });

  it("finds what goes up, what goes across, services in a circle, and folders that it does not know", () => {
    const faulty = [
      importing("domain/a.ts", "../worker/serve.ts"),
      importing("worker/serve.ts", "../adapters/clock/system.ts", "../client/a.ts"),
      importing("client/a.ts", "../execution/a.ts"),
      importing("execution/a.ts", "../worker/serve.ts"),
      importing("adapters/clock/system.ts"),
      importing("novel/a.ts"),
    ];
    expect(faultsOf(readImports(faulty))).to.deep.equal([
      "src/client imports src/execution, which imports it",
      "src/domain imports src/worker, which is not below it",
      "src/execution imports src/worker, which imports it",
      "src/novel has no layer in scripts/checks/import-graph.ts",
      "src/worker imports src/adapters, which is not below it",
      "src/worker imports src/client, which imports it",
    ]);
  });

  it("draws boxes of layers, and a table of all", () => {
    const drawn = drawGraph(readImports(SOURCES));
    expect(drawn).to.include('  roots["create-*"]\n').and.include("  faces --> roots\n");
    expect(drawn).to.include("| `worker`   | `domain`, `ports`    |");
  });

  it("is what docs/architecture.md shows of src/", () => {
    const paths = globSync("**/*.{ts,tsx}", { cwd: "src" });
    const graph = readImports(paths.map((path) => ({ path, text: readFileSync(`src/${path}`, "utf8") })));
    expect(faultsOf(graph)).to.deep.equal([]);
    expect(readFileSync("docs/architecture.md", "utf8")).to.include(drawGraph(graph));
  });
});
