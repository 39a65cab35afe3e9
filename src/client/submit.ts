import { TransactionBuilder, type FeeBumpTransaction, type Keypair, type Transaction } from "@stellar/stellar-sdk";

import { SprfError, isSprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger, SubmitResult } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";

const POLL_MS = 200;

/** Fee of each operation; a bid, of which the ledger takes what it needs. */
export const FEE_PER_OPERATION_STROOPS = 1_000n;

interface SubmitComponents {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

interface SubmitOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Submits a transaction of the sender's own and waits until a ledger holds it.
 *
 * @throws SprfError `LEDGER_REJECTED` when it is refused, fails, or can no longer land
 */
export async function submitAndWait(
  { ledger, clock }: SubmitComponents,
  transaction: Transaction | FeeBumpTransaction,
  maxTime: number,
  { signal }: SubmitOptions = {},
): Promise<LandedTransaction> {
  const envelopeXdr = transaction.toXdr();
  for (;;) {
    const submitted = await submitOnce(ledger, envelopeXdr, { signal });
    if (submitted?.status === "refused") {
      // It may be refused because it has landed: an earlier try whose answer was lost.
      const earlier = await ledger.transaction(submitted.hash, { signal });
      if (earlier !== undefined) return requireSuccess(earlier);
      throw new SprfError("LEDGER_REJECTED", `transaction ${submitted.hash}: ${submitted.code}`, {
        context: { hash: submitted.hash, code: submitted.code },
      });
    }
    let landed: LandedTransaction | undefined;
    if (submitted?.status === "try-again-later") {
      // Today's nodes also say so, for ten ledgers, of what has landed: an earlier try whose answer was lost.
      landed = await ledger.transaction(submitted.hash, { signal });
    } else if (submitted !== undefined) {
      landed = await waitUntilLanded({ ledger, clock }, submitted.hash, maxTime, { signal });
    }
    if (landed !== undefined) return requireSuccess(landed);
    if (clock.now() > maxTime * 1_000) {
      throw new SprfError("LEDGER_REJECTED", `transaction ${toHex(transaction.hash())} did not land in time`);
    }
    await clock.sleep(POLL_MS, { signal });
  }
}

/** Undefined when nobody knows whether the ledger's service took it; to send it again does no harm. */
async function submitOnce(
  ledger: Ledger,
  envelopeXdr: string,
  options: SubmitOptions,
): Promise<SubmitResult | undefined> {
  try {
    return await ledger.submit(envelopeXdr, options);
  } catch (error) {
    if (isSprfError(error, "LEDGER_UNREACHABLE")) return undefined;
    throw error;
  }
}

/** Waits for a submitted transaction; undefined when `maxTime` (seconds) has passed on the ledger without it. */
async function waitUntilLanded(
  { ledger, clock }: SubmitComponents,
  hash: string,
  maxTime: number,
  { signal }: SubmitOptions = {},
): Promise<LandedTransaction | undefined> {
  for (;;) {
    const landed = await ledger.transaction(hash, { signal });
    if (landed !== undefined) return landed;
    const { sequence } = await ledger.latest({ signal });
    const header = await ledger.header(sequence, { signal });
    if (header !== undefined && header.closeTime > maxTime) return await ledger.transaction(hash, { signal });
    await clock.sleep(POLL_MS, { signal });
  }
}

/** Wraps a transaction whose own fee is 0 into a fee bump that `payer` pays and signs. */
export function bumpFee(transaction: Transaction, payer: Keypair, network: string): FeeBumpTransaction {
  const bump = TransactionBuilder.buildFeeBumpTransaction(
    payer,
    FEE_PER_OPERATION_STROOPS.toString(),
    transaction,
    network,
  );
  bump.sign(payer);
  return bump;
}

function requireSuccess(landed: LandedTransaction): LandedTransaction {
  if (landed.successful) return landed;
  throw new SprfError("LEDGER_REJECTED", `transaction ${landed.hash} landed in ledger ${landed.ledger} and failed`, {
    context: { hash: landed.hash, resultXdr: landed.resultXdr },
  });
}
