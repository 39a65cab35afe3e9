import { messageOf } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { Clock } from "../ports/clock.ts";
import type { GatewayBook } from "../ports/gateway-book.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { dialWorker } from "./dial-worker.ts";
import { createPatientLedger } from "./patient-ledger.ts";

/** How long an outage of the ledger is waited out. */
const PATIENCE_MS = 30_000;

/**
 * Connects to the workers that a smart account names, as far as they can be reached, so that content flows between them and us.
 * What flows is checked against its CID, so who they are does not matter here.
 */
export async function joinContent(
  components: {
    readonly ledger: Ledger;
    readonly workerApi: WorkerApi;
    readonly node: PeerDialer;
    /** Learns the workers' gateways. */
    readonly gateways?: GatewayBook;
    readonly logger: Logger;
    readonly clock: Clock;
  },
  program: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { clock } = components;
  const ledger = createPatientLedger(components.ledger, { clock, untilMs: clock.now() + PATIENCE_MS });
  const { workers } = await loadSmartAccount(ledger, program, { signal });
  components.gateways?.add(workers.map(({ address }) => address));
  await Promise.all(
    workers.map(async ({ address }) => {
      try {
        const { messageKey, multiaddrs } = await components.workerApi.describe(address, { signal });
        await dialWorker(components.node, { workerKey: messageKey, multiaddrs }, { signal });
      } catch (error) {
        components.logger.debug("a worker's content cannot be reached", { address, reason: messageOf(error) });
      }
    }),
  );
}
