import { messageOf } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { GatewayBook } from "../ports/gateway-book.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { dialWorker } from "./dial-worker.ts";

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
  },
  program: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { workers } = await loadSmartAccount(components.ledger, program, { signal });
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
