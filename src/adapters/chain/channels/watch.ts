import { hexlify, ZeroAddress, ZeroHash } from "ethers";

import type { ProofDesk } from "../../../ports/channel-challenges.ts";
import type { Evidence } from "../../../ports/channel-court.ts";
import type { HubOptions } from "../../../ports/channel-hub.ts";
import type { ChannelWatch } from "../../../ports/channel-watch.ts";
import type { Connection } from "../connection.ts";
import { IChannelCourt__factory, IChannelHub__factory, IChannelWatch__factory } from "../factories.ts";
import { accusationOf } from "./accusation.ts";
import { hubProofCall } from "./challenge-values.ts";
import { entryStruct } from "./court-values.ts";
import { openReplay } from "./replays.ts";

/** Nobody is rewarded for it: the fund pays. */
const NO_SALT = ZeroHash;

/** Who pays watchers (contracts/interfaces/IChannelWatch.sol). */
export function createChannelWatch({ provider, read, send, wallet }: Connection, address: string): ChannelWatch {
  const watch = IChannelWatch__factory.connect(address, provider);
  const hub = IChannelHub__factory.connect(ZeroAddress, provider);
  const court = IChannelCourt__factory.connect(ZeroAddress, provider);

  /** What loads a replay's slots is not paid for. */
  async function opened(evidence: Evidence, options?: HubOptions): Promise<Evidence> {
    if (evidence.fault !== "falseResult" || evidence.openedIn !== undefined) return evidence;
    const hubAddress = await read(() => watch.hub(), options);
    const courtAddress = await read(() => IChannelHub__factory.connect(hubAddress, provider).court(), options);
    const replayed = { ...evidence, rootBefore: evidence.before.stateRoot };
    return { ...evidence, openedIn: await openReplay({ provider, read, send }, courtAddress, replayed, options) };
  }

  const desk: ProofDesk = {
    async prove(channel, proposal, proof, options) {
      const call =
        proof.kind === "record"
          ? await accusationOf(court, await opened(proof.evidence, options), NO_SALT)
          : await hubProofCall(hub, channel, proposal, proof);
      await send(() => watch.prove.populateTransaction(channel, proposal, call.data), options);
    },
    async freeze(channel, entry, options) {
      const call = hub.interface.encodeFunctionData("freeze", [channel, entryStruct(entry)]);
      await send(() => watch.end.populateTransaction(channel, call), options);
    },
    async conclude(channel, options) {
      const call = hub.interface.encodeFunctionData("conclude", [channel]);
      await send(() => watch.end.populateTransaction(channel, call), options);
    },
  };

  return {
    ...desk,
    address: address.toLowerCase(),
    async convict(channel, member, evidence, options) {
      const { data } = await accusationOf(court, await opened(evidence, options), NO_SALT);
      await send(() => watch.convict.populateTransaction(channel, member, data), options);
    },
    fundWei: (channel, options) => read(() => watch.fundOf(channel), options),
    async give(channel, amountWei, options) {
      await send(() => watch.fund.populateTransaction(channel, { value: amountWei }), options);
    },
    async takeBack(channel, options) {
      await send(() => watch.takeBack.populateTransaction(channel, wallet.address), options);
    },
    async appoint(channel, signer, options) {
      const named = signer === undefined ? ZeroAddress : hexlify(signer);
      await send(() => watch.appoint.populateTransaction(channel, named), options);
    },
    watchers: async (channel, options) =>
      (await read(() => watch.watchersOf(channel), options)).map((signer) => signer.toLowerCase()),
    creditWei: (options) => read(() => watch.creditOf(wallet.address), options),
    async withdraw(options) {
      await send(() => watch.withdraw.populateTransaction(wallet.address), options);
    },
  };
}
