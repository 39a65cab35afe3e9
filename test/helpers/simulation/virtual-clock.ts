import type { Clock } from "../../../src/ports/clock.ts";
import { abortError } from "../../../src/utils/abort.ts";
import type { SeededRandom } from "../seeded-random.ts";

/** Turns of the event loop without work under way after which nothing moves but time. */
const CALM_TURNS = 2;
/** So many turns without file work are enough in any case: somebody else in this process may put things off for ever. */
const MOST_TURNS = 50;
/** How Node names file work of its thread pool, and what is put off to the next turn: all that simulated processes wait for. */
const FILE_WORK = new Set(["FSReqPromise", "FSReqCallback", "CloseReq", "FileHandleCloseReq"]);
const PUT_OFF = "Immediate";
const TIE_RANGE = 2 ** 30;

/** Time that passes only when nothing else can happen: at once to the next sleeper, one sleeper after the other. */
export interface VirtualClock extends Clock {
  /**
   * Lets time pass until `work` settles.
   *
   * @throws Error when nobody sleeps any more although `work` waits, or when it takes longer than the clock's limit
   */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly atMs: number;
  /** Who of those that wake at the same time goes first is part of what the seed decides. */
  readonly tie: number;
  readonly number: number;
  wake(): void;
}

/** A clock that starts at `startMs` and refuses to go on after `limitMs` more. */
export function createVirtualClock(init: {
  readonly startMs: number;
  readonly limitMs: number;
  readonly random: SeededRandom;
}): VirtualClock {
  const waiting = new Set<Sleeper>();
  let nowMs = init.startMs;
  let count = 0;

  function next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of waiting) if (first === undefined || isBefore(sleeper, first)) first = sleeper;
    return first;
  }

  return {
    now: () => nowMs,
    async sleep(ms, { signal } = {}) {
      if (signal?.aborted) throw abortError(signal);
      await new Promise<void>((resolve, reject) => {
        const end = (): void => {
          waiting.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
        };
        const sleeper: Sleeper = {
          atMs: nowMs + Math.max(0, ms),
          tie: init.random.below(TIE_RANGE),
          number: count++,
          wake: () => (end(), resolve()),
        };
        const onAbort = (): void => {
          end();
          if (signal !== undefined) reject(abortError(signal));
        };
        waiting.add(sleeper);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
    async run(work) {
      let isSettled = false;
      const settle = (): void => void (isSettled = true);
      work.then(settle, settle);
      for (await calm(); !isSettled; await calm()) {
        const sleeper = next();
        if (sleeper === undefined) throw new Error("nothing can happen any more: everybody waits, and nobody for time");
        if (sleeper.atMs > init.startMs + init.limitMs) throw new Error(`not done after ${init.limitMs} virtual ms`);
        nowMs = sleeper.atMs;
        sleeper.wake();
      }
      return await work;
    },
  };
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.tie === b.tie ? a.number < b.number : a.tie < b.tie;
}

/** Resolves when nothing can go on without time passing. */
async function calm(): Promise<void> {
  let turns = 0;
  for (let calmTurns = 0; calmTurns < CALM_TURNS && turns < MOST_TURNS; turns += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const resources = process.getActiveResourcesInfo();
    if (resources.some((resource) => FILE_WORK.has(resource))) turns = calmTurns = 0;
    else calmTurns = resources.includes(PUT_OFF) ? 0 : calmTurns + 1;
  }
}
