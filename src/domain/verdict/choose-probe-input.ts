import type { ExecutionInput } from "../../wire/execution-request.ts";
import type { ProgramRecord } from "../../wire/record.ts";

/**
 * What a tester's probe asks a program: the input of its last landed transition or batch, which is of the kind that its users send, so a
 * worker cannot tell the tester from them; the empty input for a program that nobody used yet.
 */
export function chooseProbeInput(last: ProgramRecord | undefined): ExecutionInput {
  const signed = last?.kind === "batch" ? last.inputs.at(-1)?.signedRequest : undefined;
  if (signed !== undefined) return signed.request.input;
  return last?.kind === "transition" ? last.signedRequest.request.input : { bytes: new Uint8Array(0) };
}
