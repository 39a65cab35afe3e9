import { z } from "zod";

import type { LedgerTransaction } from "../ledger/transaction.ts";
import { MAX_ENVELOPE_BYTES } from "../ledger/transaction.ts";
import { fail, parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { LedgerStore, StoredTransaction } from "./ledger-store.ts";
import type { RpcContext } from "./methods.ts";
import { checkPage, pageSchema, xdrFormat } from "./pages.ts";
import type { TransactionPlace } from "./transaction-cursor.ts";
import { formatCursor, parseCursor } from "./transaction-cursor.ts";

/** Hex digits of a transaction hash. */
const HASH_DIGITS = 64;

const sendSchema = z.object({ transaction: z.string().max((MAX_ENVELOPE_BYTES * 4) / 3 + 4), xdrFormat });
const getSchema = z.object({ hash: z.string().max(1024), xdrFormat });

/** `sendTransaction`, `getTransaction` and `getTransactions`. */
export function transactionMethods(context: RpcContext): Record<string, JsonRpcMethod> {
  return {
    sendTransaction: (params) => sendTransaction(context, params),
    getTransaction: (params) => getTransaction(context.store, params),
    getTransactions: (params) => getTransactions(context.store, params),
  };
}

function sendTransaction({ ledger, runner, store }: RpcContext, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(sendSchema, params);
  if ("failure" in parsed) return parsed;
  let tx: LedgerTransaction;
  try {
    tx = ledger.decode(parsed.params.transaction);
  } catch {
    return fail("invalidParams", "invalid_xdr");
  }
  const latest = store.latest();
  const { status, errorResult } = runner.submit(tx);
  return {
    ...(errorResult !== undefined && { errorResultXdr: errorResult.toXdr("base64") }),
    status,
    hash: tx.hash,
    latestLedger: latest.sequence,
    latestLedgerCloseTime: String(latest.closeTime),
  };
}

function getTransaction(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(getSchema, params);
  if ("failure" in parsed) return parsed;
  const { hash } = parsed.params;
  if (hash.length !== HASH_DIGITS) return fail("invalidParams", `unexpected hash length (${String(hash.length)})`);
  if (!/^[0-9a-fA-F]*$/.test(hash)) return fail("invalidParams", "incorrect hash: not hexadecimal");
  const tx = store.transaction(hash.toLowerCase());
  const latest = store.latest();
  const oldest = store.oldest();
  const details =
    tx === undefined
      ? {
          status: "NOT_FOUND",
          txHash: hash,
          applicationOrder: 0,
          feeBump: false,
          events: {},
          ledger: 0,
          createdAt: "0",
        }
      : { ...describe(tx), txHash: hash, createdAt: String(tx.closeTime) };
  return {
    latestLedger: latest.sequence,
    latestLedgerCloseTime: String(latest.closeTime),
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTime: String(oldest.closeTime),
    ...details,
  };
}

function getTransactions(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(pageSchema, params);
  if ("failure" in parsed) return parsed;
  const page = checkPage(parsed.params, store);
  if ("failure" in page) return page;
  const latest = store.latest();
  const oldest = store.oldest();
  let from = { ledger: page.startLedger ?? 0, position: 1 };
  if (page.cursor !== undefined) {
    const after = parseCursor(page.cursor);
    if (after === undefined) return fail("invalidParams", `cursor ('${page.cursor}') is not a number`);
    from = { ledger: after.ledger, position: after.position + 1 };
    if (from.ledger < oldest.sequence && from.ledger !== 0) {
      return fail("invalidParams", `database does not contain metadata for ledger: ${String(from.ledger)}`);
    }
  }
  const found = store.transactions(from.ledger, from.position, page.limit);
  const end = pageEnd(found.length === page.limit, found.at(-1), from, latest.sequence);
  return {
    transactions: found.map((tx) => ({ ...describe(tx), txHash: tx.hash, createdAt: tx.closeTime })),
    latestLedger: latest.sequence,
    latestLedgerCloseTimestamp: latest.closeTime,
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTimestamp: oldest.closeTime,
    cursor: formatCursor(end.ledger, end.position),
  };
}

/** Where the next page goes on: behind the last item, or behind the latest ledger when there is nothing more yet. */
function pageEnd(
  isFull: boolean,
  last: StoredTransaction | undefined,
  from: TransactionPlace,
  latestLedger: number,
): TransactionPlace {
  const seen = last ?? { ledger: from.ledger, position: from.position - 1 };
  return isFull || seen.ledger >= latestLedger ? seen : { ledger: latestLedger, position: 0 };
}

function describe(tx: StoredTransaction): object {
  return {
    status: tx.successful ? "SUCCESS" : "FAILED",
    applicationOrder: tx.position,
    feeBump: tx.feeBump,
    envelopeXdr: base64(tx.envelope),
    resultXdr: base64(tx.result),
    resultMetaXdr: base64(tx.meta),
    events: {},
    ledger: tx.ledger,
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
