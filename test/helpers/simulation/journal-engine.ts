import { readFileSync, writeFileSync } from "node:fs";

import { SprfError } from "../../../src/errors.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { utf8 } from "../../../src/utils/bytes.ts";

const SECONDS = 5;
const SEED_DIGITS = 8;

/** An input that the journal rejects. */
export const REJECTED_INPUT = "not an entry";

/** The line that an entry leaves in the journal's state. */
export function journalLine(entry: string, environment: { readonly sequence: string; readonly seed: string }): string {
  return `${entry} at ${environment.sequence} with ${environment.seed.slice(0, SEED_DIGITS)}\n`;
}

/**
 * A bookkeeping program and its engine in one: each entry becomes a line, no entry only reads. Nothing of the machine shows in
 * what it does.
 */
export function createJournalEngine(): Engine {
  return {
    kind: "wasi",
    async check() {},
    async prepare(reference) {
      if (reference.kind !== "wasi") throw new SprfError("PROGRAM_INVALID", "the journal is a module");
      return { reference, seconds: SECONDS, state: "file" };
    },
    async run({ statePath, input, environment }) {
      const journal = readFileSync(statePath, "utf8");
      const entry = new TextDecoder().decode(input);
      if (entry === REJECTED_INPUT) {
        return { status: "rejected", reason: "exit", exitCode: 1, output: new Uint8Array(), stderrTail: "no entry" };
      }
      const after = entry === "" ? journal : journal + journalLine(entry, environment);
      if (after !== journal) writeFileSync(statePath, after);
      return { status: "accepted", output: new Uint8Array(utf8(`${after.split("\n").length - 1} entries\n`)) };
    },
    async close() {},
  };
}
