import type { SmartAccount } from "../domain/program/smart-account.ts";
import { conclude } from "../execution/conclude.ts";
import { planRun } from "../execution/plan-run.ts";
import { runProgram, type RunComponents } from "../execution/run-program.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import type { SignedRequest } from "../wire/execution-request.ts";

/** A paid request and the state to run it on. */
export interface OwnRunRequest {
  /** The smart account as it was at the sequence to run at. */
  readonly account: SmartAccount;
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
  readonly payment: LandedTransaction;
}

/** The answer that this machine would sign. Throws what engines, ledger and content throw; none of that blames a worker. */
export type OwnRun = (
  request: OwnRunRequest,
  options?: { signal?: AbortSignal | undefined },
) => Promise<ExecutionAnswer>;

/** Runs a request through the very code that workers run it through. */
export function createOwnRun(components: RunComponents & { readonly ledger: Ledger }): OwnRun {
  const { content, ledger } = components;
  return async ({ account, signed, requestHash, payment }, { signal } = {}) => {
    const plan = await planRun(components, { account, request: signed.request, requestHash, payment }, { signal });
    const outcome = await runProgram(components, plan.run, { signal });
    // A tester serves nobody, so nothing that came out has to stay.
    await content.unpin(outcome.outputCid, { signal });
    if (outcome.status === "accepted") await content.unpin(outcome.newState, { signal });
    return conclude(plan, outcome, signed, ledger.networkPassphrase).answer;
  };
}
