/** Follows up to where everything is done, while things are done in any order. */
export interface Frontier<T> {
  /** How many are begun and not yet behind the frontier. */
  readonly length: number;
  /** Begins the next one; the function says that it is done. */
  begin(value: T): () => void;
  /** From here on nothing counts any more: something was left undone. */
  stop(): void;
}

/** @param onAdvance called with the last value up to which all are done */
export function createFrontier<T>(onAdvance: (value: T) => void): Frontier<T> {
  const open: { readonly value: T; isDone: boolean }[] = [];
  let stopped = false;

  function advance(): void {
    let last: { readonly value: T } | undefined;
    while (open[0]?.isDone === true) last = open.shift();
    if (last !== undefined) onAdvance(last.value);
  }

  return {
    get length() {
      return open.length;
    },
    begin(value) {
      if (stopped) return () => undefined;
      const entry = { value, isDone: false };
      open.push(entry);
      return () => {
        entry.isDone = true;
        advance();
      };
    },
    stop() {
      stopped = true;
    },
  };
}
