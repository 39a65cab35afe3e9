import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { toHex } from "../../utils/bytes.ts";

/** Runs of a request that may fail on one sequence before it is given up there. */
const MAX_ON_SEQUENCE = 3;
/** Runs of a request that may fail altogether, while others move the program on. */
const MAX_ALTOGETHER = 9;
/** Requests that are remembered; each was paid for. */
const MAX_REQUESTS = 10_000;
const MS_PER_SECOND = 1_000;

/** A request on a sequence of its program. */
export interface RunOfRequest {
  readonly requestHash: Uint8Array;
  readonly sequence: bigint;
  /** Seconds since the Unix epoch. */
  readonly validUntil: bigint;
}

/**
 * Remembers runs that failed on this machine, such as those that were killed at their deadline. Nothing may be signed about them,
 * so nothing is stored, and without this each repetition of a paid request would take all of its program's time once more.
 */
export interface FailedRuns {
  /** @throws SprfError `RUN_GIVEN_UP` when the request has failed so often that it is not run again */
  check(run: RunOfRequest): void;
  /** Its program was begun, and a machine failed to take it to an end. */
  note(run: RunOfRequest, error: unknown): void;
}

interface Failures {
  readonly untilMs: number;
  readonly bySequence: Map<bigint, number>;
  last: string;
}

export function createFailedRuns({ clock }: { readonly clock: Pick<Clock, "now"> }): FailedRuns {
  const requests = new Map<string, Failures>();

  function note({ requestHash, sequence, validUntil }: RunOfRequest, error: unknown): void {
    const key = toHex(requestHash);
    const known = requests.get(key);
    const failures = known ?? {
      untilMs: Number(validUntil) * MS_PER_SECOND,
      bySequence: new Map<bigint, number>(),
      last: "",
    };
    failures.bySequence.set(sequence, (failures.bySequence.get(sequence) ?? 0) + 1);
    failures.last = isSprfError(error) ? `${error.code} (${error.message})` : messageOf(error);
    if (known === undefined) makeRoom();
    requests.set(key, failures);
  }

  /** Past its time a request is refused anyway. */
  function makeRoom(): void {
    if (requests.size < MAX_REQUESTS) return;
    for (const [key, { untilMs }] of requests) if (untilMs <= clock.now()) requests.delete(key);
    const [oldest] = requests.keys();
    if (requests.size >= MAX_REQUESTS && oldest !== undefined) requests.delete(oldest);
  }

  return {
    check({ requestHash, sequence }) {
      const failures = requests.get(toHex(requestHash));
      if (failures === undefined) return;
      const here = failures.bySequence.get(sequence) ?? 0;
      const altogether = [...failures.bySequence.values()].reduce((sum, count) => sum + count, 0);
      if (here < MAX_ON_SEQUENCE && altogether < MAX_ALTOGETHER) return;
      const times = here < MAX_ON_SEQUENCE ? altogether : here;
      throw new SprfError("RUN_GIVEN_UP", `${times} runs of the request failed here, the last by ${failures.last}`, {
        context: { request: toHex(requestHash), sequence: sequence.toString() },
      });
    },
    note,
  };
}
