/** What a test process is told to run: paths below the project's root, in this order. */
export interface TestOrder {
  readonly kind: "mocha" | "solidity";
  readonly files: readonly string[];
}

/** How it ended: the first test that failed, or none. */
export interface TestVerdict {
  readonly failure?: string;
  /** The file it stands in, below the project's root, where that is known. */
  readonly file?: string;
}

export function isTestOrder(value: unknown): value is TestOrder {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    (value.kind === "mocha" || value.kind === "solidity") &&
    "files" in value &&
    Array.isArray(value.files)
  );
}

export function isTestVerdict(value: unknown): value is TestVerdict {
  return (
    typeof value === "object" &&
    value !== null &&
    (!("failure" in value) || typeof value.failure === "string") &&
    (!("file" in value) || typeof value.file === "string")
  );
}
