import { dirname, join } from "node:path";

/** One source file, by its path relative to `src/`. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Folders of `src/` that stand at the same height: they import each other and what is below, never what is above. */
export interface Layer {
  readonly name: string;
  readonly folders: readonly string[];
}

/** Which other folders each folder imports, both in alphabetical order. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** From the top down, as CONTRIBUTING.md has them (I1). */
export const LAYERS: readonly Layer[] = [
  { name: "faces", folders: ["cli", "web", "index"] },
  { name: "roots", folders: ["create-*", "devnet"] },
  {
    name: "services",
    folders: [
      "admin",
      "audit",
      "channel",
      "client",
      "dashboard",
      "doctor",
      "execution",
      "indexer",
      "messaging",
      "node",
      "runner",
      "tester",
      "worker",
    ],
  },
  { name: "adapters", folders: ["adapters"] },
  { name: "config", folders: ["config"] },
  { name: "decisions", folders: ["domain", "wire", "ports"] },
  { name: "base", folders: ["files", "utils", "errors"] },
];
/** Neither of the two may import the other, though one has to be named first. */
const APART = new Set(["services > adapters", "services > config", "adapters > config"]);
/** What the base imports of the ports is types: the clock that a helper is given. */
const ALLOWED = new Set(["utils > ports"]);

const IMPORT = /(?:^|[;}\s])(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** Reads what imports what, types included. */
export function readImports(sources: readonly Source[]): ImportGraph {
  const graph = new Map<string, Set<string>>();
  for (const { path, text } of sources) {
    const folder = folderOf(path);
    const imported = graph.get(folder) ?? new Set();
    graph.set(folder, imported);
    for (const [, specifier = ""] of text.matchAll(IMPORT)) {
      const target = join(dirname(path), specifier);
      if (!target.startsWith("..") && folderOf(target) !== folder) imported.add(folderOf(target));
    }
  }
  return new Map([...graph.keys()].sort().map((folder) => [folder, [...(graph.get(folder) ?? [])].sort()]));
}

/** A line for each folder without a layer, for each import that goes up or across, and for services that import each other. */
export function faultsOf(graph: ImportGraph, layers = LAYERS): string[] {
  const faults: string[] = [];
  for (const [folder, imported] of graph) {
    const rank = rankOf(folder, layers);
    if (rank === -1) faults.push(`src/${folder} has no layer in scripts/checks/import-graph.ts`);
    for (const other of imported) {
      const otherRank = rankOf(other, layers);
      if (rank === -1 || otherRank === -1 || ALLOWED.has(`${folder} > ${other}`)) continue;
      const isApart = APART.has(`${layers[rank]?.name} > ${layers[otherRank]?.name}`);
      if (otherRank < rank || isApart) faults.push(`src/${folder} imports src/${other}, which is not below it`);
      if (layers[rank]?.name !== "services" || rank !== otherRank || !reaches(graph, other, folder)) continue;
      faults.push(`src/${folder} imports src/${other}, which imports it`);
    }
  }
  return faults;
}

/**
 * The graph as Markdown: one Mermaid diagram of the layers and what goes from one to another, one of what goes on between the
 * folders of a layer, and a table of all. What goes to the lowest layer is in the table alone.
 */
export function drawGraph(graph: ImportGraph, layers = LAYERS): string {
  const present = layers
    .map(({ name, folders }) => ({ name, folders: folders.filter((folder) => graph.has(folder)) }))
    .filter(({ folders }) => folders.length > 0);
  const edges = [...graph].flatMap(([from, imported]) => imported.map((to) => [from, to] as const));
  const nameOf = (folder: string): string => present.find(({ folders }) => folders.includes(folder))?.name ?? folder;
  const lowest = present.at(-1)?.name;
  const between = new Set(
    edges
      .map(([from, to]) => [nameOf(from), nameOf(to)] as const)
      .flatMap(([a, b]) => (a === b || b === lowest ? [] : `${a} --> ${b}`)),
  );
  const within = edges.filter(([from, to]) => nameOf(from) === nameOf(to));
  const order = present.map(({ name }) => name);
  const place = (edge: string): number => order.indexOf(edge.split(" ")[0] ?? "");
  return [
    "```mermaid",
    "flowchart TB",
    ...present.map(({ name, folders }) => `  ${name}["${folders.join(", ")}"]`),
    ...[...between]
      .sort((a, b) => place(a) - place(b) || order.indexOf(endOf(a)) - order.indexOf(endOf(b)))
      .map(indent),
    "```",
    "",
    "Between folders of one box:",
    "",
    "```mermaid",
    "flowchart LR",
    ...within.map(([from, to]) => `  ${nodeOf(from)} --> ${nodeOf(to)}`),
    "```",
    "",
    ...tableOf([["folder", "imports"], ...[...graph].map(([folder, imported]) => [code(folder), listed(imported)])]),
  ].join("\n");
}

function folderOf(path: string): string {
  const [first = "", ...rest] = path.split("/");
  if (rest.length > 0) return first;
  return first.startsWith("create-") ? "create-*" : first.replace(/\.ts$/, "");
}

function reaches(graph: ImportGraph, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const folder of seen) for (const next of graph.get(folder) ?? []) seen.add(next);
  return seen.has(to);
}

function rankOf(folder: string, layers: readonly Layer[]): number {
  return layers.findIndex(({ folders }) => folders.includes(folder));
}

function endOf(edge: string): string {
  return edge.split(" ").at(-1) ?? "";
}

function indent(line: string): string {
  return `  ${line}`;
}

function code(folder: string): string {
  return `\`${folder}\``;
}

function listed(folders: readonly string[]): string {
  return folders.length === 0 ? "nothing" : folders.map(code).join(", ");
}

/** A name that Mermaid takes for a node, whatever is in it. */
function nodeOf(folder: string): string {
  return folder === "create-*" ? 'create["create-*"]' : folder;
}

/** As prettier formats it, so that neither undoes the other's work. */
function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`,
  );
  return [lines[0] ?? "", `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)];
}
