import type { PaidInput } from "../../domain/program/batch.ts";
import { PAYMENT_VALID_SECONDS, checkPayment, priceStroops } from "../../domain/program/payment.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { toHex } from "../../utils/bytes.ts";
import type { SignedRequest } from "../../wire/execution-request.ts";

const MS_PER_SECOND = 1_000;
/** Used payments are known for twice their validity; a request that waits longer than that can no longer be told from a used one. */
const MAX_WAIT_SECONDS = 2 * PAYMENT_VALID_SECONDS - 300;

/**
 * Checks what can be checked of a prepaid request without asking anybody.
 *
 * @throws SprfError `INVALID_INPUT`, `REQUEST_NOT_SERVED`
 */
export function checkPrepaidForm({ request }: SignedRequest, network: string): void {
  if (request.form !== "prepaid") throw new SprfError("INVALID_INPUT", "the request is not prepaid");
  if (request.ifState !== undefined) {
    throw new SprfError(
      "INVALID_INPUT",
      "ifState: a prepaid request waits for its turn and takes the state as it is then",
    );
  }
  if (request.network !== network) {
    throw new SprfError("REQUEST_NOT_SERVED", `this worker is on another network than ${request.network}`);
  }
}

/**
 * Looks for the payment of a prepaid request, whose signature and form were checked, and for the ledger that holds it.
 *
 * @throws SprfError `PAYMENT_NOT_FOUND`, `PAYMENT_INVALID`, `PAYMENT_TOO_LOW`, `PAYMENT_EXPIRED`, `REQUEST_EXPIRED`
 */
export async function findPrepayment(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  account: SmartAccount,
  { signed, requestHash }: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PaidInput> {
  const hash = toHex(signed.paymentHash);
  const landed = await ledger.transaction(hash, { signal });
  if (landed === undefined) throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${hash}`);
  const paidStroops = checkPayment(landed, {
    network: ledger.networkPassphrase,
    program: account.id,
    user: signed.request.user,
    requestHash,
    baseFeeStroops: priceStroops(signed.request, account),
    now: Math.floor(clock.now() / MS_PER_SECOND),
  });
  const header = await ledger.header(landed.ledger, { signal });
  if (header === undefined) throw new SprfError("PAYMENT_NOT_FOUND", `ledger ${landed.ledger} is not to be found yet`);
  // By the ledger's clock: everybody comes to the same, and a request that was taken in time may wait for its turn.
  if (signed.request.validUntil < BigInt(header.closeTime)) {
    throw new SprfError("REQUEST_EXPIRED", "the request's validUntil had passed when its payment landed");
  }
  return {
    signedRequest: signed,
    paidStroops,
    payment: {
      ledger: header.sequence,
      ledgerHash: new Uint8Array(header.hash),
      closeTime: BigInt(header.closeTime),
    },
  };
}

/** Whether a request that was taken has waited for so long that it can no longer be run. */
export function hasWaitedTooLong({ payment }: PaidInput, nowMs: number): boolean {
  return Number(payment.closeTime) + MAX_WAIT_SECONDS < nowMs / MS_PER_SECOND;
}
