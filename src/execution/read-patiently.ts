import type { Ledger } from "../ports/ledger.ts";

/** Does what is asked of a ledger's service, and again while it makes sense when the service cannot be reached. */
export type Patiently = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

/**
 * The ledger, whose reads are done patiently. What is submitted is not repeated here: whoever submits has to look what became of it
 * first; and a walk over transactions that breaks off is for its caller to go on with.
 */
export function readPatiently(ledger: Ledger, patiently: Patiently): Ledger {
  return {
    ...ledger,
    latest: async (options) => await patiently(async () => await ledger.latest(options), options?.signal),
    account: async (id, names, options) =>
      await patiently(async () => await ledger.account(id, names, options), options?.signal),
    transaction: async (hash, options) =>
      await patiently(async () => await ledger.transaction(hash, options), options?.signal),
    header: async (sequence, options) =>
      await patiently(async () => await ledger.header(sequence, options), options?.signal),
  };
}
