import { readFile } from "node:fs/promises";

import { entriesToCsv, generateEntries, journalState, type JournalEntry } from "../../examples/programs/journal.ts";
import type { SprfClient } from "../../src/create-client.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import type { ProgramReference } from "../../src/ports/engine.ts";
import type { ProgramKind } from "./market-plan.ts";
import { timeBomb } from "./time-bomb.ts";

const NOTES = new URL("../src/adapters/engine/fixtures/probe.wasm", import.meta.url);
const ENTRIES_AN_INPUT = 5;

/** A program that users run, with inputs that can be told from each other in its state. */
export interface MarketProgram {
  reference(client: SprfClient): Promise<ProgramReference>;
  /** The n-th input of the program with this name. */
  input(name: string, n: number): Uint8Array<ArrayBuffer>;
  /** The state after these inputs, computed without SPRF; undefined where it follows from more than the inputs. */
  stateAfter(inputs: readonly Uint8Array[]): Uint8Array | undefined;
}

export const MARKET_PROGRAMS: Readonly<Record<ProgramKind, MarketProgram>> = {
  journal: {
    reference: async (client) => await exampleModule(async (bytes) => await client.putFile(bytes)),
    input: (name, n) => new TextEncoder().encode(entriesToCsv(entriesOf(name, n))),
    stateAfter(inputs) {
      const lines = inputs.map((input) => new TextDecoder().decode(input).replace(/^.*\n/, ""));
      return new TextEncoder().encode(`${journalState([])}${lines.join("")}`);
    },
  },
  notes: {
    reference: async (client) => ({ kind: "wasi", cid: await client.putFile(await readFile(NOTES)) }),
    input: (name, n) => new TextEncoder().encode(`append ${name}-${n};`),
    stateAfter: (inputs) =>
      new TextEncoder().encode(inputs.map((input) => new TextDecoder().decode(input).slice("append ".length)).join("")),
  },
  bomb: {
    reference: async (client) => ({ kind: "wasi", cid: await client.putFile(timeBomb()) }),
    input: (name, n) => new TextEncoder().encode(`${name} ${n}`),
    stateAfter: () => undefined,
  },
};

function entriesOf(name: string, n: number): readonly JournalEntry[] {
  return generateEntries(ENTRIES_AN_INPUT, n).map((entry) => ({ ...entry, description: `${name} ${n}` }));
}
