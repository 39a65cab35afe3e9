import { createHash } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";

import { VERDICT, type Verdict } from "./verdict.ts";

/**
 * Keeps verdicts in a file, one JSON line each, so that a run that was stopped goes on where it was. The first line says what was
 * judged: contracts, settings and tests.
 */
export class ResumeFile {
  readonly #path: string;
  readonly known: ReadonlyMap<string, Verdict>;

  private constructor(path: string, known: ReadonlyMap<string, Verdict>) {
    this.#path = path;
    this.known = known;
  }

  /** Throws when the file is about other contracts or tests than `judged` holds. */
  static async open(path: string, judged: unknown): Promise<ResumeFile> {
    const fingerprint = createHash("sha256").update(JSON.stringify(judged)).digest("hex");
    const text = await readFile(path, "utf8").catch(() => "");
    const [first, ...lines] = text.split("\n");
    if (!first) {
      await writeFile(path, `${fingerprint}\n`);
      return new ResumeFile(path, new Map());
    }
    if (first !== fingerprint) throw new Error(`${path} is about other contracts or tests; delete it to start again`);
    // A run that was killed may have left half a line at the end.
    const whole = lines.slice(0, -1);
    if (lines.at(-1) !== "") await writeFile(path, `${[first, ...whole].join("\n")}\n`);
    const verdicts = whole.map((line) => VERDICT.parse(JSON.parse(line)));
    return new ResumeFile(path, new Map(verdicts.map((verdict) => [verdict.id, verdict])));
  }

  async add(verdict: Verdict): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify(verdict)}\n`);
  }
}
