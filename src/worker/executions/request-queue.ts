import PQueue from "p-queue";

import type { FairOrder } from "../../domain/program/fair-order.ts";
import type { Clock } from "../../ports/clock.ts";

/** What a request is, to whoever decides what goes first. */
export interface Asker {
  /** The smart account. */
  readonly program: string;
  /** From when on nobody has a use for the answer, in ms since the Unix epoch. */
  readonly deadlineMs: number;
}

/** Where requests wait until a run of theirs may begin. */
export interface RequestQueue {
  /** How many wait. */
  readonly size: number;
  /** How many are being worked on. */
  readonly pending: number;
  concurrency: number;
  /** How long the oldest of those that wait has waited; 0 when none does. */
  oldestMs(): number;
  /** Resolves with what `work` comes to, which is begun when its turn has come. */
  add<T>(asker: Asker, work: () => Promise<T>): Promise<T>;
  /** Forgets what waits, without a word to whoever waits for it. */
  clear(): void;
  /** Resolves when nothing waits and nothing is being worked on. */
  onIdle(): Promise<void>;
}

export interface RequestQueueInit {
  readonly concurrency: number;
  /** Which program's turn it is. @default that of whoever came first, whatever its deadline */
  readonly order?: FairOrder | undefined;
}

interface Waiting {
  readonly deadlineMs: number;
  readonly sinceMs: number;
  begin(): Promise<void>;
}

/**
 * Makes a queue whose turns are a program's and not a request's: when a program's turn has come, that of its requests goes that ends
 * first. So a deadline passes nobody but requests of the same program.
 */
export function createRequestQueue(
  { clock }: { readonly clock: Pick<Clock, "now"> },
  { concurrency, order }: RequestQueueInit,
): RequestQueue {
  const queue = new PQueue({ concurrency });
  const waiting = new Map<string, Waiting[]>();

  function takeOf(program: string): Waiting | undefined {
    const own = waiting.get(program) ?? [];
    const soonest = order === undefined ? undefined : Math.min(...own.map(({ deadlineMs }) => deadlineMs));
    const index = soonest === undefined ? 0 : own.findIndex(({ deadlineMs }) => deadlineMs === soonest);
    const [next] = own.splice(index, 1);
    if (own.length === 0) waiting.delete(program);
    return next;
  }

  return {
    get size() {
      return queue.size;
    },
    get pending() {
      return queue.pending;
    },
    get concurrency() {
      return queue.concurrency;
    },
    set concurrency(most: number) {
      queue.concurrency = most;
    },
    oldestMs() {
      let oldestMs = clock.now();
      for (const own of waiting.values()) for (const { sinceMs } of own) oldestMs = Math.min(oldestMs, sinceMs);
      return clock.now() - oldestMs;
    },
    async add<T>({ program, deadlineMs }: Asker, work: () => Promise<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const own = waiting.get(program) ?? [];
      own.push({ deadlineMs, sinceMs: clock.now(), begin: async () => await work().then(resolve, reject) });
      waiting.set(program, own);
      const place = order?.place(program, deadlineMs);
      const turn = async (): Promise<void> => {
        try {
          await takeOf(program)?.begin();
        } finally {
          place?.leave();
        }
      };
      queue.add(turn, { priority: place?.priority ?? 0 }).catch(reject);
      return await promise;
    },
    clear() {
      queue.clear();
      waiting.clear();
    },
    async onIdle() {
      await queue.onIdle();
    },
  };
}
