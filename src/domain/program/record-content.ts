import type { ProgramRecord } from "../../wire/record.ts";

/** What a record refers to, by CID. */
export interface RecordContent {
  /** Needed to run the history again: inputs, outputs, the first state, programs that are content. */
  readonly kept: readonly string[];
  /** States that a run from the first one gives again; the one that stands comes last. */
  readonly states: readonly string[];
  /** The record before this one. */
  readonly previous: string | undefined;
}

const PROGRAM_PREFIX = "wasm:";
const STATE_NAMES = new Set(["previousState", "state", "newState"]);

/** Goes by the names of fields, so that kinds of records which come later keep their content as well. */
export function contentOfRecord(record: ProgramRecord): RecordContent {
  const kept = new Set<string>();
  const states: string[] = [];
  let previous: string | undefined;
  const visit = (value: unknown, path: readonly string[]): void => {
    if (Array.isArray(value)) {
      for (const part of value) visit(part, path);
    } else if (typeof value === "string") {
      const name = path.at(-1) ?? "";
      const parent = path.at(-2);
      if (STATE_NAMES.has(name)) states.push(value);
      else if (name === "outputCid" || (parent === "input" && name === "cid")) kept.add(value);
      else if (name === "address" && value.startsWith(PROGRAM_PREFIX)) kept.add(value.slice(PROGRAM_PREFIX.length));
      else if (name === "recordCid" && path.length === 2 && parent === "previous") previous = value;
      else if (name === "recordCid") kept.add(value);
    } else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
      for (const [name, part] of Object.entries(value)) visit(part, [...path, name]);
    }
  };
  visit(record, []);
  if (record.kind === "create") for (const state of states) kept.add(state);
  const last = "newState" in record ? record.newState : states.at(-1);
  const before = states.filter((state) => state !== last);
  return { kept: [...kept], states: last === undefined ? before : [...new Set(before), last], previous };
}
