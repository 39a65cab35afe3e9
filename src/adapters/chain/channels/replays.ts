import { concat, hexlify, keccak256 } from "ethers";

import type { ReplayedRecord, SlotValue } from "../../../ports/channel-court.ts";
import type { HubOptions } from "../../../ports/channel-hub.ts";
import type { Connection } from "../connection.ts";
import type { IChannelReplay } from "../contract-types.ts";
import { IChannelCourt__factory, IChannelReplay__factory } from "../factories.ts";
import { slotValueStruct } from "./court-values.ts";
import { proofStruct } from "./values.ts";

/** So far back is looked for slots that are loaded already: hours on a usual chain, within what nodes answer at once. */
const OPENED_BLOCKS = 2_000;
/** Slots that one transaction loads, as the contract has it. */
const PART = 256;

/** Loads what a court's replays need (contracts/interfaces/IChannelReplay.sol), unless it is loaded; resolves with the block. */
export async function openReplay(
  { provider, read, send }: Pick<Connection, "provider" | "read" | "send">,
  court: string,
  { rootBefore, ...replayed }: ReplayedRecord & { readonly rootBefore: Uint8Array },
  options?: HubOptions,
): Promise<number> {
  const address = await read(() => IChannelCourt__factory.connect(court, provider).replay(), options);
  const replay = IChannelReplay__factory.connect(address, provider);
  const { besides } = replayed;
  const root = hexlify(rootBefore);
  const touched = replayed.touched.map(slotValueStruct);
  const besidesHash = hashOf(besides);
  let openedIn = await findOpened();
  if (openedIn === undefined) {
    const { blockNumber } = await send(
      () =>
        replay.openReplay.populateTransaction(
          root,
          touched,
          besides.map(slotValueStruct),
          besides.map(({ proof }) => proofStruct(proof)),
        ),
      options,
    );
    openedIn = blockNumber;
  }
  for (let loaded = PART; loaded < touched.length; loaded += PART) {
    const place = { root, besidesHash, openedIn };
    if ((await read(() => replay.loadedOf(place, hashOf(replayed.touched)), options)) > BigInt(loaded)) continue;
    await send(() => replay.loadMore.populateTransaction(place, touched), options);
  }
  return openedIn;

  async function findOpened(): Promise<number | undefined> {
    const last = await read(() => provider.getBlockNumber(), options);
    const filter: ReturnType<IChannelReplay["filters"]["ReplayOpened"]> = replay.filters.ReplayOpened(
      root,
      hashOf(replayed.touched),
    );
    const events = await read(() => replay.queryFilter(filter, Math.max(0, last - OPENED_BLOCKS), last), options);
    return events.findLast(({ args }) => args.besidesHash === besidesHash)?.blockNumber;
  }
}

function hashOf(set: readonly SlotValue[]): string {
  return keccak256(concat(set.flatMap(({ slot, value }) => [slot, value])));
}
