import { fail, parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { LedgerStore, StoredLedger } from "./ledger-store.ts";
import type { RpcContext } from "./methods.ts";
import { checkPage, pageSchema } from "./pages.ts";
import { closeMeta, headerEntry } from "./transaction-meta.ts";

/** `getLatestLedger` and `getLedgers`. */
export function ledgerMethods({ ledger, store }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getLatestLedger() {
      const latest = store.latest();
      return {
        id: latest.hash,
        protocolVersion: ledger.parameters.protocolVersion,
        sequence: latest.sequence,
        closeTime: String(latest.closeTime),
        headerXdr: Buffer.from(latest.header).toString("base64"),
        metadataXdr: metadata(store, latest),
      };
    },
    getLedgers: (params) => getLedgers(store, params),
  };
}

function getLedgers(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(pageSchema, params);
  if ("failure" in parsed) return parsed;
  const page = checkPage(parsed.params, store);
  if ("failure" in page) return page;
  const oldest = store.oldest();
  const latest = store.latest();
  let start = page.startLedger;
  if (start === undefined) {
    if (!/^\d{1,10}$/.test(page.cursor ?? "")) return fail("invalidParams", "cursor is not a ledger sequence");
    start = Number(page.cursor) + 1;
    if (start < oldest.sequence || start > latest.sequence) {
      return fail(
        "invalidParams",
        `cursor ('${String(page.cursor)}') must be between the oldest ledger: ${String(oldest.sequence)} and the latest ledger: ${String(latest.sequence)} for this rpc instance`,
      );
    }
  }
  const ledgers = store.ledgers(start, page.limit);
  return {
    ledgers: ledgers.map((ledger) => ({
      hash: ledger.hash,
      sequence: ledger.sequence,
      ledgerCloseTime: String(ledger.closeTime),
      headerXdr: headerEntry(ledger).toXdr("base64"),
      metadataXdr: metadata(store, ledger),
    })),
    latestLedger: latest.sequence,
    latestLedgerCloseTime: latest.closeTime,
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTime: oldest.closeTime,
    cursor: String(ledgers.at(-1)?.sequence ?? start - 1),
  };
}

function metadata(store: LedgerStore, ledger: StoredLedger): string {
  return closeMeta(ledger, store.transactionsOf(ledger.sequence)).toXdr("base64");
}
