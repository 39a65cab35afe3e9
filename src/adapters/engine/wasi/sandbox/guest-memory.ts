import { Errno } from "./errno.ts";

const MAX_PATH_BYTES = 4096;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** The program's memory as the host reads and writes it: every access is checked, and a bad pointer is `EFAULT`. */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #view = new DataView(new ArrayBuffer(0));

  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** `length` bytes at `pointer`, shared with the program. */
  bytes(pointer: number, length: number): Uint8Array {
    const view = this.#at(pointer, length >>> 0);
    return new Uint8Array(view.buffer, pointer >>> 0, length >>> 0);
  }

  /** @throws Errno `ilseq` when it is not UTF-8, `nametoolong` past what a path may have */
  text(pointer: number, length: number): string {
    if (length >>> 0 > MAX_PATH_BYTES) throw new Errno("nametoolong");
    const bytes = this.bytes(pointer, length);
    try {
      return UTF8.decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) throw new Errno("ilseq");
      throw error;
    }
  }

  readU32(pointer: number): number {
    return this.#at(pointer, 4).getUint32(pointer >>> 0, true);
  }

  readU64(pointer: number): bigint {
    return this.#at(pointer, 8).getBigUint64(pointer >>> 0, true);
  }

  readU8(pointer: number): number {
    return this.#at(pointer, 1).getUint8(pointer >>> 0);
  }

  writeU8(pointer: number, value: number): void {
    this.#at(pointer, 1).setUint8(pointer >>> 0, value);
  }

  writeU16(pointer: number, value: number): void {
    this.#at(pointer, 2).setUint16(pointer >>> 0, value, true);
  }

  writeU32(pointer: number, value: number): void {
    this.#at(pointer, 4).setUint32(pointer >>> 0, value, true);
  }

  writeU64(pointer: number, value: bigint): void {
    this.#at(pointer, 8).setBigUint64(pointer >>> 0, value, true);
  }

  /** The buffers of a list of `{ pointer: u32, length: u32 }`. */
  vectors(pointer: number, count: number): Uint8Array[] {
    // A list that does not fit is refused before it is walked.
    if ((count >>> 0) * 8 > 0xffff_ffff) throw new Errno("fault");
    this.#at(pointer, (count >>> 0) * 8);
    const buffers: Uint8Array[] = [];
    for (let index = 0; index < count >>> 0; index++) {
      const entry = (pointer >>> 0) + index * 8;
      buffers.push(this.bytes(this.readU32(entry), this.readU32(entry + 4)));
    }
    return buffers;
  }

  #at(pointer: number, length: number): DataView {
    if (this.#memory === undefined) throw new Errno("fault");
    // `memory.grow` detaches the old buffer.
    const buffer = this.#memory.buffer;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    if ((pointer >>> 0) + length > buffer.byteLength) throw new Errno("fault");
    return this.#view;
  }
}
