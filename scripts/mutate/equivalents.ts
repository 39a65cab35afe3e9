import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { keyText, type Mutant } from "./find-mutants.ts";

/** Where a project argues its equivalent mutants, below its root. */
export const EQUIVALENTS_FILE = "test/contracts/equivalent-mutants.json";

const ENTRIES = z.array(
  z.strictObject({
    contract: z.string(),
    function: z.string(),
    operator: z.string(),
    source: z.string(),
    nth: z.int().positive().default(1),
    reason: z.string().min(20),
  }),
);

/** Why no test can tell a mutant from the original, by the mutant's id. */
export interface Equivalents {
  readonly reasons: ReadonlyMap<string, string>;
  /** Entries that no mutant matches any more. */
  readonly stale: readonly string[];
}

/** Reads what a project argues; without the file nothing is argued. Throws when the file is malformed. */
export async function readEquivalents(root: string, mutants: readonly Mutant[]): Promise<Equivalents> {
  const entries = ENTRIES.parse(await readJson(join(root, EQUIVALENTS_FILE)));
  const ids = new Map(mutants.map(({ key, id }) => [keyText(key), id]));
  const reasons = new Map<string, string>();
  const stale: string[] = [];
  for (const { reason, ...key } of entries) {
    const id = ids.get(keyText(key));
    if (id === undefined) stale.push(`${key.contract}.${key.function} ${key.operator} "${key.source}" (${key.nth})`);
    else reasons.set(id, reason);
  }
  return { reasons, stale };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
