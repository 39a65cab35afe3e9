import { ProgramStop } from "./errno.ts";

/** Stdout up to its limit; one byte more ends the program. */
export class OutputBuffer {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  write(bytes: Uint8Array): void {
    const room = this.#maxBytes - this.#length;
    this.#keep(bytes.subarray(0, room));
    if (bytes.length > room) throw new ProgramStop("output-limit", 0);
  }

  take(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Copied, since the program goes on using its memory; small pieces are gathered so that a million of them stay cheap.
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.byteOffset + last.length + bytes.length <= last.buffer.byteLength) {
      const joined = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length);
      joined.set(bytes, last.length);
      this.#chunks[this.#chunks.length - 1] = joined;
    } else {
      const buffer = new ArrayBuffer(Math.max(bytes.length, 64 * 1024));
      const chunk = new Uint8Array(buffer, 0, bytes.length);
      chunk.set(bytes);
      this.#chunks.push(chunk);
    }
    this.#length += bytes.length;
  }
}

/** The last bytes of stderr. */
export class TailBuffer {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  write(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#maxBytes));
    const joined = Buffer.concat([this.#bytes, kept]);
    this.#bytes = Buffer.from(joined.subarray(Math.max(0, joined.length - this.#maxBytes)));
  }

  take(): Uint8Array {
    return this.#bytes;
  }
}
