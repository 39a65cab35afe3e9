import type { Clock } from "../../../src/ports/clock.ts";
import { abortError } from "../../../src/utils/abort.ts";
import type { SeededRandom } from "../seeded-random.ts";

const TIE_RANGE = 2 ** 30;

/** One life of a simulated process: once it is over, nothing that its code still does has any effect. */
export interface Life {
  readonly isAlive: boolean;
  /** Rejects when it ends. */
  readonly cut: Promise<never>;
  /** Counts an effect on the world, at which the life may end; false when it is over. */
  step(): boolean;
}

/** Time that passes only when nothing else can happen, from one event to the next. */
export interface SimulatedTime {
  now(): number;
  /** Calls `work` after `ms`; those of one instant in an order that the seed decides. */
  after(ms: number, work: () => void): void;
  sleep(ms: number): Promise<void>;
  /** The clock of a process, which is `skewMs` ahead. */
  clockOf(life: Life, skewMs: number): Clock;
  /** Lets time pass until `work` settles. @throws Error when that takes longer than the limit */
  run<T>(work: Promise<T>): Promise<T>;
  readonly events: number;
}

interface Event {
  readonly atMs: number;
  readonly tie: number;
  readonly number: number;
  work: (() => void) | undefined;
}

export function createSimulatedTime(init: {
  readonly startMs: number;
  readonly limitMs: number;
  readonly random: SeededRandom;
}): SimulatedTime {
  const heap: Event[] = [];
  let nowMs = init.startMs;
  let count = 0;
  let events = 0;

  function add(ms: number, work: () => void): Event {
    const tie = init.random.below(TIE_RANGE);
    const event: Event = { atMs: nowMs + Math.max(0, Math.ceil(ms)), tie, number: count++, work };
    push(heap, event);
    return event;
  }

  async function wait(ms: number, signal: AbortSignal | undefined, isAlive: () => boolean): Promise<void> {
    if (signal?.aborted) throw abortError(signal);
    await new Promise<void>((resolve, reject) => {
      const event = add(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        if (isAlive()) resolve();
      });
      const onAbort = (): void => {
        event.work = undefined;
        if (signal !== undefined) reject(abortError(signal));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    now: () => nowMs,
    after: (ms, work) => void add(ms, work),
    sleep: async (ms) => await wait(ms, undefined, () => true),
    clockOf: (life, skewMs) => ({
      now: () => nowMs + skewMs,
      sleep: async (ms, { signal } = {}) => await wait(ms, signal, () => life.isAlive),
    }),
    async run(work) {
      let isSettled = false;
      const settle = (): void => void (isSettled = true);
      work.then(settle, settle);
      for (;;) {
        // All that goes on without time passing does so before the next turn of the event loop: nothing here does real I/O.
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (isSettled) return await work;
        const event = pop(heap);
        if (event === undefined) throw new Error("nothing can happen any more: everybody waits, and nobody for time");
        if (event.work === undefined) continue;
        if (event.atMs > init.startMs + init.limitMs) throw new Error(`not done after ${init.limitMs} virtual ms`);
        nowMs = event.atMs;
        events += 1;
        event.work();
      }
    },
    get events() {
      return events;
    },
  };
}

function isBefore(a: Event, b: Event): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.tie === b.tie ? a.number < b.number : a.tie < b.tie;
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  for (let up = (at - 1) >> 1; at > 0 && isBefore(event, heap[up]!); up = (at - 1) >> 1) {
    heap[at] = heap[up]!;
    at = up;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let at = 0;
  for (let down = 1; down < heap.length; down = 2 * at + 1) {
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down += 1;
    if (!isBefore(heap[down]!, last)) break;
    heap[at] = heap[down]!;
    at = down;
  }
  heap[at] = last;
  return first;
}

/** A life that ends by `kill`, or in the middle of what it does at the `arm`-ed step. */
export function createLife(onEnd: (why: string) => void): Life & { kill(why: string): void; arm(steps: number): void } {
  const { promise: cut, reject } = Promise.withResolvers<never>();
  cut.catch(() => undefined);
  let isAlive = true;
  let left = Number.POSITIVE_INFINITY;
  const kill = (why: string): void => {
    if (!isAlive) return;
    isAlive = false;
    reject(new Error(why));
    onEnd(why);
  };
  return {
    get isAlive() {
      return isAlive;
    },
    cut,
    step() {
      left -= 1;
      if (left <= 0) kill("in the middle of a step");
      return isAlive;
    },
    kill,
    arm: (steps) => void (left = steps),
  };
}

/** What never happens, since the process is dead. */
export async function never(): Promise<never> {
  return await new Promise<never>(() => undefined);
}
