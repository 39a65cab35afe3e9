import { joinContent } from "../client/join-content.ts";
import { isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine, ProgramReference } from "../ports/engine.ts";
import type { GatewayBook } from "../ports/gateway-book.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { withDeadline } from "../utils/abort.ts";
import { retry } from "../utils/retry.ts";
import type { HistoryKeeper } from "./history/keep-history.ts";

const TRY_TIMEOUT_MS = 20_000;
const MAX_DELAY_MS = 10_000;
const HOPELESS = ["PROGRAM_INVALID", "SMART_ACCOUNT_INVALID", "HISTORY_BROKEN"] as const;

export interface WarmUpComponents {
  readonly ledger: Ledger;
  readonly workerApi: WorkerApi;
  readonly node: PeerDialer;
  readonly gateways?: GatewayBook;
  readonly engines: ReadonlyMap<ProgramReference["kind"], Engine>;
  readonly clock: Clock;
  readonly history: Pick<HistoryKeeper, "hold">;
  readonly logger: Logger;
}

/**
 * Gets a program that was just bound to an agreement ready: connects to its other workers, fetches and checks the program, so that the
 * first user does not wait for it, and takes its state and all of its history. Goes on until it worked or `signal` aborts.
 */
export async function warmUp(
  components: WarmUpComponents,
  program: string,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const { ledger, engines, history, clock, logger } = components;
  await retry(
    async () => {
      const deadline = withDeadline(signal, TRY_TIMEOUT_MS);
      const account = await loadSmartAccount(ledger, program, { signal: deadline });
      await joinContent(components, program, { signal: deadline });
      await engines.get(account.program.kind)?.prepare(account.program, { signal: deadline });
      logger.info("program ready", { program });
      // However long that takes: it goes on where it was stopped.
      if (await history.hold(program, { signal })) logger.info("program held", { program });
      else logger.warn("not all of a program's history can be had now", { program });
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
