import { createHash } from "node:crypto";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";

import { z } from "zod";

import { VERDICT, type Verdict } from "./verdict.ts";

/** What verdicts rest on. */
export interface Grounds {
  /** The contracts and how they are compiled. */
  readonly contracts: unknown;
  /** A digest of every test file, with all that it runs, by its path. */
  readonly tests: ReadonlyMap<string, string>;
}

const HEAD = z.object({ contracts: z.string(), tests: z.string() });
const LINE = VERDICT.extend({
  /** Of the file whose test killed the mutant, as it was then. */
  digest: z.string().optional(),
});

type Line = z.infer<typeof LINE>;

/**
 * Keeps verdicts in a file, one JSON line each, so that a run that was stopped goes on where it was. The first line says what was
 * judged by what. When tests have changed since, a mutant stays killed whose killer is as it was, and is judged again otherwise.
 */
export class ResumeFile {
  readonly #path: string;
  readonly #tests: ReadonlyMap<string, string>;
  readonly known: ReadonlyMap<string, Verdict>;

  private constructor(path: string, tests: ReadonlyMap<string, string>, known: ReadonlyMap<string, Verdict>) {
    this.#path = path;
    this.#tests = tests;
    this.known = known;
  }

  /** Throws when the file is about other contracts. */
  static async open(path: string, { contracts, tests }: Grounds): Promise<ResumeFile> {
    const head = { contracts: digestOf(contracts), tests: digestOf([...tests]) };
    const text = await readFile(path, "utf8").catch(() => "");
    // A run that was killed may have left half a line at the end.
    const [first, ...lines] = text.split("\n").slice(0, -1);
    const before = first === undefined ? head : HEAD.parse(JSON.parse(first));
    if (before.contracts !== head.contracts)
      throw new Error(`${path} is about other contracts; delete it to start again`);
    const verdicts = lines
      .map((line) => LINE.parse(JSON.parse(line)))
      .filter((line) => before.tests === head.tests || holds(line, tests));
    const kept = `${[head, ...verdicts].map((line) => JSON.stringify(line)).join("\n")}\n`;
    if (kept !== text) {
      await writeFile(`${path}.new`, kept);
      await rename(`${path}.new`, path);
    }
    return new ResumeFile(path, tests, new Map(verdicts.map((line) => [line.id, VERDICT.parse(line)])));
  }

  async add(verdict: Verdict): Promise<void> {
    const digest = verdict.file === undefined ? undefined : this.#tests.get(verdict.file);
    const line: Line = { ...verdict, ...(digest === undefined ? {} : { digest }) };
    await appendFile(this.#path, `${JSON.stringify(line)}\n`);
  }
}

/** Whether a verdict is still true by these tests. */
function holds({ status, file, digest }: Line, tests: ReadonlyMap<string, string>): boolean {
  if (status === "killed") return file !== undefined && digest !== undefined && tests.get(file) === digest;
  // The compiler's word, not the tests'.
  return status === "stillborn" || status === "same-code";
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
