import { equalBytes } from "../../utils/bytes.ts";
import {
  decodeGridMessage,
  invalidGridMessage,
  type GridAcknowledgement,
  type GridMessage,
  type GridReply,
  type GridRequest,
} from "./messages.ts";

/** A message is valid for at most so long. */
export const MAX_GRID_LIFETIME_MS = 60_000;
/** By how much clocks may differ. */
export const MAX_GRID_SKEW_MS = 30_000;

export interface GridContext {
  readonly nowMs: number;
  /** The reader's own message key. */
  readonly self: Uint8Array;
  readonly chainId: bigint;
  /** Address of GridContracts: 20 bytes. */
  readonly grid: Uint8Array;
}

/**
 * The message in `payload`, if it is for `self`, written by `signer`, about a contract of this grid, and fresh. Whether it was seen
 * before is for the caller to know: it remembers ids until `expiresAt` plus the skew.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyGridMessage(payload: Uint8Array, signer: Uint8Array, context: GridContext): GridMessage {
  const message = decodeGridMessage(payload);
  if (!equalBytes(message.to, context.self)) throw invalidGridMessage("for somebody else");
  if (!equalBytes(message.from, signer)) throw invalidGridMessage("signed by another key than its sender's");
  if (message.chainId !== context.chainId || !equalBytes(message.grid, context.grid)) {
    throw invalidGridMessage("about another grid");
  }
  const lifetimeMs = message.expiresAt - message.issuedAt;
  if (lifetimeMs <= 0 || lifetimeMs > MAX_GRID_LIFETIME_MS) throw invalidGridMessage(`a lifetime of ${lifetimeMs} ms`);
  if (message.issuedAt > context.nowMs + MAX_GRID_SKEW_MS) throw invalidGridMessage("from the future");
  if (message.expiresAt + MAX_GRID_SKEW_MS < context.nowMs) throw invalidGridMessage("expired");
  return message;
}

/** Whether it is something that a node answers. */
export function isGridRequest(message: GridMessage): message is GridRequest {
  return "replyKey" in message;
}

/**
 * The answer in `payload` to `request`, from whom that was sent to: a reply, or that it was heard.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyGridReply(
  payload: Uint8Array,
  signer: Uint8Array,
  { nowMs, request }: { readonly nowMs: number; readonly request: GridRequest },
): GridReply | GridAcknowledgement {
  const { chainId, grid } = request;
  const message = verifyGridMessage(payload, signer, { nowMs, self: request.from, chainId, grid });
  if (!("inReplyTo" in message)) throw invalidGridMessage(`expected a reply, not ${message.kind}`);
  if (!equalBytes(message.from, request.to)) throw invalidGridMessage("a reply of somebody who was not asked");
  if (!equalBytes(message.inReplyTo, request.id)) throw invalidGridMessage("a reply to another request");
  if (message.contractId !== request.contractId) throw invalidGridMessage("a reply about another contract");
  return message;
}
