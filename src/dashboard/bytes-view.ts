import type { BytesView } from "./program-types.ts";

/** How much of a text is shown. */
export const MAX_TEXT_BYTES = 4_096;
/** What no text has, but for the tab, the line feed and the carriage return: whatever is in Unicode's class of controls. */
const CONTROLS = /(?![\t\n\r])\p{Cc}/u;

/** The beginning of bytes as text, where they are text. */
export function bytesView(bytes: Uint8Array, length = bytes.length): BytesView {
  const text = textOf(bytes.subarray(0, MAX_TEXT_BYTES));
  const isCut = length > Math.min(bytes.length, MAX_TEXT_BYTES);
  return { bytes: length, isCut, ...(text !== undefined && length > 0 && { text }) };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    // A letter that the cut goes through is left out.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return CONTROLS.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
