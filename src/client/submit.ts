import { type FeeBumpTransaction, type Transaction } from "@stellar/stellar-sdk";

import { resultCodeOf } from "../domain/program/result-code.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import { land, type LandOptions } from "./land.ts";

interface SubmitComponents {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** How to submit a transaction of the sender's own. */
export interface SubmitOptions extends LandOptions {
  /** The same transaction in fee bumps, each with a higher offer than the one before, for ledgers that pass it over. */
  readonly dearer?: readonly FeeBumpTransaction[];
}

/**
 * Submits a transaction of the sender's own and waits until a ledger holds it.
 *
 * @throws SprfError `LEDGER_REJECTED` when it is refused, fails, or can no longer land: its context has the ledger's `code`, and
 * `overtaken` when another transaction took its sequence; `LEDGER_UNREACHABLE` when nobody can say
 */
export async function submitAndWait(
  components: SubmitComponents,
  transaction: Transaction | FeeBumpTransaction,
  maxTime: number,
  { dearer = [], ...options }: SubmitOptions = {},
): Promise<LandedTransaction> {
  const inner = "innerTransaction" in transaction ? transaction.innerTransaction : transaction;
  const hash = toHex(transaction.hash());
  const landing = await land(
    components,
    {
      hash,
      source: inner.source,
      sequence: BigInt(inner.sequence),
      maxTime,
      envelopes: [transaction, ...dearer].map((each) => each.toXdr()),
    },
    options,
  );
  if (landing.kind === "landed") return requireSuccess(landing.transaction);
  const context = { hash, ...contextOf(landing) };
  if (landing.kind === "late") {
    throw new SprfError("LEDGER_REJECTED", `transaction ${hash} did not land in time`, { context });
  }
  throw new SprfError("LEDGER_REJECTED", `transaction ${hash}: ${context.code}`, { context });
}

function contextOf(landing: { readonly kind: string; readonly code?: string | undefined }): {
  readonly code?: string | undefined;
  readonly overtaken?: boolean;
} {
  if (landing.kind === "overtaken") return { code: "tx_bad_seq", overtaken: true };
  return landing.code === undefined ? {} : { code: landing.code };
}

/** @throws SprfError `LEDGER_REJECTED` for a transaction that landed and failed; its context has the ledger's `code` */
export function requireSuccess(landed: LandedTransaction): LandedTransaction {
  if (landed.successful) return landed;
  const code = resultCodeOf(landed.resultXdr);
  throw new SprfError(
    "LEDGER_REJECTED",
    `transaction ${landed.hash} landed in ledger ${landed.ledger} and failed: ${code}`,
    { context: { hash: landed.hash, ledger: landed.ledger, code, resultXdr: landed.resultXdr } },
  );
}
