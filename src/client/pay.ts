import type { Transaction } from "@stellar/stellar-sdk";

import { buildPayment } from "../domain/program/payment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { FEE_PER_OPERATION_STROOPS, submitAndWait } from "./submit.ts";
import { signEnough } from "./sign.ts";
import type { Wallet } from "./wallet.ts";

const PAYMENT_WINDOW_SECONDS = 60;
const MS_PER_SECOND = 1_000;

/** A signed payment that was not submitted yet. */
export interface PreparedPayment {
  readonly transaction: Transaction;
  /** Seconds since the Unix epoch after which it cannot land. */
  readonly maxTime: number;
}

/** Builds and signs the payment for one request; its hash is final, so the request can name it. */
export async function preparePayment(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  parts: {
    readonly program: SmartAccount;
    readonly wallet: Wallet;
    readonly requestHash: Uint8Array;
    /** @default the base fee */
    readonly amountStroops?: bigint;
  },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<PreparedPayment> {
  const { program, wallet, requestHash } = parts;
  const user = await ledger.account(wallet.account, [], { signal });
  if (user === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  const maxTime = Math.floor(clock.now() / MS_PER_SECOND) + PAYMENT_WINDOW_SECONDS;
  const transaction = buildPayment({
    network: ledger.networkPassphrase,
    user: { id: wallet.account, sequence: user.account.sequence },
    program: program.id,
    requestHash,
    baseFeeStroops: parts.amountStroops ?? program.baseFeeStroops,
    feeStroops: FEE_PER_OPERATION_STROOPS,
    maxTime,
  });
  signEnough(transaction, wallet, user.account, "medium");
  return { transaction, maxTime };
}

/** Pays a program's base fee for one request, and waits until the payment has landed. */
export async function payBaseFee(
  components: { readonly ledger: Ledger; readonly clock: Clock },
  parts: Parameters<typeof preparePayment>[1],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<LandedTransaction> {
  const { transaction, maxTime } = await preparePayment(components, parts, options);
  return await submitAndWait(components, transaction, maxTime, options);
}
