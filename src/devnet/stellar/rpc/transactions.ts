import { xdr } from "@stellar/stellar-sdk";
import { z } from "zod";

import type { LedgerTransaction } from "../ledger/transaction.ts";
import { MAX_ENVELOPE_BYTES } from "../ledger/transaction.ts";
import { parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { JsonRpcFailure } from "./json-rpc-failure.ts";
import { fail } from "./json-rpc-failure.ts";
import type { LedgerStore, StoredTransaction } from "./ledger-store.ts";
import type { RpcContext } from "./methods.ts";
import { checkPage, pageSchema } from "./pages.ts";
import type { TransactionPlace } from "./transaction-cursor.ts";
import { formatCursor, parseCursor } from "./transaction-cursor.ts";
import type { XdrFormat } from "./xdr-format.ts";
import { checkFormat, formatOf, fromBase64, xdrField, xdrFormat } from "./xdr-format.ts";

const HASH_BYTES = 32;
const MAX_HASH_CHARACTERS = 1024;

const sendSchema = z.object({
  transaction: z
    .string()
    .max((MAX_ENVELOPE_BYTES * 4) / 3 + 4)
    .nullish(),
  xdrFormat,
});
const getSchema = z.object({ hash: z.string().max(MAX_HASH_CHARACTERS).nullish(), xdrFormat });

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
  const wrongFormat = checkFormat(parsed.params.xdrFormat);
  if (wrongFormat !== undefined) return fail("invalidParams", wrongFormat);
  let tx: LedgerTransaction;
  try {
    const envelope = parsed.params.transaction ?? "";
    if (fromBase64(envelope) === undefined) return fail("invalidParams", "invalid_xdr");
    tx = ledger.decode(envelope);
  } catch {
    return fail("invalidParams", "invalid_xdr");
  }
  const latest = store.latest();
  const { status, errorResult } = runner.submit(tx);
  const format = formatOf(parsed.params.xdrFormat);
  return {
    ...(errorResult !== undefined && xdrField("errorResult", xdr.TransactionResult, errorResult.toXdr(), format)),
    status,
    hash: tx.hash,
    latestLedger: latest.sequence,
    latestLedgerCloseTime: String(latest.closeTime),
  };
}

function getTransaction(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(getSchema, params);
  if ("failure" in parsed) return parsed;
  const hash = parsed.params.hash ?? "";
  const problem = checkFormat(parsed.params.xdrFormat) ?? checkHash(hash);
  if (problem !== undefined) return fail("invalidParams", problem);
  const tx = store.transaction(hash.toLowerCase());
  const latest = store.latest();
  const oldest = store.oldest();
  const details =
    tx === undefined
      ? { status: "NOT_FOUND", applicationOrder: 0, feeBump: false, events: {}, ledger: 0, createdAt: "0" }
      : { ...describe(tx, formatOf(parsed.params.xdrFormat)), createdAt: String(tx.closeTime) };
  return {
    latestLedger: latest.sequence,
    latestLedgerCloseTime: String(latest.closeTime),
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTime: String(oldest.closeTime),
    ...details,
    txHash: hash,
  };
}

/** What is wrong with a hash, in the words of Go's decoder, which counts bytes. */
function checkHash(hash: string): string | undefined {
  const bytes = Buffer.from(hash, "utf8");
  if (bytes.length >> 1 !== HASH_BYTES) return `unexpected hash length (${String(bytes.length)})`;
  const wrong = bytes.find((byte) => !/[0-9a-fA-F]/.test(String.fromCodePoint(byte)));
  if (wrong !== undefined) {
    const code = wrong.toString(16).toUpperCase().padStart(4, "0");
    return `incorrect hash: encoding/hex: invalid byte: U+${code} '${String.fromCodePoint(wrong)}'`;
  }
  return bytes.length % 2 === 0 ? undefined : "incorrect hash: encoding/hex: odd length hex string";
}

/** This method alone also takes its parameters as a list, all three of them. */
function namedPage(params: unknown): unknown {
  if (!Array.isArray(params)) return params;
  const list: readonly unknown[] = params;
  const [startLedger, pagination, format] = list;
  return list.length === 3 ? { startLedger, pagination, xdrFormat: format } : list;
}

function getTransactions(store: LedgerStore, params: unknown): ReturnType<JsonRpcMethod> {
  const parsed = parseParams(pageSchema, namedPage(params));
  if ("failure" in parsed) return parsed;
  const page = checkPage(parsed.params, store);
  if ("failure" in page) return page;
  const latest = store.latest();
  const oldest = store.oldest();
  const from = "cursor" in page.start ? behind(page.start.cursor) : { ledger: page.start.ledger, position: 1 };
  if ("failure" in from) return from;
  if (from.ledger < oldest.sequence) {
    return fail("invalidParams", `database does not contain metadata for ledger: ${String(from.ledger)}`);
  }
  const found = store.transactions(from.ledger, from.position, page.limit);
  const end = pageEnd(found.length === page.limit, found.at(-1), from, latest.sequence);
  return {
    transactions: found.map((tx) => ({ ...describe(tx, page.format), txHash: tx.hash, createdAt: tx.closeTime })),
    latestLedger: latest.sequence,
    latestLedgerCloseTimestamp: latest.closeTime,
    oldestLedger: oldest.sequence,
    oldestLedgerCloseTimestamp: oldest.closeTime,
    cursor: formatCursor(end.ledger, end.position),
  };
}

function behind(cursor: string): TransactionPlace | JsonRpcFailure {
  const place = parseCursor(cursor);
  if ("problem" in place) return fail("invalidParams", place.problem);
  return { ledger: place.ledger, position: place.position + 1 };
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

function describe(tx: StoredTransaction, format: XdrFormat): object {
  return {
    status: tx.successful ? "SUCCESS" : "FAILED",
    applicationOrder: tx.position,
    feeBump: tx.feeBump,
    ...xdrField("envelope", xdr.TransactionEnvelope, tx.envelope, format),
    ...xdrField("result", xdr.TransactionResult, tx.result, format),
    ...xdrField("resultMeta", xdr.TransactionMeta, tx.meta, format),
    events: {},
    ledger: tx.ledger,
  };
}
