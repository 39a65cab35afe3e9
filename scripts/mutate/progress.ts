import type { Judged } from "./judge-all.ts";
import { hasSurvived } from "./verdict.ts";

const CLEAR_LINE = "\r\u001B[2K";

/** Tells how far a run is: one line that changes on a terminal, a line for each mutant elsewhere. Survivors always get a line. */
export class ProgressLine {
  readonly #total: number;
  readonly #out: NodeJS.WriteStream;
  #done = 0;
  #survived = 0;

  constructor(total: number, out: NodeJS.WriteStream) {
    this.#total = total;
    this.#out = out;
  }

  /** Something that is not about one mutant. */
  say(text: string): void {
    this.#out.write(`${this.#out.isTTY ? CLEAR_LINE : ""}${text}\n`);
  }

  add({ mutant, verdict }: Judged): void {
    this.#done++;
    const isSurvivor = hasSurvived(verdict);
    if (isSurvivor) this.#survived++;
    const { id, key, replacement } = mutant;
    const change = isSurvivor ? `: ${key.source} -> ${replacement}` : "";
    const by = verdict.by === undefined ? "" : ` (${verdict.by})`;
    if (!this.#out.isTTY || isSurvivor) this.say(`${verdict.status} ${id} ${verdict.seconds} s${change}${by}`);
    if (this.#out.isTTY)
      this.#out.write(`${CLEAR_LINE}${this.#done} of about ${this.#total}, survived ${this.#survived}`);
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write(CLEAR_LINE);
  }
}
