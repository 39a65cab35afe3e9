import { roundAt } from "../../domain/program/proposer.ts";
import type { Clock } from "../../ports/clock.ts";

interface Turn {
  readonly sequence: bigint;
  /** Since when there was something to propose; undefined while there is nothing. */
  sinceMs: number | undefined;
  /** Requests of proposals that this worker has signed on this sequence. */
  readonly released: Set<string>;
}

/** Whose turn it is, as this worker's own clock has it. */
export interface Turns {
  /** Notes where a program stands and whether there is anything to propose. */
  see(program: string, now: { readonly sequence: bigint; readonly hasWork: boolean }): void;
  /** Undefined when this worker has nothing waiting on this sequence, so that it cannot tell. */
  round(program: string, sequence: bigint, workers: number): number | undefined;
  /**
   * Notes what was in a proposal that was signed. If it does not land, something in it may keep others from signing, so the next one
   * may leave it out.
   */
  release(program: string, sequence: bigint, requestHashes: Iterable<string>): void;
  isReleased(program: string, sequence: bigint, requestHash: string): boolean;
}

export function createTurns(
  clock: Pick<Clock, "now">,
  { proposerTimeoutMs }: { readonly proposerTimeoutMs: number },
): Turns {
  const turns = new Map<string, Turn>();

  function at(program: string, sequence: bigint): Turn {
    const known = turns.get(program);
    if (known?.sequence === sequence) return known;
    const turn: Turn = { sequence, sinceMs: undefined, released: new Set() };
    if (known === undefined || known.sequence < sequence) turns.set(program, turn);
    return turn;
  }

  return {
    see(program, { sequence, hasWork }) {
      const turn = at(program, sequence);
      if (hasWork) turn.sinceMs ??= clock.now();
      else turn.sinceMs = undefined;
    },
    round(program, sequence, workers) {
      const { sinceMs } = at(program, sequence);
      return sinceMs === undefined ? undefined : roundAt(clock.now() - sinceMs, proposerTimeoutMs, workers);
    },
    release(program, sequence, requestHashes) {
      const { released } = at(program, sequence);
      for (const hash of requestHashes) released.add(hash);
    },
    isReleased: (program, sequence, requestHash) => at(program, sequence).released.has(requestHash),
  };
}
