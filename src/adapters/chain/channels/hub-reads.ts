import { getBytes, hexlify, keccak256 } from "ethers";

import { SprfError } from "../../../errors.ts";
import type { ChannelHub, HubOptions } from "../../../ports/channel-hub.ts";
import { fromHex } from "../../../utils/bytes.ts";
import type { Connection } from "../connection.ts";
import type { IChannelHub } from "../contract-types.ts";
import { isRevert } from "../errors.ts";
import { assetOf, channelOf, headOf, memberOf, proposalOf } from "./values.ts";

type ReadMethods = Pick<
  ChannelHub,
  | "pool"
  | "blockNumber"
  | "channel"
  | "programCode"
  | "label"
  | "head"
  | "members"
  | "member"
  | "inboxHash"
  | "proposal"
  | "asset"
  | "paid"
  | "creditWei"
  | "readStore"
>;

/** What the hub's views say. */
export function createHubReads({ provider, read }: Connection, hub: IChannelHub): ReadMethods {
  async function found<T>(call: () => Promise<T>, unknown: string, options?: HubOptions): Promise<T | undefined> {
    try {
      return await read(call, options);
    } catch (error) {
      if (isRevert(error, unknown)) return undefined;
      throw error;
    }
  }

  return {
    pool: async (options) => (await read(() => hub.pool(), options)).toLowerCase(),
    blockNumber: (options) => read(() => provider.getBlockNumber(), options),
    async channel(channel, options) {
      const view = await found(() => hub.channelOf(channel), "ChannelHub_UnknownChannel", options);
      return view === undefined ? undefined : channelOf(channel, view);
    },
    async programCode({ program, codeHash }, options) {
      const code = await read(() => provider.getCode(program), options);
      if (keccak256(code) !== hexlify(codeHash)) {
        throw new SprfError("CHAIN_REVERTED", `the code of program ${program} is not the one that the hub registered`);
      }
      return getBytes(code);
    },
    label: async (channel, key, options) => fromHex(await read(() => hub.getLabel(channel, hexlify(key)), options)),
    head: async (channel, options) => headOf(await read(() => hub.headOf(channel), options)),
    async members(channel, options) {
      const accounts = await read(() => hub.membersOf(channel), options);
      const members = await Promise.all(
        accounts.map(async (account) => {
          const view = await read(() => hub.memberOf(channel, account), options);
          return memberOf(account, view);
        }),
      );
      return members.filter((one) => one !== undefined);
    },
    async member(channel, account, options) {
      return memberOf(account, await read(() => hub.memberOf(channel, account), options));
    },
    async inboxHash(channel, index, options) {
      const hash = fromHex(await read(() => hub.inboxHash(channel, index), options));
      return hash.every((byte) => byte === 0) ? undefined : hash;
    },
    async proposal(channel, proposal, options) {
      const call = async () => await hub.proposalOf(channel, proposal);
      const view = await found(call, "ChannelHub_UnknownProposal", options);
      return view === undefined ? undefined : proposalOf(proposal, view);
    },
    asset: async (channel, assetKey, options) =>
      assetOf(await read(() => hub.assetOf(channel, hexlify(assetKey)), options)),
    paid: (channel, account, assetKey, options) => read(() => hub.paidTo(channel, account, hexlify(assetKey)), options),
    creditWei: (channel, account, options) => read(() => hub.creditOf(channel, account), options),
    readStore: async ({ store }, data, options) =>
      getBytes(await read(() => provider.call({ to: store, data: hexlify(data) }), options)),
  };
}
