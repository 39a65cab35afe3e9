import { getAddress } from "ethers";

import { createSeenIds } from "../../domain/seen-ids.ts";
import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { AddressRequest } from "../../wire/address.ts";

/** Epochs whose panels are looked at, counted back from the running one; earlier ones are final. */
const PANELS_LOOKED_AT = 4;

/** How long who was allowed stays so without a look at the chain, so that many questions at once are one look. */
const ALLOWED_MS = 15_000;
const MAX_ALLOWED = 1_024;

type AddressQuestion = Pick<AddressRequest, "agreement" | "from">;

export interface AuthoriserInit {
  readonly chain: Chain;
  readonly workerId: number;
  readonly clock: Clock;
  /** The latest block that is known without asking. */
  readonly latestBlock: () => number;
}

/** Decides who may know where the worker is, and remembers it for a while; who was refused may be right a moment later. */
export function createAuthoriser({
  chain,
  workerId,
  clock,
  latestBlock,
}: AuthoriserInit): (request: AddressQuestion, options?: ChainOptions) => Promise<boolean> {
  const allowed = createSeenIds<{ readonly untilBlock: number }>({ capacity: MAX_ALLOWED });
  return async (request, options) => {
    const key = `${toHex(request.agreement)}/${toHex(request.from)}`;
    const known = allowed.get(key, clock.now());
    if (known !== undefined && latestBlock() < known.untilBlock) return true;
    const untilBlock = await allowedUntil(chain, workerId, request, options);
    if (untilBlock === undefined) return false;
    allowed.set(key, { untilBlock }, clock.now() + ALLOWED_MS, clock.now());
    return true;
  };
}

/**
 * The block in which who sent the request may no longer know where the worker is; undefined when it may not now. It may when the
 * agreement was made by the market, is bought and not over, names this worker, and the sender's message key is its client's or that
 * of a tester drawn for the running epoch. Testers of a panel may, too, as long as they judge, after the end as well.
 */
async function allowedUntil(
  chain: Chain,
  workerId: number,
  request: AddressQuestion,
  options: ChainOptions = {},
): Promise<number | undefined> {
  const [agreement, block, sender] = await Promise.all([
    chain.agreement(getAddress(`0x${toHex(request.agreement)}`), options),
    chain.blockNumber(options),
    chain.twinOfKey(request.from, options),
  ]);
  if (agreement === undefined || !agreement.workerIds.includes(workerId)) return undefined;
  // A key that was rotated away may be in other hands by now.
  if (sender === undefined || !equalBytes(sender.messageKey, request.from)) return undefined;
  if (block < agreement.endBlock && sender.account === agreement.client) return agreement.endBlock;
  const epoch = epochAt(agreement, block);
  if (epoch !== undefined) {
    const seats = await chain.seatsOf(agreement.address, epoch, options);
    const isDrawn = seats.some(({ tester }) => tester === sender.account);
    if (isDrawn) return agreement.startBlock + (epoch + 1) * agreement.epochLengthBlocks;
  }
  return await judgesUntil(chain, agreement, sender.account, { ...options, block });
}

/** The end of the panel that sits now and has this account on it. */
async function judgesUntil(
  chain: Chain,
  { address, startBlock, epochLengthBlocks, epochCount }: Agreement,
  account: string,
  { block, ...options }: ChainOptions & { readonly block: number },
): Promise<number | undefined> {
  const running = Math.floor((block - startBlock) / epochLengthBlocks);
  for (
    let epoch = Math.min(running, epochCount) - 1, looks = 0;
    epoch >= 0 && looks < PANELS_LOOKED_AT;
    epoch--, looks++
  ) {
    const { commitFrom, revealTo } = await chain.panelWindowsOf(address, epoch, options);
    if (block > revealTo) return undefined;
    if (block < commitFrom) continue;
    const panel = await chain.panelOf(address, epoch, options);
    if (panel.some(({ tester }) => tester === account)) return revealTo + 1;
  }
  return undefined;
}

/** The epoch that a block of work belongs to; undefined before and after the work. */
export function epochAt(agreement: Agreement, block: number): number | undefined {
  if (block < agreement.startBlock || block >= agreement.endBlock) return undefined;
  return Math.floor((block - agreement.startBlock) / agreement.epochLengthBlocks);
}
