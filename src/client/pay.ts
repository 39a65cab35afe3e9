import { TransactionBuilder, type FeeBumpTransaction, type Transaction } from "@stellar/stellar-sdk";

import { FEE_PER_OPERATION_STROOPS, TRANSITION_FEE_STROOPS, feeLadder } from "../domain/program/fee-ladder.ts";
import { buildPayment } from "../domain/program/payment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import type { LandOptions } from "./land.ts";
import { bumpFee, signEnough } from "./sign.ts";
import { submitAndWait } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

/** A payment can land for this long after it was made. */
export const PAYMENT_WINDOW_SECONDS = 60;
const MS_PER_SECOND = 1_000;

interface PayComponents {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** Builds and signs the payment for one request; its hash is final, so the request can name it. */
export async function preparePayment(
  { ledger, clock }: PayComponents,
  parts: {
    readonly program: SmartAccount;
    readonly wallet: Wallet;
    readonly requestHash: Uint8Array;
    /** @default the base fee */
    readonly amountStroops?: bigint;
  },
  { signal, maxFeeStroops = TRANSITION_FEE_STROOPS }: Pick<PayOptions, "signal" | "maxFeeStroops"> = {},
): Promise<Transaction> {
  const { program, wallet, requestHash } = parts;
  const user = await ledger.account(wallet.account, [], { signal });
  if (user === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  const transaction = buildPayment({
    network: ledger.networkPassphrase,
    user: { id: wallet.account, sequence: user.account.sequence },
    program: program.id,
    requestHash,
    baseFeeStroops: parts.amountStroops ?? program.baseFeeStroops,
    feeStroops: maxFeeStroops < FEE_PER_OPERATION_STROOPS ? maxFeeStroops : FEE_PER_OPERATION_STROOPS,
    maxTime: Math.floor(clock.now() / MS_PER_SECOND) + PAYMENT_WINDOW_SECONDS,
  });
  signEnough(transaction, wallet, user.account, "medium");
  return transaction;
}

/** Who pays, and how much at most for a place in a ledger. */
export interface PayOptions extends LandOptions {
  /** @default 30,000 */
  readonly maxFeeStroops?: bigint | undefined;
}

/**
 * Submits a payment and waits until it has landed, offering more when ledgers pass it over.
 *
 * @throws SprfError what `submitAndWait` throws; nothing was paid but for `LEDGER_UNREACHABLE`, when nobody can say
 */
export async function submitPayment(
  components: PayComponents,
  { transaction, wallet }: { readonly transaction: Transaction; readonly wallet: Wallet },
  { maxFeeStroops = TRANSITION_FEE_STROOPS, ...options }: PayOptions = {},
): Promise<LandedTransaction> {
  const { ledger } = components;
  const dearer: FeeBumpTransaction[] = [];
  const user = await ledger.account(wallet.account, [], options);
  for (const offer of feeLadder(transaction.operations.length, maxFeeStroops)) {
    if (user === undefined || offer <= FEE_PER_OPERATION_STROOPS) continue;
    const network = ledger.networkPassphrase;
    dearer.push(bumpFee(transaction, { wallet, payer: user.account, network, feePerOperationStroops: offer }));
  }
  const maxTime = Number(transaction.timeBounds?.maxTime ?? 0);
  return await submitAndWait(components, transaction, maxTime, { ...options, dearer });
}

/** A payment that was kept as an envelope. @throws SprfError `INVALID_INPUT` */
export function readPayment(envelopeXdr: string, network: string): Transaction {
  try {
    const parsed = TransactionBuilder.fromXdr(envelopeXdr, network);
    if (!("innerTransaction" in parsed)) return parsed;
  } catch (error) {
    throw new SprfError("INVALID_INPUT", "the payment is no envelope of this network", { cause: error });
  }
  throw new SprfError("INVALID_INPUT", "the payment is not the envelope that was told before paying");
}

/** Pays a program's base fee for one request, and waits until the payment has landed. */
export async function payBaseFee(
  components: PayComponents,
  parts: Parameters<typeof preparePayment>[1],
  options: PayOptions = {},
): Promise<LandedTransaction> {
  const transaction = await preparePayment(components, parts, options);
  return await submitPayment(components, { transaction, wallet: parts.wallet }, options);
}
