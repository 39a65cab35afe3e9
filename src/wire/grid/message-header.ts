import type { GridRequest } from "./messages.ts";
import { MAX_GRID_LIFETIME_MS } from "./verify-message.ts";

type Header = Pick<
  GridRequest,
  "version" | "id" | "to" | "from" | "chainId" | "grid" | "contractId" | "issuedAt" | "expiresAt"
>;

/** The part that all messages of the grid have, for one that is written now. */
export function gridHeaderOf(parts: {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly chainId: bigint;
  /** Address of GridContracts: 20 bytes. */
  readonly grid: Uint8Array;
  readonly contractId: bigint;
  readonly nowMs: number;
}): Header {
  const { id, from, to, chainId, grid, contractId, nowMs } = parts;
  return {
    version: 1,
    id: new Uint8Array(id),
    to: new Uint8Array(to),
    from: new Uint8Array(from),
    chainId,
    grid: new Uint8Array(grid),
    contractId,
    issuedAt: nowMs,
    expiresAt: nowMs + MAX_GRID_LIFETIME_MS,
  };
}

/** The part that all answers to `request` have. */
export function gridReplyHeaderOf(
  request: GridRequest,
  { id, nowMs }: { readonly id: Uint8Array; readonly nowMs: number },
): Header & { readonly inReplyTo: GridRequest["id"] } {
  const { chainId, grid, contractId } = request;
  return {
    ...gridHeaderOf({ id, from: request.to, to: request.from, chainId, grid, contractId, nowMs }),
    inReplyTo: request.id,
  };
}
