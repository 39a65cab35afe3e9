import { Account, Asset, Operation, TransactionBuilder } from "@stellar/stellar-sdk";

import { formatStroops } from "../domain/program/stroops.ts";
import { FEE_PER_OPERATION_STROOPS } from "../domain/program/fee-ladder.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { signEnough } from "./sign.ts";
import { submitAndWait } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

const WINDOW_SECONDS = 60;
const MS_PER_SECOND = 1_000;

/**
 * Pays to a program's account, for reserve that it will need; what it does not need goes to its workers with the next payout.
 *
 * @throws SprfError `ACCOUNT_NOT_FOUND`, `FUNDS_TOO_LOW`, `LEDGER_REJECTED`
 */
export async function topUp(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  { program, wallet, stroops }: { readonly program: string; readonly wallet: Wallet; readonly stroops: bigint },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<LandedTransaction> {
  if (stroops <= 0n) throw new SprfError("INVALID_INPUT", "a top-up is at least one stroop");
  const [payer, payee] = await Promise.all([
    ledger.account(wallet.account, [], { signal }),
    ledger.account(program, [], { signal }),
  ]);
  if (payer === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  if (payee === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${program}`);
  if (payer.account.spendableStroops < stroops + FEE_PER_OPERATION_STROOPS) {
    throw new SprfError("FUNDS_TOO_LOW", `${wallet.account} can spend less than ${formatStroops(stroops)} XLM`);
  }
  const maxTime = Math.floor(clock.now() / MS_PER_SECOND) + WINDOW_SECONDS;
  const transaction = new TransactionBuilder(new Account(wallet.account, payer.account.sequence.toString()), {
    fee: FEE_PER_OPERATION_STROOPS.toString(),
    networkPassphrase: ledger.networkPassphrase,
    timebounds: { minTime: 0, maxTime },
  })
    .addOperation(Operation.payment({ destination: program, asset: Asset.native(), amount: formatStroops(stroops) }))
    .build();
  signEnough(transaction, wallet, payer.account, "medium");
  return await submitAndWait({ ledger, clock }, transaction, maxTime, { signal });
}
