/** Where the two streams of a container end up: stdout up to a limit, of stderr the last bytes. */
export class AttachedOutput {
  readonly #maxBytes: number;
  readonly #tailBytes: number;
  readonly #stdout: Buffer[] = [];
  #stdoutBytes = 0;
  #stderr = Buffer.alloc(0);
  #pending = Buffer.alloc(0);
  #frame = { stream: 0, left: 0 };

  constructor(init: { maxBytes: number; tailBytes: number }) {
    this.#maxBytes = init.maxBytes;
    this.#tailBytes = init.tailBytes;
  }

  /** Takes a piece of the attached stream: frames of { stream: u8, 0, 0, 0, length: u32 big endian } and their bytes. */
  push(chunk: Buffer): { exceeded: boolean } {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#frame.left === 0) {
        if (rest.length < 8) {
          this.#pending = Buffer.from(rest);
          break;
        }
        this.#frame = { stream: rest.readUInt8(0), left: rest.readUInt32BE(4) };
        rest = rest.subarray(8);
        continue;
      }
      const piece = rest.subarray(0, this.#frame.left);
      rest = rest.subarray(piece.length);
      this.#frame.left -= piece.length;
      if (this.#frame.stream === 1) this.#keepStdout(piece);
      else this.#keepStderr(piece);
    }
    return { exceeded: this.#stdoutBytes > this.#maxBytes };
  }

  /** At most the limit, however much came. */
  get stdout(): Uint8Array {
    return Buffer.concat(this.#stdout);
  }

  get stderrTail(): string {
    return this.#stderr.toString("utf8");
  }

  #keepStdout(piece: Buffer): void {
    const room = Math.max(0, this.#maxBytes - this.#stdoutBytes);
    if (room > 0) this.#stdout.push(piece.subarray(0, room));
    this.#stdoutBytes += piece.length;
  }

  #keepStderr(piece: Buffer): void {
    const joined = Buffer.concat([this.#stderr, piece.subarray(Math.max(0, piece.length - this.#tailBytes))]);
    this.#stderr = Buffer.from(joined.subarray(Math.max(0, joined.length - this.#tailBytes)));
  }
}
