import type { Keypair } from "@stellar/stellar-sdk";

import type { TipMemory } from "../../execution/tip.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Logger } from "../../ports/logger.ts";
import type { WorkerApi } from "../../ports/worker-api.ts";
import type { Attempts } from "../executions/attempts.ts";
import type { UsedPayments } from "../executions/used-payments.ts";
import type { OwnBatches } from "./own-batches.ts";
import type { PendingInputs } from "./pending-inputs.ts";
import type { SetAside } from "./set-aside.ts";
import type { SharedRuns } from "./shared-runs.ts";
import type { Turns } from "./turns.ts";

/** How patient the workers of a program are with each other. All of them should be the same. */
export interface BatchTiming {
  /** How long each worker has its turn in the first rotation. */
  readonly proposerTimeoutMs: number;
  /** A request that a worker has had for so long must not be passed over any more. */
  readonly fairAfterMs: number;
  /** A batch ends after the input whose run went beyond it. */
  readonly budgetMs: number;
  /** Between two looks at the ledger. */
  readonly pollMs: number;
  /** Nothing must have waited for so long before users are paid back. */
  readonly refundAfterMs: number;
}

export const DEFAULT_BATCH_TIMING: BatchTiming = {
  proposerTimeoutMs: 15_000,
  fairAfterMs: 3_000,
  budgetMs: 5_000,
  pollMs: 500,
  refundAfterMs: 5_000,
};

/** What the steps of a batch share. */
export interface BatchComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly tips?: TipMemory;
  readonly workerApi: Pick<WorkerApi, "endorse">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: { readonly ledgerKey: Keypair; readonly messagePrivateKey: Uint8Array };
  readonly attempts: Attempts;
  readonly usedPayments: UsedPayments;
  readonly pending: PendingInputs;
  readonly ownBatches: OwnBatches;
  readonly runs: SharedRuns;
  readonly setAside: SetAside;
  readonly turns: Turns;
  readonly timing: BatchTiming;
  /** Whether an agreement that runs binds this worker to the smart account. */
  serves(program: string): Promise<boolean>;
}
