import { refuse } from "./wasm-reader.ts";

const FIRST_BYTES = 4096;
/** Copied one by one, which is faster than a view for each instruction. */
const FEW_BYTES = 48;

/** Writes WebAssembly's binary format into a buffer that grows; a module that would need more than `maxBytes` is refused. */
export class WasmWriter {
  readonly #maxBytes: number;
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What has been written; valid until the next call. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const from = this.#length;
    const length = from + end - start;
    if (length > this.#maxBytes) refuse(`with canonical NaNs it would be larger than ${this.#maxBytes} bytes`);
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(length, 2 * this.#buffer.length)));
      larger.set(this.written);
      this.#buffer = larger;
    }
    const buffer = this.#buffer;
    if (end - start > FEW_BYTES) buffer.set(source.subarray(start, end), from);
    else for (let index = start; index < end; index++) buffer[from + index - start] = source[index] as number;
    this.#length = length;
  }

  u32(value: number): void {
    this.bytes(Uint8Array.from(encodeU32(value)));
  }

  /** Begins anew, in the same buffer. */
  clear(): void {
    this.#length = 0;
  }
}

/** An unsigned number as LEB128, in as few bytes as it takes. */
export function encodeU32(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  return [...bytes, left];
}
