import type { Refusal } from "../domain/grid/decide-deploy.ts";
import { isSprfError } from "../errors.ts";
import { withDeadline } from "../utils/abort.ts";
import { retry } from "../utils/retry.ts";
import type { NodeParts } from "./node-parts.ts";

const CONFIRM_TIMEOUT_MS = 60_000;
const MAX_REVERTS = 3;

/**
 * Says on the chain that the deployment runs, unless that is said already; the chain may be away for a while.
 *
 * @returns why there is nothing to run any more, or yet
 * @throws SprfError `CHAIN_UNREACHABLE`, `TIMEOUT`: polling says it later
 */
export async function confirm(
  { reader, contracts, clock }: Pick<NodeParts, "reader" | "contracts" | "clock">,
  contractId: number,
  { signal }: { readonly signal: AbortSignal },
): Promise<Pick<Refusal, "code" | "detail"> | undefined> {
  const deadline = withDeadline(signal, CONFIRM_TIMEOUT_MS);
  let reverts = 0;
  const once = async (): Promise<Pick<Refusal, "code" | "detail"> | undefined> => {
    const contract = await reader.read(contractId, { signal: deadline });
    switch (contract?.facts.state) {
      case undefined:
        return { code: "contract-unknown", detail: "" };
      case "deleted":
        return { code: "contract-over", detail: "" };
      case "grace":
        return { code: "contract-in-grace", detail: "" };
      case "deployed":
        return undefined;
      case "created":
        await contracts.confirmDeployment(contractId, { signal: deadline });
        return undefined;
    }
  };
  return await retry(once, {
    clock,
    signal: deadline,
    retriable(error) {
      if (!isSprfError(error)) return false;
      // It was cancelled, or ran out of funds, between the look and the transaction: the next look tells.
      if (error.code === "CHAIN_REVERTED") return ++reverts < MAX_REVERTS;
      return error.fault === "network";
    },
  });
}
