import { z } from "zod";

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
  readonly failure: { readonly code: number; readonly message: string };
}

/** Answers one method; parameters are untrusted. */
export type JsonRpcMethod = (params: unknown) => object | JsonRpcFailure;

/** Requests that one HTTP body may hold. */
const MAX_BATCH = 50;

/** A refusal with one of the protocol's codes. */
export function fail(code: JsonRpcCode, message: string): JsonRpcFailure {
  return { failure: { code: JSON_RPC_CODES[code], message } };
}

/** The body of a response that carries only an error. */
export function errorResponse(code: JsonRpcCode, message: string, id: RequestId = null): object {
  return { jsonrpc: "2.0", id, error: { code: JSON_RPC_CODES[code], message } };
}

type RequestId = string | number | null;

const requestSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string().max(256), z.number(), z.null()]).optional(),
  method: z.string().max(256),
  params: z.unknown().optional(),
});

/**
 * Answers the text of a request body.
 *
 * @param onError hears what a method threw; the caller only learns that it was an internal error.
 * @returns the response, or undefined when the body held only notifications.
 */
export function answer(
  body: string,
  methods: Readonly<Record<string, JsonRpcMethod>>,
  onError: (method: string, error: unknown) => void,
): object | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return errorResponse("parseError", "invalid JSON");
  }
  if (!Array.isArray(parsed)) return answerOne(parsed, methods, onError);
  if (parsed.length === 0) return errorResponse("invalidRequest", "empty batch");
  if (parsed.length > MAX_BATCH) return errorResponse("invalidRequest", `more than ${String(MAX_BATCH)} requests`);
  const responses = parsed.map((request) => answerOne(request, methods, onError)).filter((r) => r !== undefined);
  return responses.length === 0 ? undefined : responses;
}

function answerOne(
  request: unknown,
  methods: Readonly<Record<string, JsonRpcMethod>>,
  onError: (method: string, error: unknown) => void,
): object | undefined {
  const checked = requestSchema.safeParse(request);
  if (!checked.success) return errorResponse("invalidRequest", "not a JSON-RPC 2.0 request");
  const { id, method, params } = checked.data;
  const response = run(method, Object.hasOwn(methods, method) ? methods[method] : undefined, params, onError);
  return id === undefined ? undefined : { jsonrpc: "2.0", id, ...response };
}

function run(
  name: string,
  method: JsonRpcMethod | undefined,
  params: unknown,
  onError: (method: string, error: unknown) => void,
): { result: object } | { error: JsonRpcFailure["failure"] } {
  if (method === undefined) {
    return { error: { code: JSON_RPC_CODES.methodNotFound, message: `method not found: ${name}` } };
  }
  try {
    const result = method(params);
    return "failure" in result ? { error: result.failure } : { result };
  } catch (error) {
    onError(name, error);
    return { error: { code: JSON_RPC_CODES.internalError, message: "internal error" } };
  }
}

/** Parameters by the schema (absent and null mean none), or the refusal. */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): { readonly params: T } | JsonRpcFailure {
  const checked = schema.safeParse(params ?? {});
  if (checked.success) return { params: checked.data };
  const [issue] = checked.error.issues;
  return fail("invalidParams", `invalid parameters: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}
