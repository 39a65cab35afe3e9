/**
 * The program's randomness: the concatenation of sha256("sprf/wasi-random/1" || seed || n) for n = 0, 1, 2, ... as 8 bytes
 * big endian. It follows from the seed of the execution alone.
 */
export class RandomStream {
  readonly #seed: Buffer;
  #counter = 0n;
  #rest: Buffer = Buffer.alloc(0);

  /** @param seed 64 hex digits */
  constructor(seed: string) {
    this.#seed = Buffer.from(seed, "hex");
  }

  fill(target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      if (this.#rest.length === 0) this.#rest = this.#nextBlock();
      const count = Math.min(this.#rest.length, target.length - done);
      target.set(this.#rest.subarray(0, count), done);
      this.#rest = this.#rest.subarray(count);
      done += count;
    }
  }

  #nextBlock(): Buffer {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(this.#counter++);
    // Loaded by the first use: it would lengthen the start of every sandbox by a third.
    const { hash } = process.getBuiltinModule("node:crypto");
    return hash("sha256", Buffer.concat([Buffer.from("sprf/wasi-random/1"), this.#seed, counter]), "buffer");
  }
}
