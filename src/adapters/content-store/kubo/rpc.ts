import { z } from "zod";

import { SprfError, isSprfError, messageOf } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import { abortError } from "../../../utils/abort.ts";
import { concatBytes } from "../../../utils/bytes.ts";
import { retry } from "../../../utils/retry.ts";

/** All answers that are read whole are blocks or a few words. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const failureSchema = z.object({ Message: z.string() });

export type KuboParameters = Readonly<Record<string, string | number | boolean>>;

export interface KuboBody {
  readonly stream: AsyncIterable<Uint8Array>;
  readonly contentType: string;
}

export interface KuboCall {
  readonly signal: AbortSignal;
  readonly body?: KuboBody;
}

/** Kubo's RPC API (`/api/v0/...`): one request a command. */
export interface KuboRpc {
  /**
   * What a command answers, read whole; the daemon is waited for as long as `signal` allows.
   *
   * @throws SprfError `KUBO_UNREACHABLE`, `KUBO_REFUSED` with the daemon's words, `ABORTED`, `TIMEOUT`
   */
  read(command: string, parameters: KuboParameters, call: KuboCall): Promise<Uint8Array>;
  /** The lines of JSON that a command answers, each as it comes. Throws what `read` does. */
  lines(command: string, parameters: KuboParameters, call: KuboCall): AsyncIterable<unknown>;
}

/** @see https://docs.ipfs.tech/reference/kubo/rpc/ */
export function createKuboRpc({ url, clock }: { readonly url: string; readonly clock: Clock }): KuboRpc {
  const attempt = async (
    command: string,
    parameters: KuboParameters,
    { signal, body }: KuboCall,
  ): Promise<AsyncIterable<Uint8Array>> => {
    const address = new URL(`/api/v0/${command}`, url);
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, String(value));
    const response = await fetch(address, {
      method: "POST",
      redirect: "error",
      signal,
      ...(body === undefined
        ? {}
        : // Node streams a request body only when told that the answer comes after it.
          {
            body: ReadableStream.from(body.stream),
            duplex: "half" as const,
            headers: { "content-type": body.contentType },
          }),
    });
    const bytes = (response.body ?? []) as AsyncIterable<Uint8Array>;
    if (response.ok) return bytes;
    throw refusal(command, response.status, new TextDecoder().decode(await whole(bytes)));
  };
  /** The failure of a request, unless it is one of ours already. */
  const asFailure = (error: unknown, command: string, signal: AbortSignal): unknown => {
    if (signal.aborted) return abortError(signal);
    if (isSprfError(error)) return error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    // Undici wraps what a body's source throws.
    if (isSprfError(cause)) return cause;
    return new SprfError("KUBO_UNREACHABLE", `${url} did not answer ${command}: ${messageOf(cause)}`, { cause: error });
  };
  const once = async <T>(command: string, signal: AbortSignal, use: () => Promise<T>): Promise<T> => {
    try {
      return await use();
    } catch (error) {
      throw asFailure(error, command, signal);
    }
  };
  return {
    async read(command, parameters, call) {
      const ask = async (): Promise<Uint8Array> =>
        await once(command, call.signal, async () => await whole(await attempt(command, parameters, call)));
      // A stream that was begun cannot be sent again.
      if (call.body !== undefined) return await ask();
      let unreachable: unknown;
      try {
        return await retry(ask, {
          clock,
          signal: call.signal,
          retriable(error) {
            if (!isSprfError(error, "KUBO_UNREACHABLE")) return false;
            unreachable = error;
            return true;
          },
        });
      } catch (error) {
        // Out of time because there was no daemon says more than out of time.
        throw unreachable !== undefined && isSprfError(error, "TIMEOUT") ? unreachable : error;
      }
    },
    async *lines(command, parameters, call) {
      try {
        let rest = "";
        const decoder = new TextDecoder();
        for await (const part of await attempt(command, parameters, call)) {
          const texts = (rest + decoder.decode(part, { stream: true })).split("\n");
          rest = texts.pop() ?? "";
          if (rest.length > MAX_ANSWER_BYTES) throw unreadable(command);
          for (const text of texts) if (text !== "") yield parseLine(command, text);
        }
        if (rest !== "") yield parseLine(command, rest);
      } catch (error) {
        throw asFailure(error, command, call.signal);
      }
    },
  };
}

/** A file as the body that `add` and `block/put` take; the bytes pass through as they come. */
export function fileBody(stream: AsyncIterable<Uint8Array>): KuboBody {
  const boundary = "sprf-file-boundary-7b1f3c5d9e";
  const encoder = new TextEncoder();
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield encoder.encode(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n` +
        "Content-Type: application/octet-stream\r\n\r\n",
    );
    for await (const part of stream) if (part.length > 0) yield part;
    yield encoder.encode(`\r\n--${boundary}--\r\n`);
  }
  return { stream: parts(), contentType: `multipart/form-data; boundary=${boundary}` };
}

function refusal(command: string, status: number, text: string): SprfError {
  const parsed = failureSchema.safeParse(tryJson(text));
  const reason = parsed.success ? parsed.data.Message : `${status} ${text.slice(0, 200)}`;
  return new SprfError("KUBO_REFUSED", `Kubo refused ${command}: ${reason}`, { context: { status } });
}

function parseLine(command: string, text: string): unknown {
  const value = tryJson(text);
  if (value === undefined) throw unreadable(command);
  // A failure after the answer began comes as its last line.
  const failure = z.looseObject({ Type: z.literal("error"), Message: z.string() }).safeParse(value);
  if (failure.success) throw new SprfError("KUBO_REFUSED", `Kubo refused ${command}: ${failure.data.Message}`);
  return value;
}

function unreadable(command: string): SprfError {
  return new SprfError("KUBO_REFUSED", `Kubo's answer to ${command} cannot be read`);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw new SprfError("KUBO_REFUSED", "Kubo's answer is larger than any block");
    parts.push(part);
  }
  return concatBytes(...parts);
}
