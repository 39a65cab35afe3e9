import { getAddress } from "ethers";

import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { AddressRequest } from "../../wire/address.ts";

/**
 * Whether who sent the request may know where the worker is: the agreement was made by the market, is bought and not over, names
 * this worker, and the sender's message key is its client's or that of a tester drawn for the running epoch.
 */
export async function authoriseAddressRequest(
  chain: Chain,
  workerId: number,
  request: Pick<AddressRequest, "agreement" | "from">,
  options: ChainOptions = {},
): Promise<boolean> {
  const agreement = await chain.agreement(getAddress(`0x${toHex(request.agreement)}`), options);
  if (agreement === undefined || !agreement.workerIds.includes(workerId)) return false;
  const block = await chain.blockNumber(options);
  if (block >= agreement.endBlock) return false;
  const sender = await chain.twinOfKey(request.from, options);
  // A key that was rotated away may be in other hands by now.
  if (sender === undefined || !equalBytes(sender.messageKey, request.from)) return false;
  if (sender.account === agreement.client) return true;
  const epoch = epochAt(agreement, block);
  if (epoch === undefined) return false;
  const seats = await chain.seatsOf(agreement.address, epoch, options);
  return seats.some(({ tester }) => tester === sender.account);
}

/** The epoch that a block of work belongs to; undefined before and after the work. */
export function epochAt(agreement: Agreement, block: number): number | undefined {
  if (block < agreement.startBlock || block >= agreement.endBlock) return undefined;
  return Math.floor((block - agreement.startBlock) / agreement.epochLengthBlocks);
}
