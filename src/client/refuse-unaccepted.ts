import { SprfError } from "../errors.ts";
import type { Majority } from "./ask-workers.ts";

/**
 * @param detail the program's own words, which a record does not hold
 * @throws SprfError `PROGRAM_REJECTED`, `OUT_OF_GAS` unless the majority's run was accepted
 */
export function refuseUnaccepted({ answer, detail }: Pick<Majority, "answer" | "detail">): void {
  if (answer.status === "accepted") return;
  const code = answer.status === "rejected" ? "PROGRAM_REJECTED" : "OUT_OF_GAS";
  const message =
    answer.status === "rejected"
      ? `the program rejected the input${detail.trim() === "" ? "" : ` (${detail.trim()})`}`
      : `the run costs ${answer.gas} gas, more than the request allows`;
  throw new SprfError(code, message, { context: { gas: answer.gas.toString(), outputCid: answer.outputCid } });
}
