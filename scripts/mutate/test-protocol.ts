/** What a test process is told to run: paths below the project's root, in this order. */
export interface TestOrder {
  readonly kind: "mocha" | "solidity";
  readonly files: readonly string[];
}

/** How it ended: the first test that failed, or none; or why nothing is known. */
export interface TestVerdict {
  readonly failure?: string;
  /** The file it stands in, below the project's root, where that is known. */
  readonly file?: string;
  readonly error?: string;
}

const FIELDS: ReadonlySet<string> = new Set(["failure", "file", "error"] satisfies (keyof TestVerdict)[]);

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
    Object.entries(value).every(([name, text]) => FIELDS.has(name) && typeof text === "string")
  );
}
