import type { Transaction } from "@stellar/stellar-sdk";
import { Account, Asset, Memo, Operation, TransactionBuilder } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { LandedTransaction } from "../../ports/ledger.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { ExecutionRequest } from "../../wire/execution-request.ts";
import { innerTransactionOf, memoHashOf } from "./envelope.ts";
import { gasFeeStroops } from "./gas.ts";
import { formatStroops, parseXlm } from "./stroops.ts";

/** A payment buys its execution for this long after its ledger closed. */
export const PAYMENT_VALID_SECONDS = 3_600;

/** Nothing is run for a payment whose ledger closed longer ago than this, however long its request waited for its turn. */
export const PAYMENT_USABLE_SECONDS = 2 * PAYMENT_VALID_SECONDS;

/** The payment that a request names (design: programs, Execution 2). */
export interface ExpectedPayment {
  readonly network: string;
  readonly program: string;
  readonly user: string;
  readonly requestHash: Uint8Array;
  /** The base fee; of a prepaid request, with the fee of its maxGas. */
  readonly baseFeeStroops: bigint;
  /** Seconds since the Unix epoch. */
  readonly now: number;
}

/** What has to be paid for a request: the base fee, and with the prepaid form the most that its gas can cost. */
export function priceStroops(
  { form, maxGas }: Pick<ExecutionRequest, "form" | "maxGas">,
  { baseFeeStroops, gasPriceStroops }: { readonly baseFeeStroops: bigint; readonly gasPriceStroops: bigint },
): bigint {
  return form === "prepaid" ? baseFeeStroops + gasFeeStroops(maxGas, gasPriceStroops) : baseFeeStroops;
}

/** Builds the payment of a base fee, with the request's hash as memo. */
export function buildPayment(parts: {
  readonly network: string;
  readonly user: { readonly id: string; readonly sequence: bigint };
  readonly program: string;
  readonly requestHash: Uint8Array;
  readonly baseFeeStroops: bigint;
  readonly feeStroops: bigint;
  readonly maxTime: number;
}): Transaction {
  return new TransactionBuilder(new Account(parts.user.id, parts.user.sequence.toString()), {
    fee: parts.feeStroops.toString(),
    networkPassphrase: parts.network,
    timebounds: { minTime: 0, maxTime: parts.maxTime },
    memo: Memo.hash(parts.requestHash),
  })
    .addOperation(
      Operation.payment({
        destination: parts.program,
        asset: Asset.native(),
        amount: formatStroops(parts.baseFeeStroops),
      }),
    )
    .build();
}

/**
 * Checks that a request names its payment by the one hash that cannot be chosen anew: a payment that landed in a fee bump is found by
 * the bump's hash as well, and whoever counted that as another payment would let it buy twice.
 *
 * @throws SprfError `PAYMENT_INVALID`
 */
export function checkPaymentHash(landed: LandedTransaction, paymentHash: Uint8Array, network: string): void {
  const hash = innerTransactionOf(landed.envelopeXdr, network).hash();
  if (equalBytes(hash, paymentHash)) return;
  throw new SprfError("PAYMENT_INVALID", `payment ${landed.hash}: name it by ${toHex(hash)}, without its fee bump`, {
    context: { payment: landed.hash },
  });
}

/**
 * Checks that what landed is the payment of this request: the only operation of a successful transaction, native, from the
 * user to the program, of at least what is expected, with the request's hash as memo, and not too old.
 *
 * @returns what was paid, in stroops
 * @throws SprfError `PAYMENT_INVALID`, `PAYMENT_TOO_LOW`, `PAYMENT_EXPIRED`
 */
export function checkPayment(landed: LandedTransaction, expected: ExpectedPayment): bigint {
  const refuse = (why: string): never => {
    throw new SprfError("PAYMENT_INVALID", `payment ${landed.hash}: ${why}`, { context: { payment: landed.hash } });
  };
  if (!landed.successful) refuse("its transaction failed");
  const transaction = innerTransactionOf(landed.envelopeXdr, expected.network);
  const [operation, ...others] = transaction.operations;
  if (operation?.type !== "payment" || others.length > 0) return refuse("it is not a single payment");
  if ((operation.source ?? transaction.source) !== expected.user) refuse(`it is not from ${expected.user}`);
  if (operation.destination !== expected.program) refuse(`it is not to ${expected.program}`);
  if (!operation.asset.isNative()) refuse("it is not in XLM");
  const memo = memoHashOf(transaction);
  if (memo === undefined || !equalBytes(memo, expected.requestHash)) refuse("its memo is not the hash of this request");
  const paid = parseXlm(operation.amount);
  checkAmount(landed, paid, expected.baseFeeStroops);
  if (expected.now > landed.closeTime + PAYMENT_VALID_SECONDS) {
    throw new SprfError("PAYMENT_EXPIRED", `payment ${landed.hash} is older than ${PAYMENT_VALID_SECONDS} seconds`);
  }
  return paid;
}

/** Checks that a payment is at least what is expected. @throws SprfError `PAYMENT_TOO_LOW` */
export function checkAmount({ hash }: Pick<LandedTransaction, "hash">, paid: bigint, expected: bigint): void {
  if (paid >= expected) return;
  throw new SprfError("PAYMENT_TOO_LOW", `payment ${hash}: ${expected} stroops expected, ${paid} paid`, {
    context: { expectedStroops: expected.toString(), paidStroops: paid.toString() },
  });
}
