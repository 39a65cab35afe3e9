import Mocha from "mocha";

/** Called after every test with the counts so far. */
export type OnCount = (passed: number, failed: number) => void;

/**
 * Mocha's spec reporter that also counts. Hardhat's own total cannot be used: it takes the tests behind a failed `before` hook,
 * which never ran, for passed.
 */
export function createCountingReporter(onCount: OnCount): Mocha.ReporterConstructor {
  return class CountingReporter extends Mocha.reporters.Spec {
    constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
      super(runner, options);
      let passed = 0;
      let failed = 0;
      runner.on("pass", () => onCount(++passed, failed));
      runner.on("fail", () => onCount(passed, ++failed));
    }
  };
}
