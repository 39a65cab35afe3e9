/** Deadlines within a place are told apart in this many steps. */
const STEPS = 64;
const STEP_MS = 5_000;
/** Priorities are signed 32-bit integers, of which two thirds are plenty. */
const MAX_PLACES = 2 ** 25;

/** A place in the order; what has a greater priority goes first. */
export interface Place {
  readonly priority: number;
  /**
   * Has to be called once, when a run of the program is over or given up. Which of its places that one had does not matter: whoever
   * gives them out may let its runs change places with each other.
   */
  leave(): void;
}

export interface FairOrder {
  place(program: string, deadlineMs: number): Place;
}

/**
 * The order of runs of many programs before few who run them. Each program's runs stand one place behind the other, and the first of a
 * program that has none waiting stands where those stand that are taken now: however many one sends, another waits for one run of each
 * (start-time fair queueing). In one place, what ends sooner goes first.
 */
export function createFairOrder(clock: { now(): number }): FairOrder {
  const next = new Map<string, number>();
  /** Of each program, those that were not left, the first of them first. */
  const open = new Map<string, number[]>();
  let now = 0;
  let count = 0;

  return {
    place(program, deadlineMs) {
      const place = Math.max(now, next.get(program) ?? 0);
      next.set(program, place + 1);
      const own = open.get(program) ?? [];
      own.push(place);
      open.set(program, own);
      count += 1;
      const step = Math.floor((deadlineMs - clock.now()) / STEP_MS);
      const late = Math.min(Math.max(step, 0), STEPS - 1);
      let isOver = false;
      return {
        // After so many without a pause the order is that of arrival.
        priority: -(Math.min(place, MAX_PLACES) * STEPS + late),
        leave() {
          if (isOver) return;
          isOver = true;
          count -= 1;
          now = Math.max(now, own.shift() ?? 0);
          if (own.length === 0 && open.get(program) === own) open.delete(program);
          // Nothing that has begun anew in between may stand before what is open.
          if (count === 0) {
            now = 0;
            next.clear();
          } else if (next.size > 2 * count + STEPS) {
            for (const [known, at] of next) if (at <= now) next.delete(known);
          }
        },
      };
    },
  };
}
