import { z } from "zod";

import { SprfError } from "../../../errors.ts";
import { MAX_HEADER_BYTES, type Frame } from "./sandbox/frames.ts";

const bodiesSchema = z.looseObject({ bodies: z.array(z.int().nonnegative()).max(8) });

/**
 * The frames that a sandbox writes. The process may have been taken over by its program, so sizes are checked before
 * anything is kept.
 *
 * @param maxBodyBytes the most that the bodies of one frame may hold together
 * @throws SprfError `ENGINE_FAILED`
 */
export async function* readFrames(stream: AsyncIterable<Buffer>, maxBodyBytes: () => number): AsyncGenerator<Frame> {
  const pending = new PendingBytes();
  let lengths: number[] | undefined;
  let header: Record<string, unknown> = {};
  for await (const chunk of stream) {
    pending.push(chunk);
    for (;;) {
      if (lengths === undefined) {
        if (pending.length < 4) break;
        const headerBytes = pending.peekU32();
        if (headerBytes > MAX_HEADER_BYTES) throw malformed("a header that is too large");
        if (pending.length < 4 + headerBytes) break;
        pending.take(4);
        header = parseHeader(pending.take(headerBytes));
        lengths = header["bodies"] as number[];
        if (sum(lengths) > maxBodyBytes()) throw malformed("more than was allowed");
      }
      if (pending.length < sum(lengths)) break;
      const bodies = lengths.map((length) => pending.take(length));
      lengths = undefined;
      yield { header, bodies };
    }
  }
}

/** Chunks that are joined once, when they are taken. */
class PendingBytes {
  #chunks: Buffer[] = [];
  length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  peekU32(): number {
    return this.#joined().readUInt32LE(0);
  }

  take(count: number): Buffer {
    const all = this.#joined();
    this.#chunks = count < all.length ? [all.subarray(count)] : [];
    this.length -= count;
    return all.subarray(0, count);
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }
}

function parseHeader(bytes: Buffer): Record<string, unknown> {
  try {
    return bodiesSchema.parse(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    throw malformed("no header", error);
  }
}

function malformed(what: string, cause?: unknown): SprfError {
  return new SprfError("ENGINE_FAILED", `the sandbox sent ${what}`, { cause });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
