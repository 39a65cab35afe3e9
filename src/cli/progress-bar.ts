const WIDTH = 30;
const PERCENT = 100;
/** Without a terminal: a line for each so many hundredths, or so many steps of which nobody knows the end. */
const LINE_EVERY_PERCENT = 10;
const LINE_EVERY_STEPS = 1_000;

/** Shows how far something has come: a bar that moves on a terminal, a line now and then elsewhere. */
export interface ProgressBar {
  /** @param total undefined while nobody knows it */
  show(what: string, done: number, total?: number): void;
  /** Removes the bar. */
  clear(): void;
}

export function createProgressBar(stream: {
  readonly isTTY?: boolean | undefined;
  readonly write: (text: string) => unknown;
}): ProgressBar {
  let last = "";
  return {
    show(what, done, total) {
      if (stream.isTTY === true) {
        stream.write(`\r\u001B[K${barOf(what, done, total)}`);
        return;
      }
      const step =
        total === undefined
          ? Math.floor(done / LINE_EVERY_STEPS)
          : Math.floor((done * PERCENT) / Math.max(total, 1) / LINE_EVERY_PERCENT);
      const mark = `${what} ${step}`;
      if (mark === last) return;
      last = mark;
      stream.write(`${what}: ${done}${total === undefined ? "" : ` of ${total}`}\n`);
    },
    clear() {
      if (stream.isTTY === true) stream.write("\r\u001B[K");
    },
  };
}

function barOf(what: string, done: number, total: number | undefined): string {
  if (total === undefined) return `${what}: ${done}`;
  const filled = Math.round((done * WIDTH) / Math.max(total, 1));
  return `${what} [${"#".repeat(filled)}${".".repeat(WIDTH - filled)}] ${done} of ${total}`;
}
