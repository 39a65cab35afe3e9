import { xdr } from "@stellar/stellar-sdk";

import { parseUint32 } from "./go-integers.ts";
import { parseParams, withoutParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { JsonRpcFailure } from "./json-rpc-failure.ts";
import { fail } from "./json-rpc-failure.ts";
import type { LedgerStore, StoredLedger } from "./ledger-store.ts";
import type { RpcContext } from "./methods.ts";
import { checkPage, pageSchema } from "./pages.ts";
import { closeMeta, headerEntry } from "./transaction-meta.ts";
import type { XdrFormat } from "./xdr-format.ts";
import { toBase64, xdrField } from "./xdr-format.ts";

interface LatestLedger {
  /** The ledger's hash. */
  readonly id: string;
  readonly protocolVersion: number;
  readonly sequence: number;
  readonly closeTime: string;
  readonly headerXdr: string;
  readonly metadataXdr: string;
}

/** `getLatestLedger` and `getLedgers`. */
export function ledgerMethods({ ledger, store }: RpcContext): Record<string, JsonRpcMethod> {
  // Clients ask for it again and again, and its metadata hold the whole ledger.
  let known: LatestLedger | undefined;
  return {
    getLatestLedger: withoutParams(() => {
      const latest = store.latest();
      if (known?.id === latest.hash) return known;
      known = {
        id: latest.hash,
        protocolVersion: ledger.parameters.protocolVersion,
        sequence: latest.sequence,
        closeTime: String(latest.closeTime),
        headerXdr: toBase64(latest.header),
        metadataXdr: toBase64(metadata(store, latest)),
      };
      return known;
    }),
    getLedgers: (params) => getLedgers(store, params),
  };
}

function getLedgers(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(pageSchema, params);
  if ("failure" in parsed) return parsed;
  const page = checkPage(parsed.params, store);
  if ("failure" in page) return page;
  const start = "cursor" in page.start ? behind(page.start.cursor, store) : page.start;
  if ("failure" in start) return start;
  const oldest = store.oldest();
  const latest = store.latest();
  const ledgers = store.ledgers(start.ledger, page.limit);
  return {
    ledgers: ledgers.map((ledger) => describe(store, ledger, page.format)),
    latestLedger: latest.sequence,
    latestLedgerCloseTime: latest.closeTime,
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTime: oldest.closeTime,
    cursor: String(ledgers.at(-1)?.sequence ?? start.ledger - 1),
  };
}

/** The ledger behind a cursor; there is none behind the latest. */
function behind(cursor: string, store: LedgerStore): { readonly ledger: number } | JsonRpcFailure {
  const parsed = parseUint32(cursor);
  if ("problem" in parsed) return fail("invalidParams", parsed.problem);
  const ledger = Number(parsed.value) + 1;
  const oldest = store.oldest().sequence;
  const latest = store.latest().sequence;
  if (ledger >= oldest && ledger <= latest) return { ledger };
  return fail(
    "invalidParams",
    `cursor ('${cursor}') must be between the oldest ledger: ${String(oldest)} and the latest ledger: ${String(latest)} for this rpc instance`,
  );
}

function describe(store: LedgerStore, ledger: StoredLedger, format: XdrFormat): object {
  return {
    hash: ledger.hash,
    sequence: ledger.sequence,
    ledgerCloseTime: String(ledger.closeTime),
    // The service sends both names of XDR, empty, beside those of JSON.
    headerXdr: "",
    metadataXdr: "",
    ...xdrField("header", xdr.LedgerHeaderHistoryEntry, headerEntry(ledger).toXdr(), format),
    ...xdrField("metadata", xdr.LedgerCloseMeta, metadata(store, ledger), format),
  };
}

function metadata(store: LedgerStore, ledger: StoredLedger): Uint8Array {
  return closeMeta(ledger, store.transactionsOf(ledger.sequence)).toXdr();
}
