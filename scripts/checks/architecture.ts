// The import graph that docs/architecture.md shows is that of src/, and it runs one way. `--write` draws it anew.
import { globSync, readFileSync, writeFileSync } from "node:fs";

import { drawGraph, faultsOf, readImports } from "./import-graph.ts";

const DOCUMENT = "docs/architecture.md";
const BLOCK =
  /(<!-- import graph, by scripts\/checks\/architecture\.ts -->\n\n).*?(\n\n<!-- end of the import graph -->)/s;

const sources = globSync("**/*.{ts,tsx}", { cwd: "src" }).map((path) => ({
  path,
  text: readFileSync(`src/${path}`, "utf8"),
}));
const graph = readImports(sources);
const text = readFileSync(DOCUMENT, "utf8");
const drawn = text.replace(BLOCK, (_all, before: string, after: string) => `${before}${drawGraph(graph)}${after}`);
const faults = faultsOf(graph);
if (!BLOCK.test(text)) faults.push(`${DOCUMENT} has no place for the import graph`);
else if (process.argv.includes("--write")) writeFileSync(DOCUMENT, drawn);
else if (drawn !== text) {
  faults.push(`${DOCUMENT} shows another import graph; run: npx node scripts/checks/architecture.ts --write`);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
