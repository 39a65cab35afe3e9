import { SprfError } from "../errors.ts";
import type { Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import { hashRequest, type SignedRequest } from "../wire/execution-request.ts";
import { conclude } from "./conclude.ts";
import { loadSmartAccount } from "./load-smart-account.ts";
import { planRun } from "./plan-run.ts";
import { runProgram, type RunComponents } from "./run-program.ts";

/**
 * Runs a paid request as its workers do and gives the answer that an honest one signs on this sequence; nothing is signed here.
 *
 * @throws SprfError `REQUEST_STATE_MOVED` when the account has left that sequence, `PAYMENT_NOT_FOUND`, and what planning and
 * running throw: all of it is about this machine or this moment, and proves nothing against a worker
 */
export async function runAgain(
  components: RunComponents & { readonly ledger: Ledger },
  signed: SignedRequest,
  { sequence, signal }: { readonly sequence: bigint; readonly signal?: AbortSignal | undefined },
): Promise<ExecutionAnswer> {
  const { ledger } = components;
  const { request, paymentHash } = signed;
  const account = await loadSmartAccount(ledger, request.program, { signal });
  if (account.sequence !== sequence) {
    throw new SprfError(
      "REQUEST_STATE_MOVED",
      `${request.program} is at ${account.sequence}, the answer at ${sequence}`,
    );
  }
  const payment = await ledger.transaction(toHex(paymentHash), { signal });
  if (payment === undefined) throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${toHex(paymentHash)}`);
  const plan = await planRun(components, { account, request, requestHash: hashRequest(request), payment }, { signal });
  const outcome = await runProgram(components, plan.run, { signal });
  return conclude(plan, outcome, signed, ledger.networkPassphrase).answer;
}
