import { epochAt } from "../../domain/agreement/epoch.ts";
import type { Agreement, Chain } from "../../ports/chain.ts";
import { toHex } from "../../utils/bytes.ts";
import type { AddressRequest } from "../../wire/address.ts";

/**
 * Whether the sender of an address request may know where this worker is: the agreement is one of the market, has not ended,
 * names this worker, and the sender is its client or a tester drawn for the running epoch.
 */
export async function authoriseAddress(
  chain: Chain,
  workerId: number,
  request: AddressRequest,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const address = `0x${toHex(request.agreement)}`;
  const [agreement, sender, block] = await Promise.all([
    chain.agreement(address, { signal }),
    chain.twinOfKey(request.from, { signal }),
    chain.blockNumber({ signal }),
  ]);
  if (agreement === undefined || sender === undefined) return false;
  if (!agreement.workerIds.includes(workerId) || block >= agreement.endBlock) return false;
  if (sender.account === agreement.client) return true;
  return (await drawnTesters(chain, agreement, block, signal)).includes(sender.account);
}

async function drawnTesters(
  chain: Chain,
  agreement: Agreement,
  block: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const epoch = epochAt(agreement, await chain.windowsOf(agreement.address, 0, { signal }), block);
  if (epoch === undefined) return [];
  const seats = await chain.seatsOf(agreement.address, epoch, { signal });
  return seats.map(({ tester }) => tester);
}
