import { StrKey } from "@stellar/stellar-sdk";

import { SprfError } from "../errors.ts";
import type { Chain } from "../ports/chain.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import { equalBytes } from "../utils/bytes.ts";
import { dialWorker } from "./dial-worker.ts";
import { findAddress, type FindAddressComponents } from "./find-address.ts";

/** A worker of an agreement that was found and whose identity was checked. */
export interface FoundWorker {
  readonly workerId: number;
  readonly twinId: number;
  readonly apiUrl: string;
  /** `G...` */
  readonly ledgerKey: string;
  /** 64 bytes. */
  readonly messageKey: Uint8Array;
  /** The address that was dialled and whose peer proved to be the worker. */
  readonly multiaddr: string;
}

export interface FindWorkersComponents extends FindAddressComponents {
  readonly chain: Chain;
  readonly dialer: PeerDialer;
}

/**
 * Finds all workers of an agreement from their public keys alone, and connects to each.
 *
 * @throws SprfError `ADDRESS_NOT_FOUND`, `PEER_MISMATCH`, `PEER_UNREACHABLE`, `INVALID_INPUT` for an unknown agreement
 */
export async function findWorkers(
  components: FindWorkersComponents,
  agreementAddress: string,
  { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<readonly FoundWorker[]> {
  const { chain } = components;
  const agreement = await chain.agreement(agreementAddress, { signal });
  if (agreement === undefined) {
    throw new SprfError("INVALID_INPUT", `${agreementAddress} is no agreement of this market`);
  }
  return await Promise.all(
    agreement.workerTwinIds.map(async (twinId, index) => {
      const twin = await chain.twin(twinId, { signal });
      const reply = await findAddress(components, {
        workerKey: twin.messageKey,
        agreement: agreementAddress,
        signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      if (!equalBytes(reply.ledgerKey, twin.ledgerKey)) {
        throw new SprfError("PEER_MISMATCH", `twin ${twinId} names another ledger key than the chain`);
      }
      const multiaddr = await dialWorker(
        components.dialer,
        { workerKey: twin.messageKey, multiaddrs: reply.multiaddrs },
        { signal },
      );
      return {
        workerId: agreement.workerIds[index] ?? 0,
        twinId,
        apiUrl: reply.apiUrl,
        ledgerKey: StrKey.encodeEd25519PublicKey(reply.ledgerKey),
        messageKey: twin.messageKey,
        multiaddr,
      };
    }),
  );
}
