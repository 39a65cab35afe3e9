import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

const MOST_BYTES = 1024 * 1024;
const LEAST_BYTES = 1024;

/**
 * A file in parts of at most a MiB. A stream takes as much memory for each part as a part may have: for the small files that most states
 * are, a MiB each would have the collector of garbage run after every few of them.
 */
export async function* readParts(path: string): AsyncGenerator<Uint8Array> {
  const { size } = await stat(path);
  const highWaterMark = Math.min(Math.max(size, LEAST_BYTES), MOST_BYTES);
  for await (const part of createReadStream(path, { highWaterMark })) yield part as Buffer;
}
