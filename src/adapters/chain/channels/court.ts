import { hexlify } from "ethers";

import type { ChannelCourt } from "../../../ports/channel-court.ts";
import type { Connection } from "../connection.ts";
import { IChannelCourt__factory } from "../factories.ts";
import { accusationOf } from "./accusation.ts";
import { openReplay } from "./replays.ts";

/** The channels' court (contracts/interfaces/IChannelCourt.sol), with what runs records again for it. */
export function createChannelCourt({ provider, read, send }: Connection, address: string): ChannelCourt {
  const court = IChannelCourt__factory.connect(address, provider);
  return {
    address: address.toLowerCase(),
    async commit(commitment, options) {
      await send(() => court.commit.populateTransaction(hexlify(commitment)), options);
    },
    openReplay: async (rootBefore, replayed, options) =>
      await openReplay({ provider, read, send }, address, { ...replayed, rootBefore }, options),
    async accuse(evidence, salt, options) {
      await send(() => accusationOf(court, evidence, hexlify(salt)), options);
    },
  };
}
