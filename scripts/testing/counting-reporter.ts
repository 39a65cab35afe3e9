import Mocha from "mocha";

/** Called after every test with how many passed so far, and the titles of those that failed. */
export type OnCount = (passed: number, failures: readonly string[]) => void;

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
      runner.on("pass", () => onCount(++passed, failures));
      runner.on("fail", (test) => {
        failures.push(test.fullTitle());
        onCount(passed, failures);
      });
    }
  };
}
