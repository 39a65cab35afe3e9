import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import { abortError, throwIfAborted } from "../../utils/abort.ts";

/** More bytes than somebody bears. */
export function tooLarge(bytes: number, limit: number): SprfError {
  return new SprfError("CONTENT_TOO_LARGE", `the content has at least ${bytes} bytes, more than ${limit}`, {
    context: { bytes, limit },
  });
}

/** The libraries' own errors mean that a block, although its hash is right, is no file. */
export function asSprfError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && !isSprfError(error, "CONTENT_TOO_LARGE")) {
    const aborted = abortError(signal);
    return aborted.code === "TIMEOUT"
      ? new SprfError("CONTENT_NOT_FOUND", "no peer has served the content in time", { cause: error })
      : aborted;
  }
  if (isSprfError(error)) return error;
  return new SprfError("CONTENT_CORRUPT", `not a file: ${messageOf(error)}`, { cause: error });
}

/** Passes on what arrives. @throws SprfError `CONTENT_TOO_LARGE` past `maxBytes`, `ABORTED` */
export async function* limited(
  content: Uint8Array | AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const part of content instanceof Uint8Array ? [content] : content) {
    throwIfAborted(signal);
    total += part.length;
    if (total > maxBytes) throw tooLarge(total, maxBytes);
    yield part;
  }
}
