import type { DevelopmentLedger } from "../ledger/development-ledger.ts";
import type { LedgerRunner } from "../ledger-runner.ts";
import { eventMethods } from "./events.ts";
import { feeStatsMethods } from "./fee-stats.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import { ledgerEntryMethods } from "./ledger-entries.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { ledgerMethods } from "./ledgers.ts";
import { networkMethods } from "./network.ts";
import { transactionMethods } from "./transactions.ts";

/** What the methods of the service work on. */
export interface RpcContext {
  readonly ledger: DevelopmentLedger;
  readonly store: LedgerStore;
  readonly runner: LedgerRunner;
  readonly friendbotUrl: () => string;
}

/** All methods of Stellar RPC that this service has; contracts are not among them. */
export function rpcMethods(context: RpcContext): Readonly<Record<string, JsonRpcMethod>> {
  return {
    ...networkMethods(context),
    ...ledgerMethods(context),
    ...ledgerEntryMethods(context),
    ...transactionMethods(context),
    ...feeStatsMethods(context),
    ...eventMethods(context),
  };
}
