import { SprfError, isSprfError } from "../errors.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import { throwIfAborted } from "../utils/abort.ts";

/**
 * Connects to a worker at one of the addresses it gave, tried in turn, and makes sure that it is the worker who answers.
 *
 * @returns the address that works
 * @throws SprfError `PEER_MISMATCH` when somebody else answers at an address and the worker at none, else `PEER_UNREACHABLE`
 */
export async function dialWorker(
  dialer: PeerDialer,
  { workerKey, multiaddrs }: { readonly workerKey: Uint8Array; readonly multiaddrs: readonly string[] },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string> {
  let worst: SprfError | undefined;
  for (const address of multiaddrs) {
    throwIfAborted(signal);
    try {
      await dialer.dialVerified(address, workerKey, { signal });
      return address;
    } catch (error) {
      throwIfAborted(signal);
      if (!isSprfError(error)) throw error;
      if (worst === undefined || error.code === "PEER_MISMATCH") worst = error;
    }
  }
  throw worst ?? new SprfError("PEER_UNREACHABLE", "the worker gave no address");
}
