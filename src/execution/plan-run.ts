import { timeAfter } from "../domain/program/chain-record.ts";
import { creditsAfter } from "../domain/program/credits.ts";
import { environmentOf } from "../domain/program/run-environment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { LandedTransaction, Ledger, LedgerHeader } from "../ports/ledger.ts";
import type { Credit } from "../wire/credits.ts";
import type { ExecutionRequest } from "../wire/execution-request.ts";
import { readChainRecord } from "./read-record.ts";
import type { RunPlan } from "../ports/runs.ts";
import { findTip, type Tip, type TipMemory } from "./tip.ts";

/** What one request comes to on one state: the run, and what its record has to say about where it stands. */
export interface ExecutionPlan {
  readonly account: SmartAccount;
  readonly request: ExecutionRequest;
  readonly requestHash: Uint8Array;
  readonly paymentLedger: LedgerHeader;
  readonly tip: Tip;
  readonly run: RunPlan;
  /** What the program owes to users, which the next record carries on. @default nothing */
  readonly credits?: readonly Credit[];
}

/**
 * Plans the run of a paid request on the state that `account` shows. Time is the close of the payment's ledger, never below
 * the previous record's; the seed mixes the request with that ledger's hash: neither can be chosen by the user.
 *
 * @throws SprfError `HISTORY_UNAVAILABLE`, `LEDGER_UNREACHABLE`, and what reading the previous record throws
 */
export async function planRun(
  {
    ledger,
    content,
    tips,
  }: {
    readonly ledger: Ledger;
    readonly content: ContentStore;
    /** @default none: what the ledger's service has */
    readonly tips?: TipMemory | undefined;
  },
  parts: {
    readonly account: SmartAccount;
    readonly request: ExecutionRequest;
    readonly requestHash: Uint8Array;
    readonly payment: LandedTransaction;
  },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ExecutionPlan> {
  const { account, request, requestHash, payment } = parts;
  const [paymentLedger, tip] = await Promise.all([
    ledger.header(payment.ledger, { signal }),
    findTip(ledger, account, { signal, memory: tips }),
  ]);
  if (paymentLedger === undefined) {
    throw new SprfError("HISTORY_UNAVAILABLE", `ledger ${payment.ledger}, which holds the payment, is not to be found`);
  }
  const previous = await readChainRecord(content, tip.recordCid, { signal });
  const paidIn = { closeTime: BigInt(paymentLedger.closeTime), ledgerHash: paymentLedger.hash };
  return {
    account,
    request,
    requestHash,
    paymentLedger,
    tip,
    run: {
      program: account.id,
      reference: account.program,
      state: account.state,
      input: request.input,
      sequence: account.sequence,
      ...environmentOf(paidIn, requestHash, timeAfter(previous)),
    },
    credits: creditsAfter(previous),
  };
}
