import { withoutParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import { fail } from "./json-rpc-failure.ts";
import { RETAINED_LEDGERS } from "./ledger-store.ts";
import type { RpcContext } from "./methods.ts";

/** What `getVersionInfo` names instead of a stellar-core; nobody should take this for one. */
const VERSION = "sprf-development-ledger";

/** `getHealth`, `getNetwork` and `getVersionInfo`. */
export function networkMethods({ ledger, store, runner, friendbotUrl }: RpcContext): Record<string, JsonRpcMethod> {
  const { networkPassphrase, protocolVersion } = ledger.parameters;
  return {
    getHealth: withoutParams(() => {
      const failure = runner.failure();
      if (failure !== undefined) return fail("internalError", failure.message);
      const latest = store.latest();
      const oldest = store.oldest();
      return {
        status: "healthy",
        latestLedger: latest.sequence,
        latestLedgerCloseTime: String(latest.closeTime),
        oldestLedger: oldest.sequence,
        oldestLedgerCloseTime: String(oldest.closeTime),
        ledgerRetentionWindow: RETAINED_LEDGERS,
      };
    }),
    getNetwork: withoutParams(() => ({ friendbotUrl: friendbotUrl(), passphrase: networkPassphrase, protocolVersion })),
    getVersionInfo: withoutParams(() => ({
      version: VERSION,
      commitHash: "",
      buildTimestamp: "",
      captiveCoreVersion: VERSION,
      protocolVersion,
    })),
  };
}
