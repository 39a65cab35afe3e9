import {
  ENTRY_NAMES,
  isRecovered,
  readRecoveredAccount,
  readSmartAccount,
  type SmartAccount,
} from "../domain/program/smart-account.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { findTip, type Tip, type TipMemory } from "../execution/tip.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { findUnrecorded, type UnrecordedTransaction } from "./find-unrecorded.ts";
import { patiently } from "./patient-ledger.ts";

/** What the ledger said when the audit began. */
export interface Look {
  readonly account: SmartAccount;
  readonly tip: Tip;
  readonly network: string;
}

interface LookComponents {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly tips?: TipMemory | undefined;
}

/**
 * The account as it is now, and the end of its history.
 *
 * @throws SprfError `ACCOUNT_NOT_FOUND`, `SMART_ACCOUNT_INVALID`, `HISTORY_UNAVAILABLE`, `LEDGER_UNREACHABLE`
 */
export async function lookAt(
  components: LookComponents,
  program: string,
  signal: AbortSignal,
): Promise<{ readonly account: SmartAccount; readonly tip: Tip | UnrecordedTransaction }> {
  const { ledger, clock } = components;
  return await patiently(
    async () => {
      const account = await accountOf(ledger, program, signal);
      return { account, tip: await tipOf(components, account, signal) };
    },
    { clock, signal },
  );
}

/** The account as it is now; one that its owner recovered has a history, too. */
async function accountOf(ledger: Ledger, program: string, signal: AbortSignal): Promise<SmartAccount> {
  const snapshot = await ledger.account(program, ENTRY_NAMES, { signal });
  if (snapshot === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${program}`);
  return isRecovered(snapshot) ? readRecoveredAccount(snapshot) : readSmartAccount(snapshot);
}

/** The tip; where a transaction without a record stands in the way of it, that one. */
async function tipOf(
  { ledger, tips }: LookComponents,
  account: SmartAccount,
  signal: AbortSignal,
): Promise<Tip | UnrecordedTransaction> {
  try {
    return await findTip(ledger, account, { signal, memory: tips });
  } catch (error) {
    if (signal.aborted || !isSprfError(error)) throw error;
    const unrecorded = await findUnrecorded(ledger, account, { signal });
    if (unrecorded === undefined) throw error;
    return unrecorded;
  }
}
