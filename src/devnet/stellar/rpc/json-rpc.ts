import { z } from "zod";

import { firstIssue } from "../../../config/first-issue.ts";
import type { JsonRpcCode, JsonRpcFailure } from "./json-rpc-failure.ts";
import { fail } from "./json-rpc-failure.ts";
import { readRequest } from "./json-rpc-request.ts";
import type { RequestId } from "./json-rpc-request.ts";

/** Answers one method; parameters are untrusted. */
export type JsonRpcMethod = (params: unknown) => object | JsonRpcFailure;

/** Requests that one HTTP body may hold: each may ask for a page of ledgers, which are large. */
const MAX_BATCH = 50;

/** The body of a response that carries only an error. */
export function errorResponse(code: JsonRpcCode, message: string): object {
  return failureResponse(null, fail(code, message));
}

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
    return errorResponse("parseError", "invalid request value");
  }
  if (!Array.isArray(parsed)) return answerAll([parsed], methods, onError)[0];
  if (parsed.length > MAX_BATCH) return errorResponse("invalidRequest", `more than ${String(MAX_BATCH)} requests`);
  const responses = answerAll(parsed, methods, onError);
  return responses.length === 0 ? undefined : responses;
}

/** What is no request at all comes first, as in the service. */
function answerAll(
  requests: readonly unknown[],
  methods: Readonly<Record<string, JsonRpcMethod>>,
  onError: (method: string, error: unknown) => void,
): object[] {
  const refused: object[] = [];
  const answered: object[] = [];
  for (const raw of requests) {
    const request = readRequest(raw);
    if ("failure" in request) {
      refused.push(failureResponse(request.id, request));
      continue;
    }
    const { id, method, params } = request;
    const result = run(method, Object.hasOwn(methods, method) ? methods[method] : undefined, params, onError);
    if (id === null) continue;
    answered.push("failure" in result ? failureResponse(id, result) : { jsonrpc: "2.0", id, result });
  }
  return [...refused, ...answered];
}

function failureResponse(id: RequestId, { failure }: JsonRpcFailure): object {
  return { jsonrpc: "2.0", id, error: failure };
}

function run(
  name: string,
  method: JsonRpcMethod | undefined,
  params: unknown,
  onError: (method: string, error: unknown) => void,
): object | JsonRpcFailure {
  if (name === "") return fail("invalidRequest", "empty method name");
  if (method === undefined) return fail("methodNotFound", "method not found", name);
  try {
    return method(params);
  } catch (error) {
    onError(name, error);
    return fail("internalError", "internal error");
  }
}

const noParamsSchema = z.object({});

/** A method without parameters: an object with any fields will do, a list will not. */
export function withoutParams(method: () => object | JsonRpcFailure): JsonRpcMethod {
  return (params) => {
    const parsed = parseParams(noParamsSchema, params);
    return "failure" in parsed ? parsed : method();
  };
}

/** Parameters by the schema (absent means none), or the refusal. */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): { readonly params: T } | JsonRpcFailure {
  const checked = schema.safeParse(params ?? {});
  if (checked.success) return { params: checked.data };
  return fail("invalidParams", "invalid parameters", firstIssue(checked.error));
}
