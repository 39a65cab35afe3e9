import { readFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { basename, join } from "node:path";

import type { BuiltProject } from "./built-project.ts";

/** The tests that can kill a mutant, those first that are likeliest to, or quickest. */
export class Suites {
  readonly #project: BuiltProject;
  readonly #mocha: readonly { readonly path: string; readonly text: string }[];
  readonly #solidity: readonly string[];
  readonly #kills = new Map<string, number>();

  private constructor(
    project: BuiltProject,
    mocha: readonly { readonly path: string; readonly text: string }[],
    solidity: readonly string[],
  ) {
    this.#project = project;
    this.#mocha = mocha;
    this.#solidity = solidity;
  }

  /** Finds `test/contracts/**` of a built project. */
  static async load(root: string, project: BuiltProject): Promise<Suites> {
    const find = (pattern: string): string[] => globSync(join("test/contracts", pattern), { cwd: root }).sort();
    const mocha = find("**/*.test.ts").map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") }));
    return new Suites(project, await Promise.all(mocha), find("**/*.t.sol"));
  }

  /** All mocha files: the contract's own first, then what has killed its mutants so far, then what speaks of it most. */
  mochaFor(contract: string): string[] {
    const rank = ({ path, text }: { path: string; text: string }): readonly number[] => [
      basename(path) === `${contract}.test.ts` ? 1 : 0,
      this.#kills.get(`${contract} ${path}`) ?? 0,
      text.split(contract).length,
    ];
    return this.#mocha
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

  /** All files, for the run before the first mutant. */
  all(): { readonly mocha: readonly string[]; readonly solidity: readonly string[] } {
    return { mocha: this.#mocha.map(({ path }) => path), solidity: this.#solidity };
  }

  /** What the mocha tests say, for telling whether they have changed. The Solidity tests are part of the compiler's input. */
  texts(): readonly string[] {
    return this.#mocha.map(({ text }) => text);
  }

  /** Remembers which file killed a contract's mutant. */
  noteKill(contract: string, path: string): void {
    const name = `${contract} ${path}`;
    this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, i) => value !== b[i]);
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
