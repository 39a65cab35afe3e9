/** What the process that runs the tests tells the one that watches it: counts so far, and whether that was all. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** Titles of the Mocha tests that failed. */
  readonly failures: readonly string[];
  /** What each file of Mocha tests took that is over. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly isFinal: boolean;
}

/** True for a well-formed message of the test process. */
export function isTestCounts(message: unknown): message is TestCounts {
  return (
    typeof message === "object" &&
    message !== null &&
    "passed" in message &&
    typeof message.passed === "number" &&
    "failed" in message &&
    typeof message.failed === "number" &&
    "failures" in message &&
    Array.isArray(message.failures) &&
    "seconds" in message &&
    typeof message.seconds === "object" &&
    "isFinal" in message &&
    typeof message.isFinal === "boolean"
  );
}
