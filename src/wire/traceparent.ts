import { toHex } from "../utils/bytes.ts";

/** The header of W3C Trace Context that carries a request's id from client to worker to worker. */
export const TRACE_HEADER = "traceparent";
/** Bytes of a request's id. */
const REQUEST_ID_BYTES = 16;
const SPAN_BYTES = 8;

/** Version, 16 bytes of trace, 8 bytes of parent, flags; later versions may add to it. */
const HEADER = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.{0,200})?$/;
const REQUEST_ID = /^[0-9a-f]{32}$/;
const NOTHING = /^0+$/;

/** The id in a header; undefined for anything else, which is as good as no header. */
export function requestIdOf(header: string | undefined): string | undefined {
  const [, trace, parent] = HEADER.exec(header ?? "") ?? [];
  if (trace === undefined || parent === undefined || NOTHING.test(trace) || NOTHING.test(parent)) return undefined;
  return trace;
}

/** Whether it is 32 hex digits, not all of them 0. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text) && !NOTHING.test(text);
}

/** A header for one call of a request. */
export function traceparentOf(requestId: string, random: { bytes(length: number): Uint8Array }): string {
  return `00-${requestId}-${toHex(random.bytes(SPAN_BYTES))}-01`;
}

export function newRequestId(random: { bytes(length: number): Uint8Array }): string {
  return toHex(random.bytes(REQUEST_ID_BYTES));
}
