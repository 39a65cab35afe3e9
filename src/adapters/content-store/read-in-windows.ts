/** How much of a file may be in memory at once, besides what is read ahead of it. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * Reads a file window by window. Helia's exporter reads ahead of a slow reader without bound, so that all of a large file would
 * end up in memory; it stops at the end of a window.
 *
 * @param cat the bytes of a part of the file; fewer than asked for when the file ends
 */
export async function* readInWindows(
  cat: (range: { readonly offset: number; readonly length: number }) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; offset += WINDOW_BYTES) {
    let read = 0;
    for await (const part of cat({ offset, length: WINDOW_BYTES })) {
      read += part.length;
      if (part.length > 0) yield part;
    }
    if (read < WINDOW_BYTES) return;
  }
}
