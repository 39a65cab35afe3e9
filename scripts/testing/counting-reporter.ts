import { relative } from "node:path";

import Mocha from "mocha";

import type { TestCounts } from "./protocol.ts";

/** Called after every test and every file. */
export type OnCount = (counts: Pick<TestCounts, "passed" | "failures" | "seconds">) => void;

/**
 * Mocha's spec reporter that also counts. Hardhat's own total cannot be used: it takes the tests behind a failed `before` hook,
 * which never ran, for passed.
 */
export function createCountingReporter(onCount: OnCount): Mocha.ReporterConstructor {
  return class CountingReporter extends Mocha.reporters.Spec {
    constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
      super(runner, options);
      let passed = 0;
      const failures: string[] = [];
      const seconds: Record<string, number> = {};
      let startedAt = 0;
      const tell = (): void => onCount({ passed, failures, seconds });
      runner.on("pass", () => {
        passed++;
        tell();
      });
      runner.on("fail", (test) => {
        failures.push(test.fullTitle());
        tell();
      });
      runner.on("suite", ({ parent }) => {
        if (parent?.root === true) startedAt = performance.now();
      });
      runner.on("suite end", ({ parent, file }) => {
        if (parent?.root !== true || file === undefined) return;
        const path = relative(process.cwd(), file);
        seconds[path] = (seconds[path] ?? 0) + (performance.now() - startedAt) / 1_000;
        tell();
      });
    }
  };
}
