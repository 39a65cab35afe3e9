import { concat, hexlify, keccak256 } from "ethers";

import type { ChannelCourt, ReplayedRecord, SlotValue } from "../../../ports/channel-court.ts";
import type { HubOptions } from "../../../ports/channel-hub.ts";
import type { Connection } from "../connection.ts";
import type { IChannelReplay } from "../contract-types.ts";
import { IChannelCourt__factory, IChannelReplay__factory } from "../factories.ts";
import { accusationOf } from "./accusation.ts";
import { slotValueStruct } from "./court-values.ts";
import { proofStruct } from "./values.ts";

/** So far back is looked for slots that are loaded already: hours on a usual chain, within what nodes answer at once. */
const OPENED_BLOCKS = 2_000;

/** The channels' court (contracts/interfaces/IChannelCourt.sol), with what runs records again for it. */
export function createChannelCourt({ provider, read, send }: Connection, address: string): ChannelCourt {
  const court = IChannelCourt__factory.connect(address, provider);

  async function findOpened(
    replay: IChannelReplay,
    root: string,
    { touched, besides }: ReplayedRecord,
    options?: HubOptions,
  ): Promise<number | undefined> {
    const last = await read(() => provider.getBlockNumber(), options);
    const filter = replay.filters.ReplayOpened(root, hashOf(touched));
    const events = await read(() => replay.queryFilter(filter, Math.max(0, last - OPENED_BLOCKS), last), options);
    const besidesHash = hashOf(besides);
    return events.findLast(({ args }) => args.besidesHash === besidesHash)?.blockNumber;
  }

  return {
    address: address.toLowerCase(),
    async commit(commitment, options) {
      await send(() => court.commit.populateTransaction(hexlify(commitment)), options);
    },
    async openReplay(rootBefore, replayed, options) {
      const replay = IChannelReplay__factory.connect(await read(() => court.replay(), options), provider);
      const { touched, besides, slotProofs } = replayed;
      const root = hexlify(rootBefore);
      const opened = await findOpened(replay, root, replayed, options);
      if (opened !== undefined) return opened;
      const { blockNumber } = await send(
        () =>
          replay.openReplay.populateTransaction(
            root,
            touched.map(slotValueStruct),
            besides.map(slotValueStruct),
            slotProofs.map(proofStruct),
          ),
        options,
      );
      return blockNumber;
    },
    async accuse(evidence, salt, options) {
      await send(() => accusationOf(court, evidence, hexlify(salt)), options);
    },
  };
}

function hashOf(set: readonly SlotValue[]): string {
  return keccak256(concat(set.flatMap(({ slot, value }) => [slot, value])));
}
