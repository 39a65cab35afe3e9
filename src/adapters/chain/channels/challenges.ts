import { hexlify } from "ethers";

import type { ChannelChallenges, DataRange } from "../../../ports/channel-challenges.ts";
import type { Connection } from "../connection.ts";
import type { IChannelHub } from "../contract-types.ts";
import { requiredEventOf } from "../values.ts";
import { dataKindNumber, demandOf, freezeOf, hubProofCall, recordStruct } from "./challenge-values.ts";
import { entryStruct, headerStruct } from "./court-values.ts";
import { changeStruct, settlementStruct } from "./values.ts";

/** What the hub asks for an item that is demanded, in gas, and how it is priced (contracts/libraries/ChannelDemands.sol). */
const ITEM_GAS = 1_600_000n;
const FEE_FACTOR = 2n;
const LEAST_FEE_WEI = 10n ** 9n;
/** The next blocks' fees may be higher. */
const FEE_MARGIN = 2n;

/** The second half of the hub (contracts/interfaces/IChannelChallenges.sol). */
export function createChallenges(connection: Connection, hub: IChannelHub, address: string): ChannelChallenges {
  const { provider, read, send } = connection;

  async function itemBondWei(signal: AbortSignal | undefined): Promise<bigint> {
    const block = await read(() => provider.getBlock("latest"), { signal });
    const baseFee = block?.baseFeePerGas ?? 0n;
    const feeWei = FEE_MARGIN * (baseFee > LEAST_FEE_WEI ? baseFee : LEAST_FEE_WEI);
    return ITEM_GAS * FEE_FACTOR * feeWei;
  }

  /** As many items as may be paid for. */
  function affordable({ first, last }: DataRange, eachWei: bigint, mostWei: bigint | undefined): number {
    if (mostWei === undefined || BigInt(last - first + 1) * eachWei <= mostWei) return last;
    return first + Math.max(0, Number(mostWei / eachWei) - 1);
  }

  return {
    async proveHub(channel, proposal, proof, options) {
      await send(() => hubProofCall(hub, channel, proposal, proof), options);
    },
    async demandData(channel, proposal, range, options) {
      const eachWei = await itemBondWei(options?.signal);
      const { first } = range;
      const last = affordable(range, eachWei, options?.mostWei);
      const value = BigInt(last - first + 1) * eachWei;
      await send(
        () => hub.demandData.populateTransaction(channel, proposal, dataKindNumber(range.kind), first, last, { value }),
        options,
      );
    },
    async answerRecords(channel, proposal, member, records, options) {
      await send(
        () => hub.answerRecords.populateTransaction(channel, proposal, member, records.map(recordStruct)),
        options,
      );
    },
    async answerChanges(channel, proposal, member, { chunkHashes, changes }, options) {
      const hashes = chunkHashes.map((hash) => hexlify(hash));
      await send(
        () => hub.answerChanges.populateTransaction(channel, proposal, member, hashes, changes.map(changeStruct)),
        options,
      );
    },
    async resolveDemand(channel, proposal, member, options) {
      await send(() => hub.resolveDemand.populateTransaction(channel, proposal, member), options);
    },
    async freeze(channel, entry, options) {
      await send(() => hub.freeze.populateTransaction(channel, entryStruct(entry)), options);
    },
    async bring({ settlement, header, acks, changes }, options) {
      const signed = acks.map((ack) => ({ ...ack, signature: hexlify(ack.signature) }));
      const receipt = await send(
        () =>
          hub.bring.populateTransaction(
            settlementStruct(settlement),
            headerStruct(header),
            signed,
            changes.map(changeStruct),
          ),
        options,
      );
      const source = { address, interface: hub.interface };
      return requiredEventOf(receipt, source, "SettlementBrought")["proposal"] as bigint;
    },
    async conclude(channel, options) {
      await send(() => hub.conclude.populateTransaction(channel), options);
    },
    async reclaim(channel, entry, options) {
      await send(() => hub.reclaim.populateTransaction(channel, entryStruct(entry)), options);
    },
    demandOf: async (channel, proposal, account, options) =>
      demandOf(await read(() => hub.demandOf(channel, proposal, account), options)),
    freezeOf: async (channel, options) => freezeOf(await read(() => hub.freezeOf(channel), options)),
  };
}
