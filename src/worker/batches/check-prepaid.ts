import type { PaidInput } from "../../domain/program/batch.ts";
import { checkAmount, checkPayment, checkPaymentHash } from "../../domain/program/payment.ts";
import { RETURN_WITHIN_SECONDS, returnableFrom } from "../../domain/program/return.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError } from "../../errors.ts";
import { findPriceStroops, type PriceComponents } from "../../execution/find-price.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../../ports/ledger.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { SignedRequest } from "../../wire/execution-request.ts";

const MS_PER_SECOND = 1_000;

/**
 * Checks what can be checked of a prepaid request without asking anybody.
 *
 * @param options.isRun whether it is to be run, not given back; true by default
 * @throws SprfError `INVALID_INPUT`, `REQUEST_NOT_SERVED`
 */
export function checkPrepaidForm(
  { request }: SignedRequest,
  network: string,
  { isRun = true }: { readonly isRun?: boolean } = {},
): void {
  if (request.form !== "prepaid") throw new SprfError("INVALID_INPUT", "the request is not prepaid");
  if (isRun && request.ifState !== undefined) {
    throw new SprfError(
      "INVALID_INPUT",
      "ifState: a prepaid request waits for its turn and takes the state as it is then",
    );
  }
  if (request.network !== network) {
    throw new SprfError("REQUEST_NOT_SERVED", `this worker is on another network than ${request.network}`);
  }
}

interface Components {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, "now">;
}

interface Request {
  readonly signed: SignedRequest;
  readonly requestHash: Uint8Array;
}

/**
 * Looks for the payment of a prepaid request, whose signature and form were checked, and for the ledger that holds it.
 *
 * @throws SprfError `PAYMENT_NOT_FOUND`, `PAYMENT_INVALID`, `PAYMENT_TOO_LOW`, `PAYMENT_EXPIRED`, `REQUEST_EXPIRED`
 */
export async function findPrepayment(
  components: Components & PriceComponents,
  account: SmartAccount,
  parts: Request,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PaidInput> {
  const landed = await findLanded(components, parts, options);
  const input = await readPayment(components, account, { ...parts, landed }, options);
  const { request } = parts.signed;
  const paidStroops = checkPayment(landed, {
    network: components.ledger.networkPassphrase,
    program: account.id,
    user: request.user,
    requestHash: parts.requestHash,
    baseFeeStroops: 0n,
    now: Math.floor(components.clock.now() / MS_PER_SECOND),
  });
  const paid = { request, paidStroops, paidAt: input.payment.closeTime };
  checkAmount(landed, paidStroops, await findPriceStroops(components, account, paid, options));
  // By the ledger's clock: everybody comes to the same, and a request that was taken in time may wait for its turn.
  if (request.validUntil < input.payment.closeTime) {
    throw new SprfError("REQUEST_EXPIRED", "the request's validUntil had passed when its payment landed");
  }
  return input;
}

/**
 * Looks for the payment of a prepaid request that may be given back, whatever it was too little or too late for: its time is over,
 * but not for so long that nobody knows any more whether it was used.
 *
 * @throws SprfError `PAYMENT_NOT_FOUND`, `PAYMENT_INVALID`, `PAYMENT_EXPIRED` after a day
 */
export async function findReturnable(
  components: Components,
  account: SmartAccount,
  parts: Request,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PaidInput> {
  const landed = await findLanded(components, parts, options);
  const input = await readPayment(components, account, { ...parts, landed }, options);
  if (isForfeited(input, components.clock.now())) {
    throw new SprfError("PAYMENT_EXPIRED", `payment ${landed.hash} is too old to be given back`);
  }
  return input;
}

async function findLanded(
  { ledger }: Components,
  { signed }: Request,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<LandedTransaction> {
  const hash = toHex(signed.paymentHash);
  const landed = await ledger.transaction(hash, options);
  if (landed === undefined) throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${hash}`);
  checkPaymentHash(landed, signed.paymentHash, ledger.networkPassphrase);
  return landed;
}

/** What was paid for a request, however much it was. */
async function readPayment(
  { ledger }: Components,
  account: SmartAccount,
  { signed, requestHash, landed }: Request & { readonly landed: LandedTransaction },
  options: { readonly signal?: AbortSignal | undefined },
): Promise<PaidInput> {
  const paidStroops = checkPayment(landed, {
    network: ledger.networkPassphrase,
    program: account.id,
    user: signed.request.user,
    requestHash,
    baseFeeStroops: 0n,
    now: landed.closeTime,
  });
  const header = await ledger.header(landed.ledger, options);
  if (header === undefined) throw new SprfError("PAYMENT_NOT_FOUND", `ledger ${landed.ledger} is not to be found yet`);
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

/**
 * Whether a request that was taken can no longer be run: its payment is to be given back.
 *
 * @param marginSeconds how much later than that
 */
export function isOver(input: Pick<PaidInput, "payment">, nowMs: number, marginSeconds = 0): boolean {
  return Number(returnableFrom(input)) + marginSeconds < nowMs / MS_PER_SECOND;
}

/** Whether a payment has not been given back for so long that nobody can tell any more that it was not used. */
export function isForfeited({ payment }: Pick<PaidInput, "payment">, nowMs: number): boolean {
  return Number(payment.closeTime) + RETURN_WITHIN_SECONDS < nowMs / MS_PER_SECOND;
}

/** Whether two say the same of what was paid for a request, and when. */
export function isSamePayment(a: PaidInput, b: PaidInput): boolean {
  return (
    a.paidStroops === b.paidStroops &&
    a.payment.ledger === b.payment.ledger &&
    a.payment.closeTime === b.payment.closeTime &&
    equalBytes(a.payment.ledgerHash, b.payment.ledgerHash)
  );
}
