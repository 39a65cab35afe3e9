import type { SignedRequest } from "../../wire/execution-request.ts";
import type { ProgramRecord } from "../../wire/record.ts";
import { programReference } from "./smart-account.ts";

/** What a record refers to, by CID. */
export interface RecordContent {
  /** Needed to run the history again: inputs, outputs, the first state, programs that are content. */
  readonly kept: readonly string[];
  /** States that a run from the first one gives again; the one that stands comes last. */
  readonly states: readonly string[];
  /** The record before this one. */
  readonly previous: string | undefined;
}

/** What has to be kept of a record, and what need not. */
export function contentOfRecord(record: ProgramRecord): RecordContent {
  const states = statesOf(record);
  const last = states.at(-1);
  const before = new Set(states.filter((state) => state !== last));
  return {
    kept: [...new Set(keptOf(record))],
    states: last === undefined ? [] : [...before, last],
    previous: "previous" in record ? record.previous.recordCid : undefined,
  };
}

function keptOf(record: ProgramRecord): readonly string[] {
  switch (record.kind) {
    case "create":
      return [...moduleOf(record.image), record.state];
    case "transition":
      return [...inputOf(record.signedRequest), ...moduleOf(record.image), record.outputCid];
    case "batch":
      return [
        ...moduleOf(record.image),
        ...record.inputs.flatMap(({ signedRequest, outputCid }) => [...inputOf(signedRequest), outputCid]),
      ];
    case "workers":
      return record.recovered === undefined ? [] : [record.recovered.recordCid];
    case "program":
      return moduleOf(record.signedChange.request.change.image);
    case "terms":
    case "payout":
    case "bump":
    case "refund":
    case "recovery":
      return [];
    case "return":
      // Its inputs were not run, and will not be.
      return [];
  }
}

function statesOf(record: ProgramRecord): readonly string[] {
  switch (record.kind) {
    case "transition":
      return [record.previousState, record.newState];
    case "batch":
      return [record.previousState, ...record.inputs.map(({ newState }) => newState), record.newState];
    case "recovery":
      return [];
    case "create":
    case "workers":
    case "program":
    case "terms":
    case "payout":
    case "bump":
    case "refund":
    case "return":
      return [record.state];
  }
}

function inputOf({ request }: SignedRequest): readonly string[] {
  return "cid" in request.input ? [request.input.cid] : [];
}

function moduleOf({ address, digest }: { readonly address: string; readonly digest?: string | undefined }): string[] {
  const reference = programReference(address, digest);
  return reference?.kind === "wasi" ? [reference.cid] : [];
}
