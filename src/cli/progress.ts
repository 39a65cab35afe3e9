import type { Report } from "../devnet/main-job.ts";

const MS_PER_SECOND = 1_000;
const TIME_WIDTH = 6;

/** Prints lines with the seconds since the start before them, or one JSON object a line. */
export function createProgress({ json }: { readonly json: boolean }): Report {
  const started = performance.now();
  return (line, values = {}) => {
    const seconds = ((performance.now() - started) / MS_PER_SECOND).toFixed(1);
    if (json) {
      console.log(JSON.stringify({ seconds: Number(seconds), line, ...values }));
      return;
    }
    console.log(`${seconds.padStart(TIME_WIDTH)} s  ${line}`);
    for (const [name, value] of Object.entries(values)) console.log(`${" ".repeat(TIME_WIDTH + 4)}${name}: ${value}`);
  };
}
