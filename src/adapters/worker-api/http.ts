import { z } from "zod";

import { systemRandom } from "../random/system.ts";
import { ERRORS, SprfError, isSprfError, messageOf, type ErrorCode } from "../../errors.ts";
import type { WorkerApi, WorkerApiOptions } from "../../ports/worker-api.ts";
import { abortError, withDeadline } from "../../utils/abort.ts";
import { fromHex } from "../../utils/bytes.ts";
import { currentRequest } from "../../utils/request-scope.ts";
import { batchProposalToJson, batchVerdictFromJson } from "../../wire/batch-proposal.ts";
import { answerFromJson, errorJsonSchema, requestToJson } from "../../wire/execution-json.ts";
import { tipFromJson } from "../../wire/tip-json.ts";
import { TRACE_HEADER, newRequestId, traceparentOf } from "../../wire/traceparent.ts";
import { consentFromJson, proposalToJson } from "../../wire/proposal-json.ts";

/** An answer holds an output of at most 1 MiB in base64. */
const MAX_RESPONSE_BYTES = 2 * 1024 * 1024;
const EXECUTE_TIMEOUT_MS = 120_000;
/** It may have to fetch the record before, and look for the tip. */
const CONSENT_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 5_000;
const CLOSED_CODES: ReadonlySet<string> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

const describedSchema = z.object({
  messageKey: z.string().regex(/^[0-9a-f]{128}$/),
  ledgerKey: z.string().length(56),
  multiaddrs: z.array(z.string().max(256)).max(16),
});

/** Workers' APIs over HTTP. */
export function createHttpWorkerApi(): WorkerApi {
  return {
    async execute(apiUrl, signed, options) {
      const body = await call(`${apiUrl}/v1/executions`, EXECUTE_TIMEOUT_MS, options, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(requestToJson(signed)),
      });
      return readReply(apiUrl, body, answerFromJson);
    },
    async consent(apiUrl, proposal, options) {
      const body = await call(`${apiUrl}/v1/changes`, CONSENT_TIMEOUT_MS, options, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(proposalToJson(proposal)),
      });
      return readReply(apiUrl, body, consentFromJson);
    },
    async tip(apiUrl, program, options) {
      return readReply(
        apiUrl,
        await call(`${apiUrl}/v1/programs/${program}/tip`, CALL_TIMEOUT_MS, options),
        tipFromJson,
      );
    },
    async endorse(apiUrl, proposal, options) {
      const body = await call(`${apiUrl}/v1/batches`, EXECUTE_TIMEOUT_MS, options, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(batchProposalToJson(proposal)),
      });
      return readReply(apiUrl, body, batchVerdictFromJson);
    },
    async describe(apiUrl, options) {
      const found = describedSchema.safeParse(await call(`${apiUrl}/v1/worker`, CALL_TIMEOUT_MS, options));
      if (!found.success) throw new SprfError("WORKER_UNREACHABLE", `${apiUrl} does not describe a worker`);
      return { ...found.data, messageKey: fromHex(found.data.messageKey) };
    },
    async health(apiUrl, options) {
      await call(`${apiUrl}/health`, CALL_TIMEOUT_MS, options);
    },
  };
}

/** What is no answer at all is the worker's fault, not the caller's. */
function readReply<T>(apiUrl: string, body: unknown, read: (body: unknown) => T): T {
  try {
    return read(body);
  } catch (error) {
    if (!isSprfError(error, "INVALID_INPUT")) throw error;
    throw new SprfError("WORKER_UNREACHABLE", `${apiUrl} did not answer with an answer: ${error.message}`, {
      cause: error,
    });
  }
}

async function call(
  url: string,
  timeoutMs: number,
  { signal }: WorkerApiOptions = {},
  init: RequestInit = {},
): Promise<unknown> {
  const { status, body } = await exchange(url, withDeadline(signal, timeoutMs), signal, init);
  if (status === 200) return body;
  const refusal = errorJsonSchema.safeParse(body);
  if (!refusal.success) throw new SprfError("WORKER_UNREACHABLE", `${url} answered ${status}`);
  const { code, message } = refusal.data.error;
  throw new SprfError(isErrorCode(code) ? code : "WORKER_UNREACHABLE", message, { context: { url } });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

async function exchange(
  url: string,
  deadline: AbortSignal,
  signal: AbortSignal | undefined,
  init: RequestInit,
): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const headers = new Headers(init.headers);
    // A call that belongs to no request begins one.
    headers.set(TRACE_HEADER, traceparentOf(currentRequest() ?? newRequestId(systemRandom), systemRandom));
    const response = await fetchKept(url, { ...init, headers, redirect: "error", signal: deadline });
    return { status: response.status, body: JSON.parse(await readLimited(response)) };
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : "";
    throw new SprfError("WORKER_UNREACHABLE", `${url}: ${messageOf(error)}${cause}`, { cause: error });
  }
}

/**
 * A kept connection that the worker closed at this very moment fails without a word from it. All calls may be repeated, so a
 * fresh connection gets one try.
 */
async function fetchKept(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (!wasClosed(error)) throw error;
    return await fetch(url, init);
  }
}

function wasClosed(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && CLOSED_CODES.has(String(cause.code));
}

async function readLimited(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_RESPONSE_BYTES) throw new SprfError("WORKER_UNREACHABLE", "the answer is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
