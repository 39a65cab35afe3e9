import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type BuiltContract, type BuiltProject, contractsWith } from "./built-project.ts";
import { type Bytecode, Compiler } from "./compiler.ts";
import { applyMutant, type Mutant } from "./find-mutants.ts";
import type { Suites } from "./suites.ts";
import { type TestOutcome, TestRunner } from "./test-runner.ts";
import type { Verdict } from "./verdict.ts";

/** How long a run of all tests of a kind may take. */
export interface Limits {
  readonly mochaMs: number;
  readonly soliditySuiteMs: number;
}

/** The contracts as they are, compiled the way that mutants are. */
export type Originals = ReadonlyMap<BuiltContract, Bytecode>;

/** One copy of the project in which one mutant after the other is built and tested. */
export class MutantBench {
  readonly #root: string;
  readonly #project: BuiltProject;
  readonly #suites: Suites;
  readonly #originals: Originals;
  readonly #limits: Limits;
  readonly #compiler: Compiler;
  readonly #runner: TestRunner;

  constructor(root: string, project: BuiltProject, suites: Suites, originals: Originals, limits: Limits) {
    this.#root = root;
    this.#project = project;
    this.#suites = suites;
    this.#originals = originals;
    this.#limits = limits;
    this.#compiler = new Compiler(project);
    this.#runner = new TestRunner(root);
  }

  async start(): Promise<void> {
    this.#runner.warm();
    await this.#compiler.start();
  }

  async stop(): Promise<void> {
    this.#runner.stop();
    await this.#compiler.stop();
  }

  /** Judges one mutant. One call at a time. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const began = performance.now();
    const outcome = await this.#try(mutant);
    return { id: mutant.id, ...outcome, seconds: Math.round((performance.now() - began) / 100) / 10 };
  }

  async #try(mutant: Mutant): Promise<Omit<Verdict, "id" | "seconds">> {
    this.#runner.warm();
    const affected = contractsWith(this.#project, mutant.sourceName);
    const deployed = affected.filter(({ path }) => path.startsWith("contracts/"));
    const change = this.#changeOf(mutant);
    const compiled = await this.#compiler.compile(deployed, change);
    if (compiled.code === undefined) return { status: "stillborn", by: firstLine(compiled.error) };
    if (deployed.every((contract) => isSame(compiled.code.get(contract), this.#originals.get(contract)))) {
      return { status: "same-code" };
    }
    try {
      writeCode(this.#root, compiled.code);
      const mocha = await this.#tryMocha(mutant);
      if (mocha.kind !== "passed") return verdictOf(mocha);
      return await this.#trySolidity(mutant, affected);
    } finally {
      writeCode(this.#root, new Map(affected.flatMap((one) => pair(one, this.#originals.get(one)))));
    }
  }

  /** The likeliest file alone first: loading the others takes longer than most mutants live. */
  async #tryMocha(mutant: Mutant): Promise<TestOutcome> {
    const [first, ...others] = this.#suites.mochaFor(mutant);
    for (const files of [first === undefined ? [] : [first], others]) {
      if (files.length === 0) continue;
      const outcome = await this.#runner.run({ kind: "mocha", files }, this.#limits.mochaMs);
      if (outcome.kind === "failed" && outcome.file !== undefined) {
        this.#suites.noteKill(mutant.key.contract, outcome.file);
      }
      if (outcome.kind !== "passed") return outcome;
    }
    return { kind: "passed" };
  }

  /** The slow tests, for what the quick ones let live: their contracts hold the mutated code and are compiled with it. */
  async #trySolidity(mutant: Mutant, affected: readonly BuiltContract[]): Promise<Omit<Verdict, "id" | "seconds">> {
    const files = this.#suites.solidityFor(mutant.sourceName);
    if (files.length === 0) return { status: "survived" };
    this.#runner.warm();
    const tests = affected.filter(({ path }) => !path.startsWith("contracts/"));
    const compiled = await this.#compiler.compile(tests, this.#changeOf(mutant));
    if (compiled.code === undefined) throw new Error(`the tests do not compile with ${mutant.id}: ${compiled.error}`);
    writeCode(this.#root, compiled.code);
    const limit = this.#limits.soliditySuiteMs * files.length;
    return verdictOf(await this.#runner.run({ kind: "solidity", files }, limit));
  }

  #changeOf(mutant: Mutant): { sourceName: string; content: string } {
    const { sourceName } = mutant;
    const content = this.#project.input.sources[sourceName]?.content;
    if (content === undefined) throw new Error(`the build has no source ${sourceName}`);
    return { sourceName, content: applyMutant(mutant, content) };
  }
}

/** Puts code into the artifacts that the tests deploy from. */
export function writeCode(root: string, code: ReadonlyMap<BuiltContract, Bytecode>): void {
  for (const [{ artifact }, { creation, runtime }] of code) {
    const path = join(root, artifact);
    const old = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...old, bytecode: creation, deployedBytecode: runtime }));
  }
}

function verdictOf(outcome: TestOutcome): Omit<Verdict, "id" | "seconds"> {
  switch (outcome.kind) {
    case "failed":
      return {
        status: "killed",
        by: outcome.test,
        ...(outcome.file === undefined ? {} : { file: outcome.file }),
      };
    case "timed-out":
      return { status: "timed-out" };
    case "died":
      return { status: "unjudged", by: firstLine(outcome.why) };
    case "passed":
      return { status: "survived" };
  }
}

function isSame(a: Bytecode | undefined, b: Bytecode | undefined): boolean {
  return a !== undefined && b !== undefined && a.creation === b.creation && a.runtime === b.runtime;
}

function pair<K, V>(key: K, value: V | undefined): [K, V][] {
  return value === undefined ? [] : [[key, value]];
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
