import type { JsonRpcFailure } from "./json-rpc-failure.ts";
import { fail } from "./json-rpc-failure.ts";

/** Null stands for a notification, as the service takes it. */
export type RequestId = string | number | null;

/** A request whose form has been checked; parameters have not. */
export interface JsonRpcRequest {
  readonly id: RequestId;
  /** Empty when absent. */
  readonly method: string;
  /** An object, a list, or undefined for none. */
  readonly params: unknown;
}

/** Fields that a message may have; two of them only in responses. */
const KNOWN = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** Checks one message as the service's library does (jrpc2), with its codes and words. */
export function readRequest(raw: unknown): JsonRpcRequest | (JsonRpcFailure & { readonly id: RequestId }) {
  if (raw !== null && (typeof raw !== "object" || Array.isArray(raw))) {
    return { id: null, ...fail("parseError", "request is not a JSON object") };
  }
  const fields = new Map<string, unknown>(Object.entries(raw ?? {}));
  const id = fields.get("id") ?? null;
  if (!isId(id)) return { id: null, ...fail("invalidRequest", "invalid request ID") };
  const failure = whatIsWrong(fields);
  if (failure !== undefined) return { id, ...failure };
  return { id, method: (fields.get("method") ?? "") as string, params: fields.get("params") ?? undefined };
}

function whatIsWrong(fields: ReadonlyMap<string, unknown>): JsonRpcFailure | undefined {
  const version = fields.get("jsonrpc") ?? "";
  const method = fields.get("method") ?? "";
  const params = fields.get("params") ?? undefined;
  if (typeof version !== "string") return fail("parseError", "invalid version key");
  if (typeof method !== "string") return fail("parseError", "invalid method name");
  if (params !== undefined && typeof params !== "object") {
    return fail("invalidRequest", "parameters must be array or object");
  }
  if (version !== "2.0") return fail("invalidRequest", "invalid version marker");
  if (method !== "" && (fields.has("result") || (fields.get("error") ?? null) !== null)) {
    return fail("invalidRequest", "mixed request and reply fields");
  }
  const extra = [...fields.keys()].filter((name) => !KNOWN.has(name));
  return extra.length === 0 ? undefined : fail("invalidRequest", "extra fields in request", extra);
}

function isId(id: unknown): id is RequestId {
  return id === null || typeof id === "string" || typeof id === "number";
}
