import { concludeInput } from "../domain/program/batch.ts";
import { GAS_TABLES } from "../domain/program/gas.ts";
import { environmentOf } from "../domain/program/run-environment.ts";
import { differenceOfLimits } from "../domain/program/run-limits.ts";
import type { RunRecord } from "../domain/program/run-record.ts";
import type { RunResult } from "../domain/verdict/decide-verdict.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { BatchRecord } from "../wire/batch-record.ts";
import { hashRequest } from "../wire/execution-request.ts";
import type { TransitionRecord } from "../wire/record.ts";
import { LIMIT_TABLES, type LimitTable } from "./limits.ts";
import type { RunOutcome, RunPlan } from "../ports/runs.ts";

/** One run of a landed record, to be made again. */
export interface Replay {
  readonly plan: RunPlan;
  /** What the record says that it came to. */
  readonly landed: RunResult;
  /** What the record says that the program declares; a batch says it of its last input alone. */
  readonly seconds?: number | undefined;
  /** What the protocol makes of an outcome of the plan. */
  readonly conclude: (outcome: RunOutcome) => RunResult;
}

export interface ReplayParts {
  /** The smart account. */
  readonly program: string;
  readonly reference: ProgramReference;
  /** After the record before it: its state, and `SPRF_TIME` of the last run up to it. */
  readonly before: { readonly state: string; readonly time: bigint };
  /** @default all that there ever were */
  readonly limitTables?: readonly LimitTable[] | undefined;
}

/**
 * The runs of a landed record, to be made again: on the state that its predecessors left, with the time and seed that follow from what
 * it says of its payments, under the limits and the gas table that it names where they are known. Signers of a record that says
 * otherwise signed what no honest run gives. Each run of a batch goes on from the state that the record says the one before left, so the
 * first that comes to something else ends it.
 */
export function planReplays(record: RunRecord, parts: ReplayParts): readonly Replay[] {
  return record.kind === "batch" ? replaysOfBatch(record, parts) : [replayOfTransition(record, parts)];
}

function replayOfTransition(record: TransitionRecord, parts: ReplayParts): Replay {
  const { request } = record.signedRequest;
  const { program, reference, before } = parts;
  const { outputCid, newState, gas } = record;
  return {
    plan: {
      program,
      reference,
      state: before.state,
      input: request.input,
      sequence: record.environment.sequence,
      ...environmentOf(record.payment, hashRequest(request), before.time),
      ...rulesOf(record, parts),
    },
    landed: { status: "accepted", outputCid, newState, gas },
    seconds: record.limits.seconds,
    conclude: (outcome) => outcome,
  };
}

function replaysOfBatch(record: BatchRecord, parts: ReplayParts): readonly Replay[] {
  const { program, reference } = parts;
  const { sequence, terms, inputs, limits } = record;
  const rules = rulesOf(record, parts);
  let { state, time } = parts.before;
  return inputs.map((input, index) => {
    const { request } = input.signedRequest;
    const environment = environmentOf(input.payment, hashRequest(request), time);
    const before = state;
    time = environment.time;
    if (input.status === "accepted") state = input.newState;
    return {
      plan: { program, reference, state: before, input: request.input, sequence, ...environment, ...rules },
      landed: input,
      seconds: index === inputs.length - 1 ? limits.seconds : undefined,
      conclude: (outcome) => concludeInput(input, outcome, { state: before, terms, environment }),
    };
  });
}

/** What a record was made under, as far as this build knows it; whoever writes of other limits gets those of now. */
function rulesOf(
  { limits, gasTable }: RunRecord,
  { reference, limitTables = LIMIT_TABLES }: ReplayParts,
): Pick<RunPlan, "limits" | "gasTable"> {
  const isKnown = differenceOfLimits(limits, reference.kind, limitTables) === undefined;
  return { limits: isKnown ? limits : undefined, gasTable: GAS_TABLES.get(gasTable) };
}
