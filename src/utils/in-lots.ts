/** As many as one transaction takes without others having to wait for long: a run may bring 256 KiB of input. */
const MOST = 50;

interface Asked<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does what is asked for one by one in lots: what comes while one lot is on its way makes the next. So one that is alone waits for
 * nobody, and of many each costs the database a fraction.
 *
 * A lot that fails is done again one by one, so that nobody has what another is at fault for.
 *
 * @param work does all of them or, where it throws, none; resolves with a result for each, in their order
 * @param isOfAll whether a failure is that of any lot, as when a server is away: then all of this one are told so
 */
export function inLots<T, R>(
  work: (lot: readonly T[]) => Promise<readonly R[]>,
  { isOfAll }: { readonly isOfAll: (error: unknown) => boolean },
): (item: T) => Promise<R> {
  const asked: Asked<T, R>[] = [];
  let isWorking = false;

  async function workOff(): Promise<void> {
    isWorking = true;
    while (asked.length > 0) await settle(asked.splice(0, MOST));
    isWorking = false;
  }

  async function settle(lot: readonly Asked<T, R>[]): Promise<void> {
    try {
      const results = await work(lot.map(({ item }) => item));
      for (const [n, { resolve }] of lot.entries()) resolve(results[n] as R);
    } catch (error) {
      if (lot.length === 1 || isOfAll(error)) for (const { reject } of lot) reject(error);
      else for (const one of lot) await settle([one]);
    }
  }

  return async (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    asked.push({ item, resolve, reject });
    if (!isWorking) void workOff();
    return await promise;
  };
}
