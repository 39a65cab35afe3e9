import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

const BUILD_INFO = z.object({
  solcLongVersion: z.string(),
  userSourceNameMap: z.record(z.string(), z.string()),
  input: z.looseObject({
    sources: z.record(z.string(), z.object({ content: z.string() })),
    settings: z.looseObject({}),
  }),
});
const BUILD_OUTPUT = z.object({ output: z.object({ sources: z.record(z.string(), z.object({ ast: z.unknown() })) }) });
const ARTIFACT = z.looseObject({
  contractName: z.string(),
  sourceName: z.string(),
  inputSourceName: z.string(),
  bytecode: z.string(),
});
const IMPORTS = z.object({
  nodes: z.array(z.looseObject({ nodeType: z.string(), absolutePath: z.string().optional() })),
});

/** The compiler's input as Hardhat made it. */
export type CompilerInput = z.infer<typeof BUILD_INFO>["input"];

export interface BuiltContract {
  readonly name: string;
  /** The source as the compiler names it. */
  readonly sourceName: string;
  /** The same as the project names it: a path below its root. */
  readonly path: string;
  /** The artifact's path below the project's root. */
  readonly artifact: string;
}

/** What a build of the project gave: all that compiling and running a mutant takes. */
export interface BuiltProject {
  readonly solcLongVersion: string;
  readonly input: CompilerInput;
  readonly asts: ReadonlyMap<string, unknown>;
  /** Contracts with code. */
  readonly contracts: readonly BuiltContract[];
  /** Compiler's names of the project's own sources by their path. */
  readonly sourceNames: ReadonlyMap<string, string>;
  /** A source with all that it imports, directly or not, by the compiler's names. */
  readonly closures: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads what `hardhat build` left in a project. Throws when it compiled with more than one compiler or setting. */
export async function readBuild(root: string): Promise<BuiltProject> {
  const folder = join(root, "artifacts", "build-info");
  const infos = (await readdir(folder)).filter((name) => !name.endsWith(".output.json"));
  const [name] = infos;
  if (name === undefined || infos.length > 1) {
    throw new Error(`expected one build in ${folder}, found ${infos.length}; all contracts must share one compiler`);
  }
  const info = BUILD_INFO.parse(await readJson(join(folder, name)));
  const { output } = BUILD_OUTPUT.parse(await readJson(join(folder, name.replace(/\.json$/, ".output.json"))));
  const asts = new Map(Object.entries(output.sources).map(([source, { ast }]) => [source, ast]));
  return {
    solcLongVersion: info.solcLongVersion,
    input: info.input,
    asts,
    contracts: await readContracts(root),
    sourceNames: new Map(Object.entries(info.userSourceNameMap)),
    closures: closuresOf(asts),
  };
}

/** The contracts with code that a source is compiled into. */
export function contractsWith({ contracts, closures }: BuiltProject, source: string): BuiltContract[] {
  return contracts.filter(({ sourceName }) => closures.get(sourceName)?.has(source));
}

async function readContracts(root: string): Promise<BuiltContract[]> {
  const files = await readdir(join(root, "artifacts"), { recursive: true });
  const contracts: BuiltContract[] = [];
  for (const file of files.filter((path) => path.endsWith(".json") && !path.startsWith("build-info")).sort()) {
    const artifact = join("artifacts", file);
    const parsed = ARTIFACT.parse(await readJson(join(root, artifact)));
    if (parsed.bytecode === "0x") continue;
    const { contractName, inputSourceName, sourceName } = parsed;
    contracts.push({ name: contractName, sourceName: inputSourceName, path: sourceName, artifact });
  }
  return contracts;
}

function closuresOf(asts: ReadonlyMap<string, unknown>): Map<string, Set<string>> {
  const direct = new Map([...asts].map(([source, ast]) => [source, importsOf(ast)]));
  return new Map([...asts.keys()].map((source) => [source, reach(source, direct)]));
}

function importsOf(ast: unknown): string[] {
  const { nodes } = IMPORTS.parse(ast);
  return nodes.flatMap(({ nodeType, absolutePath }) =>
    nodeType === "ImportDirective" && absolutePath !== undefined ? [absolutePath] : [],
  );
}

function reach(source: string, direct: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set([source]);
  // A set may grow while it is walked.
  for (const next of seen) for (const imported of direct.get(next) ?? []) seen.add(imported);
  return seen;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8")) as unknown;
}
