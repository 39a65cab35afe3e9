import { anchor } from "../../src/client/anchor.ts";
import type { ExecuteComponents } from "../../src/client/execute.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { gasFeeStroops } from "../../src/domain/program/gas.ts";
import { buildTransition, transitionMaxTime } from "../../src/domain/program/transition-transaction.ts";
import { loadSmartAccount } from "../../src/execution/load-smart-account.ts";
import type { LandedTransaction } from "../../src/ports/ledger.ts";
import type { AnswerWithOutput } from "../../src/wire/execution-json.ts";
import type { SignedRequest } from "../../src/wire/execution-request.ts";

/** Brings what workers answered onto the ledger; undefined when somebody else was faster. */
export async function anchorAnswers(
  { ledger, clock }: Pick<ExecuteComponents, "ledger" | "clock">,
  { signed, payment }: { readonly signed: SignedRequest; readonly payment: LandedTransaction },
  answers: readonly AnswerWithOutput[],
  wallet: Wallet,
): Promise<LandedTransaction | undefined> {
  const program = await loadSmartAccount(ledger, signed.request.program);
  const [answer] = answers.map((each) => each.signed.answer);
  if (answer?.recordCid === undefined) throw new Error("expected a transition");
  const times = { validUntil: signed.request.validUntil, paymentCloseTime: BigInt(payment.closeTime) };
  const transaction = buildTransition({
    network: ledger.networkPassphrase,
    program: program.id,
    user: wallet.account,
    sequence: answer.sequence,
    newState: answer.newState,
    recordCid: answer.recordCid,
    gasFeeStroops: gasFeeStroops(answer.gas, program.gasPriceStroops),
    ...times,
  });
  return await anchor(
    { ledger, clock },
    {
      transaction,
      program,
      wallet,
      signatures: new Map(
        answers.flatMap(({ signed: { worker, transactionSignature } }) =>
          transactionSignature === undefined ? [] : [[worker, transactionSignature] as const],
        ),
      ),
      maxTime: Number(transitionMaxTime(times)),
    },
  );
}
