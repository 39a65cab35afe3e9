import type { Liveness } from "../domain/verdict/decide-verdict.ts";
import { SprfError, isSprfError } from "../errors.ts";
import type { Twin } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { AddressReply } from "../wire/address.ts";
import { waitPatiently, type Patience } from "./ask-worker.ts";

/** Asks the holder of a message key where it is, under an agreement; `client/find-address` with its components bound. */
export type FindAddress = (parts: {
  readonly workerKey: Uint8Array;
  readonly agreement: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}) => Promise<Pick<AddressReply, "apiUrl" | "ledgerKey">>;

/**
 * Whether a worker is found over the messenger by its key, and its API answers there.
 *
 * @throws SprfError `OWN_TIME_UP` when there was too little time to find out, and what `signal` aborts with
 */
export async function checkLiveness(
  components: { readonly findAddress: FindAddress; readonly workerApi: WorkerApi; readonly clock: Clock },
  { twin, agreement }: { readonly twin: Twin; readonly agreement: string },
  { patience, signal }: { readonly patience: Patience; readonly signal: AbortSignal },
): Promise<Liveness> {
  const { findAddress, workerApi, clock } = components;
  try {
    await waitPatiently(
      clock,
      async (inner) => {
        const { timeoutMs } = patience;
        const found = await findAddress({ workerKey: twin.messageKey, agreement, signal: inner, timeoutMs });
        if (!equalBytes(found.ledgerKey, twin.ledgerKey)) {
          throw new SprfError("PEER_MISMATCH", "the worker names another ledger key than its twin has");
        }
        await workerApi.health(found.apiUrl, { signal: inner });
      },
      { patience, signal },
    );
    return { live: true };
  } catch (error) {
    if (signal.aborted || isSprfError(error, "OWN_TIME_UP")) throw error;
    return { live: false, code: isSprfError(error) ? error.code : "INTERNAL" };
  }
}
