import type { BuiltProject } from "./built-project.ts";
import { Compiler } from "./compiler.ts";
import type { Mutant } from "./find-mutants.ts";
import { type Limits, type Originals, writeCode } from "./mutant-bench.ts";
import type { Suites } from "./suites.ts";
import { type TestOutcome, TestRunner } from "./test-runner.ts";

/** Room for a machine that is busier than it was; a mutant that loops on chain ends by itself when its gas does. */
const LIMIT_FACTOR = 5;
const LEAST_LIMIT_MS = 60_000;
const BASELINE_LIMIT_MS = 900_000;

/**
 * Compiles the contracts as they are, the way that mutants are compiled, puts that code into the project, and runs all tests that may
 * judge one of some mutants against it. Throws when one fails, for then no mutant's failure would mean anything.
 */
export async function runBaseline(
  root: string,
  project: BuiltProject,
  suites: Suites,
  mutants: readonly Mutant[],
): Promise<{ originals: Originals; limits: Limits }> {
  const compiler = new Compiler(project);
  const runner = new TestRunner(root);
  try {
    await compiler.start();
    const compiled = await compiler.compile(project.contracts);
    if (compiled.code === undefined) throw new Error(`the contracts do not compile: ${compiled.error}`);
    writeCode(root, compiled.code);
    const { mocha, solidity } = suites.forAny(mutants);
    if (mocha.length + solidity.length === 0) throw new Error("no test under test/contracts runs what is mutated");
    const mochaMs = mocha.length === 0 ? 0 : await timed(runner, "mocha", mocha);
    const solidityMs = solidity.length === 0 ? 0 : await timed(runner, "solidity", solidity);
    return {
      originals: compiled.code,
      limits: { mochaMs: limitFor(mochaMs), soliditySuiteMs: limitFor(solidityMs) },
    };
  } finally {
    runner.stop();
    await compiler.stop();
  }
}

async function timed(runner: TestRunner, kind: "mocha" | "solidity", files: readonly string[]): Promise<number> {
  const began = performance.now();
  const outcome = await runner.run({ kind, files }, BASELINE_LIMIT_MS);
  if (outcome.kind !== "passed") throw new Error(`the ${kind} tests fail without any mutant: ${words(outcome)}`);
  return performance.now() - began;
}

function limitFor(measuredMs: number): number {
  return Math.max(LEAST_LIMIT_MS, measuredMs * LIMIT_FACTOR);
}

function words(outcome: Exclude<TestOutcome, { kind: "passed" }>): string {
  switch (outcome.kind) {
    case "failed":
      return outcome.test;
    case "timed-out":
      return "they take too long";
    case "died":
      return outcome.why;
  }
}
