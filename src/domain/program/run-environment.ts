import { hashWithDomain } from "../../wire/canonical.ts";

/** The ledger that holds a payment, as far as runs depend on it. */
export interface PaidIn {
  /** Seconds since the Unix epoch. */
  readonly closeTime: bigint;
  /** 32 bytes. */
  readonly ledgerHash: Uint8Array;
}

/**
 * `SPRF_TIME` and `SPRF_SEED` of a paid request: the close of the payment's ledger, never below the time of the run before, and a mix of
 * the request with that ledger's hash. Neither can be chosen by the user, and whoever repeats the run comes to the same.
 */
export function environmentOf(
  { closeTime, ledgerHash }: PaidIn,
  requestHash: Uint8Array,
  timeBefore: bigint,
): { readonly time: bigint; readonly seed: Uint8Array<ArrayBuffer> } {
  return {
    time: closeTime > timeBefore ? closeTime : timeBefore,
    seed: new Uint8Array(hashWithDomain("sprf/seed/1", requestHash, ledgerHash)),
  };
}
