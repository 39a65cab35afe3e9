import { SprfError } from "../../../errors.ts";

/** @throws SprfError `PROGRAM_INVALID` */
export function refuse(why: string): never {
  throw new SprfError("PROGRAM_INVALID", `the WASI module was refused: ${why}`);
}

/** Reads WebAssembly's binary format; whatever goes past its end is refused. */
export class WasmReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  position: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
    this.position = position;
  }

  get done(): boolean {
    return this.position >= this.#end;
  }

  byte(): number {
    const byte = this.position < this.#end ? this.#bytes[this.position] : undefined;
    if (byte === undefined) refuse("it ends too early");
    this.position++;
    return byte;
  }

  skip(count: number): void {
    if (count > this.#end - this.position) refuse("it ends too early");
    this.position += count;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) refuse("a number is too large");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    refuse("a number is too long");
  }

  /** Passes over a signed LEB128 number of at most `bits` bits. */
  skipSigned(bits: 32 | 33 | 64): void {
    for (let read = 0; read < Math.ceil(bits / 7); read++) if (this.byte() < 0x80) return;
    refuse("a number is too long");
  }

  name(): string {
    const length = this.u32();
    const start = this.position;
    this.skip(length);
    return Buffer.from(this.#bytes.subarray(start, start + length)).toString("utf8");
  }

  /** A reader of the next `length` bytes, which are passed over here. */
  part(length: number): WasmReader {
    const start = this.position;
    this.skip(length);
    return new WasmReader(this.#bytes, start, start + length);
  }

  /** The bytes that are left. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.position, this.#end);
  }

  /** As many items as the number that comes next. */
  repeat(item: (index: number) => void): void {
    const count = this.u32();
    for (let index = 0; index < count; index++) item(index);
  }
}
