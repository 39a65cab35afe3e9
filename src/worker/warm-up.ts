import { joinContent } from "../client/join-content.ts";
import { isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { readRecord } from "../execution/read-record.ts";
import { findTip, type TipMemory } from "../execution/tip.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Engine, ProgramReference } from "../ports/engine.ts";
import type { GatewayBook } from "../ports/gateway-book.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { withDeadline } from "../utils/abort.ts";
import { retry } from "../utils/retry.ts";
import { historyOf, statesOf } from "./history/holders.ts";

const TRY_TIMEOUT_MS = 20_000;
const MAX_DELAY_MS = 10_000;
const HOPELESS = ["PROGRAM_INVALID", "SMART_ACCOUNT_INVALID", "HISTORY_BROKEN"] as const;

export interface WarmUpComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly workerApi: WorkerApi;
  readonly node: PeerDialer;
  readonly gateways?: GatewayBook;
  readonly engines: ReadonlyMap<ProgramReference["kind"], Engine>;
  readonly clock: Clock;
  readonly tips?: TipMemory | undefined;
  readonly logger: Logger;
}

/**
 * Gets a program that was just bound to an agreement ready: connects to its other workers, pins its last record and its state,
 * fetches and checks the program, so that the first user does not wait for it. Goes on until it worked or `signal` aborts.
 */
export async function warmUp(
  components: WarmUpComponents,
  program: string,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const { ledger, content, engines, clock, logger } = components;
  await retry(
    async () => {
      const deadline = withDeadline(signal, TRY_TIMEOUT_MS);
      const account = await loadSmartAccount(ledger, program, { signal: deadline });
      await joinContent(components, program, { signal: deadline });
      const tip = await findTip(ledger, account, { signal: deadline, memory: components.tips });
      await readRecord(content, tip.recordCid, { signal: deadline });
      await content.pin(tip.recordCid, { holder: historyOf(program), signal: deadline });
      await content.pin(account.state, { holder: statesOf(program), signal: deadline });
      await engines.get(account.program.kind)?.prepare(account.program, { signal: deadline });
      logger.info("program ready", { program });
    },
    {
      clock,
      signal,
      maxDelayMs: MAX_DELAY_MS,
      retriable: (error) => {
        logger.debug("program not ready yet", { program, error: String(error) });
        return !HOPELESS.some((code) => isSprfError(error, code));
      },
    },
  );
}
