/** Error codes of JSON-RPC 2.0. */
export const JSON_RPC_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;

export type JsonRpcCode = keyof typeof JSON_RPC_CODES;

/** A refusal that goes to the caller as it is; part of the protocol, not one of our own errors. */
export interface JsonRpcFailure {
  readonly failure: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A refusal with one of the protocol's codes. */
export function fail(code: JsonRpcCode, message: string, data?: unknown): JsonRpcFailure {
  return { failure: { code: JSON_RPC_CODES[code], message, ...(data !== undefined && { data }) } };
}
