import { awaitBatch } from "./await-batch.ts";
import {
  landPaid,
  type ExecuteComponents,
  type ExecuteOptions,
  type ExecutionResult,
  type PaidRequest,
} from "./land-paid.ts";

/** Takes a paid request to its end, in the form that it was paid in. */
export async function finishPaid(
  components: ExecuteComponents,
  paid: PaidRequest,
  options: ExecuteOptions,
): Promise<ExecutionResult> {
  return paid.request.form === "prepaid"
    ? await awaitBatch(components, paid, options)
    : await landPaid(components, paid, options);
}
