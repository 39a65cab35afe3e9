import { innerTransactionOf } from "../domain/program/envelope.ts";
import { isSprfError } from "../errors.ts";
import { readPatiently } from "../execution/read-patiently.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger, LedgerOptions } from "../ports/ledger.ts";
import { retry } from "../utils/retry.ts";

/** An audit asks for hours; a service that does not answer once is no reason to end it. About six seconds in all. */
const MAX_TRIES = 6;

/** Does `work` again when the ledger's service cannot be reached, a few times. */
export async function patiently<T>(
  work: () => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  let tries = 0;
  return await retry(work, {
    clock,
    signal,
    firstDelayMs: 200,
    retriable: (error) => isSprfError(error, "LEDGER_UNREACHABLE") && ++tries < MAX_TRIES,
  });
}

/** What an audit asks of the ledger, patiently. */
export interface AskedLedger extends Pick<Ledger, "networkPassphrase" | "account" | "header" | "transaction"> {
  /** Transactions with this account as their source in these ledgers, in order. */
  transactionsOf(
    account: string,
    ledgers: { readonly from: number; readonly to: number },
    options?: LedgerOptions,
  ): Promise<readonly LandedTransaction[]>;
}

export function createPatientLedger(ledger: Ledger, clock: Clock): AskedLedger {
  const { networkPassphrase } = ledger;
  return {
    ...readPatiently(ledger, async (work, signal) => await patiently(work, { clock, signal })),
    async transactionsOf(id, { from, to }, { signal } = {}) {
      const read = async (): Promise<readonly LandedTransaction[]> => {
        const found: LandedTransaction[] = [];
        for await (const landed of ledger.transactions(from, to, { signal })) {
          if (innerTransactionOf(landed.envelopeXdr, networkPassphrase).source === id) found.push(landed);
        }
        return found;
      };
      return await patiently(read, { clock, signal });
    },
  };
}
