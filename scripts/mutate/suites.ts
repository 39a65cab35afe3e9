import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { type BuiltProject, contractsWith } from "./built-project.ts";
import type { Mutant } from "./find-mutants.ts";

/** A test file, and the text of all that it imports from the project, its own included, by path. */
interface MochaFile {
  readonly path: string;
  readonly text: string;
  readonly sources: ReadonlyMap<string, string>;
}

/** The tests that can kill a mutant, those first that are likeliest to, or quickest. */
export class Suites {
  readonly #project: BuiltProject;
  readonly #mocha: readonly MochaFile[];
  readonly #solidity: readonly string[];
  readonly #kills = new Map<string, number>();

  private constructor(project: BuiltProject, mocha: readonly MochaFile[], solidity: readonly string[]) {
    this.#project = project;
    this.#mocha = mocha;
    this.#solidity = solidity;
  }

  /** Finds `test/contracts/**` of a built project. */
  static load(root: string, project: BuiltProject): Suites {
    const find = (pattern: string): string[] => globSync(join("test/contracts", pattern), { cwd: root }).sort();
    const mocha = find("**/*.test.ts").map((path) => {
      const sources = sourcesOf(root, path);
      return { path, text: sources.get(path) ?? "", sources };
    });
    return new Suites(project, mocha, find("**/*.t.sol"));
  }

  /**
   * The mocha files that name a contract which the mutant alters, and so may deploy it: those of the mutant's own contract first, then
   * what has killed its mutants so far, then what speaks of it most.
   */
  mochaFor({ key: { contract }, sourceName }: Mutant): string[] {
    const altered = contractsWith(this.#project, sourceName).map(({ name }) => name);
    const rank = ({ path, text }: MochaFile): readonly number[] => [
      basename(path) === `${contract}.test.ts` ? 1 : 0,
      this.#kills.get(`${contract} ${path}`) ?? 0,
      text.split(contract).length,
    ];
    return this.#mocha
      .filter(({ sources }) => [...sources.values()].some((text) => altered.some((name) => text.includes(name))))
      .map((file) => ({ path: file.path, rank: rank(file) }))
      .toSorted((a, b) => compare(b.rank, a.rank))
      .map(({ path }) => path);
  }

  /** The Solidity suites that a source is compiled into, those with the least around them first: they are the unit tests. */
  solidityFor(sourceName: string): string[] {
    const closure = (path: string): ReadonlySet<string> =>
      this.#project.closures.get(this.#project.sourceNames.get(path) ?? "") ?? new Set();
    return this.#solidity
      .filter((path) => closure(path).has(sourceName))
      .toSorted((a, b) => closure(a).size - closure(b).size);
  }

  /** All files that may judge one of some mutants. */
  forAny(mutants: readonly Mutant[]): { readonly mocha: readonly string[]; readonly solidity: readonly string[] } {
    const bySource = [...new Map(mutants.map((mutant) => [mutant.sourceName, mutant])).values()];
    return {
      mocha: [...new Set(bySource.flatMap((mutant) => this.mochaFor(mutant)))],
      solidity: [...new Set(bySource.flatMap(({ sourceName }) => this.solidityFor(sourceName)))],
    };
  }

  /** A digest of each test file with the project's code that it runs on top of the contracts, for telling whether it has changed. */
  digests(): ReadonlyMap<string, string> {
    const { sourceNames, closures, input } = this.#project;
    const tests = new Set([...sourceNames].filter(([path]) => path.startsWith("test/")).map(([, name]) => name));
    const solidityAround = (path: string): unknown[] =>
      [...(closures.get(sourceNames.get(path) ?? "") ?? [])]
        .filter((name) => tests.has(name))
        .toSorted()
        .map((name) => [name, input.sources[name]?.content]);
    return new Map([
      ...this.#mocha.map(({ path, sources }) => [path, digestOf([...sources])] as const),
      ...this.#solidity.map((path) => [path, digestOf(solidityAround(path))] as const),
    ]);
  }

  /** Remembers which file killed a contract's mutant. */
  noteKill(contract: string, path: string): void {
    const name = `${contract} ${path}`;
    this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
  }
}

/** A file and what it imports by relative paths, directly or not. Generated types, which no copy has, are left out. */
function sourcesOf(root: string, path: string): Map<string, string> {
  const sources = new Map<string, string>();
  const pending = [path];
  for (const next of pending) {
    if (sources.has(next) || !existsSync(join(root, next))) continue;
    const text = readFileSync(join(root, next), "utf8");
    sources.set(next, text);
    for (const [, imported = ""] of text.matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)) {
      pending.push(join(dirname(next), imported));
    }
  }
  return sources;
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, i) => value !== b[i]);
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
