import { changeProgram } from "../../../src/client/change-program.ts";
import type { LandComponents } from "../../../src/client/land-proposal.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { AccountChange } from "../../../src/domain/program/change-transaction.ts";
import type { SmartAccount, SmartAccountWorker } from "../../../src/domain/program/smart-account.ts";
import { isSprfError } from "../../../src/errors.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import type { PlannedChange } from "./plan.ts";

const PAUSE_MS = 3_000;

/** Whoever may change a program, with a machine that is never killed: what is not done yet can be seen on the ledger. */
export interface SimulatedOwnerInit {
  readonly program: string;
  readonly wallet: Wallet;
  readonly changes: readonly PlannedChange[];
  readonly spare: SmartAccountWorker;
  readonly components: LandComponents;
  readonly note: (what: string) => void;
}

/** Makes the planned changes, each tried until it is on the ledger. Resolves with how many. */
export async function simulateOwner(init: SimulatedOwnerInit): Promise<number> {
  const { clock } = init.components;
  for (const planned of init.changes) {
    await clock.sleep(planned.atMs);
    while (!(await tryChange(init, planned))) await clock.sleep(PAUSE_MS);
  }
  return init.changes.length;
}

async function tryChange(init: SimulatedOwnerInit, { change }: PlannedChange): Promise<boolean> {
  const { components, program, wallet, note } = init;
  try {
    const account = await loadSmartAccount(components.ledger, program);
    const wanted = changeOf(account, change, init.spare);
    if (wanted === undefined) return true;
    const { transactionHash } = await changeProgram(components, { program, change: wanted, wallet });
    note(`changed ${wanted.kind} by ${transactionHash.slice(0, 8)}`);
    return true;
  } catch (error) {
    // An owner must never see anything else.
    if (!isSprfError(error) || error.code === "INTERNAL") throw error;
    note(`could not change ${change.kind} yet: ${error.code}`);
    return false;
  }
}

/** What is left to do; undefined when it is done. */
function changeOf(
  { workers, baseFeeStroops, gasPriceStroops }: SmartAccount,
  change: PlannedChange["change"],
  spare: SmartAccountWorker,
): AccountChange | undefined {
  if (change.kind === "price") {
    const { kind: _price, ...terms } = change;
    if (baseFeeStroops === terms.baseFeeStroops && gasPriceStroops === terms.gasPriceStroops) return undefined;
    return { kind: "terms", terms };
  }
  if (workers.some(({ ledgerKey }) => ledgerKey === spare.ledgerKey)) return undefined;
  return { kind: "workers", workers: workers.map((worker, i) => (i === change.index ? spare : worker)) };
}
