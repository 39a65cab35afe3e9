import { z } from "zod";

import type { JsonRpcFailure } from "./json-rpc.ts";
import { fail } from "./json-rpc.ts";
import type { LedgerStore } from "./ledger-store.ts";

/** Most items of one page, and items of a page without limit (Stellar RPC defaults). */
const MAX_PAGE = 200;
const DEFAULT_PAGE = 50;

const UINT32_MAX = 4_294_967_295;

/** The service can also answer in JSON; this one has XDR only. */
export const xdrFormat = z.literal(["", "base64"]).optional();

/** Parameters of paged methods. */
export const pageSchema = z.object({
  startLedger: z.int().min(0).max(UINT32_MAX).optional(),
  pagination: z
    .object({ cursor: z.string().max(32).optional(), limit: z.int().min(0).max(UINT32_MAX).optional() })
    .nullish(),
  xdrFormat,
});

export type PageRequest = z.infer<typeof pageSchema>;

export interface Page {
  /** Undefined when the page goes on from a cursor. */
  readonly startLedger: number | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** Checks a page against the ledgers that are kept, with the service's own words. */
export function checkPage(request: PageRequest, store: LedgerStore): Page | JsonRpcFailure {
  const cursor = request.pagination?.cursor;
  const startLedger = request.startLedger ?? 0;
  if (cursor !== undefined && cursor !== "") {
    if (startLedger !== 0) return fail("invalidRequest", "startLedger and cursor cannot both be set");
  } else {
    const oldest = store.oldest().sequence;
    const latest = store.latest().sequence;
    if (startLedger < oldest || startLedger > latest) {
      return fail(
        "invalidRequest",
        `start ledger must be between the oldest ledger: ${String(oldest)} and the latest ledger: ${String(latest)} for this rpc instance`,
      );
    }
  }
  const limit = request.pagination?.limit ?? 0;
  if (limit > MAX_PAGE) return fail("invalidRequest", `limit must not exceed ${String(MAX_PAGE)}`);
  const goesOn = cursor !== undefined && cursor !== "";
  return {
    startLedger: goesOn ? undefined : startLedger,
    cursor: goesOn ? cursor : undefined,
    limit: limit === 0 ? DEFAULT_PAGE : limit,
  };
}
