import { StrKey } from "@stellar/stellar-sdk";

import { createSeenIds, type SeenIds } from "../domain/seen-ids.ts";
import { SprfError } from "../errors.ts";
import type { Chain } from "../ports/chain.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import type { AddressReply } from "../wire/address.ts";
import { dialWorker } from "./dial-worker.ts";
import { findAddress, type FindAddressComponents, type FindAddressOptions } from "./find-address.ts";

/** How long an address is used without asking again. */
const ADDRESS_TTL_MS = 60_000;
const MAX_ADDRESSES = 1_024;

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
  /** What workers said lately. */
  readonly addresses: Addresses;
}

export type Addresses = SeenIds<AddressReply>;

export function createAddresses(): Addresses {
  return createSeenIds({ capacity: MAX_ADDRESSES });
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
  const found = await Promise.allSettled(
    agreement.workerTwinIds.map(async (twinId, index) => {
      const twin = await chain.twin(twinId, { signal });
      const { reply, multiaddr } = await locate(components, {
        workerKey: twin.messageKey,
        agreement: agreementAddress,
        signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      if (!equalBytes(reply.ledgerKey, twin.ledgerKey)) {
        throw new SprfError("PEER_MISMATCH", `twin ${twinId} names another ledger key than the chain`);
      }
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
  // All were waited for, so that those who call again ask only for the workers that are missing.
  return found.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}

/** Where a worker said it is, and the address among those that works; it is asked when it said so too long ago, or has moved. */
async function locate(
  components: FindWorkersComponents,
  wanted: FindAddressOptions,
): Promise<{ readonly reply: AddressReply; readonly multiaddr: string }> {
  const { addresses, clock, dialer } = components;
  const { workerKey, signal } = wanted;
  const connect = async (reply: AddressReply): Promise<{ reply: AddressReply; multiaddr: string }> => ({
    reply,
    multiaddr: await dialWorker(dialer, { workerKey, multiaddrs: reply.multiaddrs }, { signal }),
  });
  const key = `${wanted.agreement}/${toHex(workerKey)}`;
  const known = addresses.get(key, clock.now());
  if (known !== undefined) {
    try {
      return await connect(known);
    } catch {
      throwIfAborted(signal);
      addresses.delete(key);
    }
  }
  const reply = await findAddress(components, wanted);
  addresses.set(key, reply, clock.now() + ADDRESS_TTL_MS, clock.now());
  return await connect(reply);
}
