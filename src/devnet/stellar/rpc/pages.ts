import { z } from "zod";

import type { JsonRpcFailure } from "./json-rpc-failure.ts";
import { fail } from "./json-rpc-failure.ts";
import type { LedgerStore } from "./ledger-store.ts";
import type { XdrFormat } from "./xdr-format.ts";
import { checkFormat, formatOf, xdrFormat } from "./xdr-format.ts";

/** Most items of one page, and items of a page without limit (Stellar RPC defaults). */
const MAX_PAGE = 200;
const DEFAULT_PAGE = 50;

const UINT32_MAX = 4_294_967_295;

const MAX_CURSOR_CHARACTERS = 64;

/** A number as the service's requests have it: null stands for 0. */
export const uint32 = z.int().min(0).max(UINT32_MAX).nullish();

/** Parameters of paged methods. */
export const pageSchema = z.object({
  startLedger: uint32,
  pagination: z.object({ cursor: z.string().max(MAX_CURSOR_CHARACTERS).nullish(), limit: uint32 }).nullish(),
  xdrFormat,
});

export type PageRequest = z.infer<typeof pageSchema>;

export interface Page {
  readonly start: { readonly ledger: number } | { readonly cursor: string };
  readonly limit: number;
  readonly format: XdrFormat;
}

/** Checks a page against the ledgers that are kept, with the service's own words. */
export function checkPage(request: PageRequest, store: LedgerStore): Page | JsonRpcFailure {
  const cursor = request.pagination?.cursor ?? "";
  const ledger = request.startLedger ?? 0;
  const limit = request.pagination?.limit ?? 0;
  const problems = [whatIsWrong({ ledger, cursor, limit }, store), checkFormat(request.xdrFormat)].filter(
    (problem) => problem !== undefined,
  );
  if (problems.length > 0) return fail("invalidRequest", problems.join("\n"));
  return {
    start: cursor === "" ? { ledger } : { cursor },
    limit: limit === 0 ? DEFAULT_PAGE : limit,
    format: formatOf(request.xdrFormat),
  };
}

function whatIsWrong(
  { ledger, cursor, limit }: { readonly ledger: number; readonly cursor: string; readonly limit: number },
  store: LedgerStore,
): string | undefined {
  if (cursor !== "") {
    if (ledger !== 0) return `startLedger (${String(ledger)}) and cursor (${cursor}) cannot both be set`;
  } else {
    const oldest = store.oldest().sequence;
    const latest = store.latest().sequence;
    if (ledger < oldest || ledger > latest) {
      return `start ledger (${String(ledger)}) must be between the oldest ledger: ${String(oldest)} and the latest ledger: ${String(latest)} for this rpc instance`;
    }
  }
  return limit > MAX_PAGE ? `limit must not exceed ${String(MAX_PAGE)}` : undefined;
}
