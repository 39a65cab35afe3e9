import { getAddress } from "ethers";

import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { AddressRequest } from "../../wire/address.ts";

/** Epochs whose panels are looked at, counted back from the running one; earlier ones are final. */
const PANELS_LOOKED_AT = 4;

/**
 * Whether who sent the request may know where the worker is: the agreement was made by the market, is bought and not over, names
 * this worker, and the sender's message key is its client's or that of a tester drawn for the running epoch. Testers of a panel may
 * know it, too, as long as they judge, after the end as well.
 */
export async function authoriseAddressRequest(
  chain: Chain,
  workerId: number,
  request: Pick<AddressRequest, "agreement" | "from">,
  options: ChainOptions = {},
): Promise<boolean> {
  const [agreement, block, sender] = await Promise.all([
    chain.agreement(getAddress(`0x${toHex(request.agreement)}`), options),
    chain.blockNumber(options),
    chain.twinOfKey(request.from, options),
  ]);
  if (agreement === undefined || !agreement.workerIds.includes(workerId)) return false;
  // A key that was rotated away may be in other hands by now.
  if (sender === undefined || !equalBytes(sender.messageKey, request.from)) return false;
  if (block < agreement.endBlock && sender.account === agreement.client) return true;
  const epoch = epochAt(agreement, block);
  if (epoch !== undefined) {
    const seats = await chain.seatsOf(agreement.address, epoch, options);
    if (seats.some(({ tester }) => tester === sender.account)) return true;
  }
  return await judges(chain, agreement, sender.account, { ...options, block });
}

/** Whether the account is on a panel that sits now. */
async function judges(
  chain: Chain,
  { address, startBlock, epochLengthBlocks, epochCount }: Agreement,
  account: string,
  { block, ...options }: ChainOptions & { readonly block: number },
): Promise<boolean> {
  const running = Math.floor((block - startBlock) / epochLengthBlocks);
  for (
    let epoch = Math.min(running, epochCount) - 1, looks = 0;
    epoch >= 0 && looks < PANELS_LOOKED_AT;
    epoch--, looks++
  ) {
    const { commitFrom, revealTo } = await chain.panelWindowsOf(address, epoch, options);
    if (block > revealTo) return false;
    if (block < commitFrom) continue;
    const panel = await chain.panelOf(address, epoch, options);
    if (panel.some(({ tester }) => tester === account)) return true;
  }
  return false;
}

/** The epoch that a block of work belongs to; undefined before and after the work. */
export function epochAt(agreement: Agreement, block: number): number | undefined {
  if (block < agreement.startBlock || block >= agreement.endBlock) return undefined;
  return Math.floor((block - agreement.startBlock) / agreement.epochLengthBlocks);
}
