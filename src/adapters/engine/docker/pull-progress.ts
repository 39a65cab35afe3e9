/** What a Docker Engine says while it pulls; `id` is a layer's. */
export interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

const RETRYING = "Retrying";
/** While a layer says so, or that it is tried again, bytes of it are still to come. */
const AWAITED: ReadonlySet<string | undefined> = new Set(["Pulling fs layer", "Waiting", "Downloading"]);

/** How far a pull has come, from what the Docker Engine says of its layers. */
export class PullProgress {
  /** Grows with everything that shows that the registry or the engine works. */
  steps = 0;
  readonly #last = new Map<string, string>();
  readonly #awaited = new Set<string>();
  readonly #bytes = new Map<string, { readonly done: number; readonly total: number }>();

  hear({ id = "", status = "", progressDetail: { current, total } = {} }: PullEvent): void {
    // The engine counts down the seconds until it tries again.
    const isRetrying = status.startsWith(RETRYING);
    const said = `${status} ${current}`;
    if (!isRetrying && this.#last.get(id) !== said) this.steps += 1;
    this.#last.set(id, said);
    if (isRetrying || AWAITED.has(status)) this.#awaited.add(id);
    else this.#awaited.delete(id);
    if (status === "Downloading" && current !== undefined && total !== undefined) {
      this.#bytes.set(id, { done: current, total });
    }
  }

  /** Whether it is the registry's turn; when not, the engine unpacks what it has. */
  get waitsForRegistry(): boolean {
    return this.#bytes.size === 0 || this.#awaited.size > 0;
  }

  /** Bytes that have come. */
  get done(): number {
    return [...this.#bytes.values()].reduce((sum, { done }) => sum + done, 0);
  }

  /** Bytes of the layers that have begun to come. */
  get total(): number {
    return [...this.#bytes.values()].reduce((sum, { total }) => sum + total, 0);
  }
}
