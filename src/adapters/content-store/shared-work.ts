import { raceAbort } from "../../utils/abort.ts";

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Runs work once for all who ask for it under the same key at the same time. One who gives up leaves the others alone; the work
 * is aborted when the last one has.
 */
export function createSharedWork<T>(): (
  key: string,
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
) => Promise<T> {
  const flights = new Map<string, Flight<T>>();
  return async (key, work, signal) => {
    const flight = flights.get(key) ?? begin(key, work);
    flight.waiting += 1;
    try {
      return await raceAbort(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        if (flights.get(key) === flight) flights.delete(key);
        flight.controller.abort();
      }
    }
  };

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { controller, waiting: 0, result: work(controller.signal) };
    flights.set(key, flight);
    flight.result.catch(() => undefined);
    return flight;
  }
}
