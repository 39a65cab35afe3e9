import type { ProgramReference } from "../ports/engine.ts";
import { hashWithDomain } from "../wire/canonical.ts";
import { hashRequest } from "../wire/execution-request.ts";
import type { TransitionRecord } from "../wire/record.ts";
import type { RunPlan } from "./run-program.ts";

/**
 * The run of a landed transition, to be made again: on the state that its predecessors left, with the time and seed that follow from
 * what its record says of its payment. Signers of a record that says otherwise signed what no honest run gives.
 */
export function planReplay(
  record: TransitionRecord,
  parts: {
    /** The smart account. */
    readonly program: string;
    readonly reference: ProgramReference;
    /** After the record before it: its state, and `SPRF_TIME` of the last transition up to it. */
    readonly before: { readonly state: string; readonly time: bigint };
  },
): RunPlan {
  const { request } = record.signedRequest;
  const { program, reference, before } = parts;
  return {
    program,
    reference,
    state: before.state,
    input: request.input,
    sequence: record.environment.sequence,
    time: record.payment.closeTime > before.time ? record.payment.closeTime : before.time,
    seed: hashWithDomain("sprf/seed/1", hashRequest(request), record.payment.ledgerHash),
  };
}
