import { appendFile } from "node:fs/promises";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { SprfError } from "../../src/errors.ts";
import type { Engine, RunResult } from "../../src/ports/engine.ts";

export interface PlainEngine extends Engine {
  /** Runs that were begun. */
  readonly begun: number;
  /** Runs that were ended by their signal. */
  readonly ended: number;
}

/**
 * An engine whose programs do what their input says: "sleep 50" takes so many milliseconds, "reject" and "fail" do so, anything else is
 * put at the end of the state; the output says what it was. `lie` changes what it puts there.
 */
export function createPlainEngine({ lie }: { readonly lie?: () => string } = {}): PlainEngine {
  let begun = 0;
  let ended = 0;
  return {
    kind: "wasi",
    get begun() {
      return begun;
    },
    get ended() {
      return ended;
    },
    async check() {},
    prepare: async (reference) => await Promise.resolve({ reference, seconds: 1, state: "file" as const }),
    async run({ input, statePath }, { signal } = {}): Promise<RunResult> {
      begun += 1;
      const text = Buffer.from(input).toString();
      if (text === "fail") throw new SprfError("ENGINE_FAILED", "as it was told");
      if (text === "reject") {
        return { status: "rejected", reason: "exit", exitCode: 3, output: input, stderrTail: "as it was told" };
      }
      const sleepMs = Number(/^sleep (\d+)/.exec(text)?.[1] ?? 0);
      try {
        if (sleepMs > 0) await systemClock.sleep(sleepMs, { signal });
      } catch (error) {
        ended += 1;
        throw error;
      }
      await appendFile(statePath, `${text}${lie?.() ?? ""}`);
      return { status: "accepted", output: input };
    },
    async close() {},
  };
}
