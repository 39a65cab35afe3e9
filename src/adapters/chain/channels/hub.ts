import { hexlify, ZeroAddress, type TransactionReceipt } from "ethers";

import type { ChannelHub, HubOptions } from "../../../ports/channel-hub.ts";
import { fromHex } from "../../../utils/bytes.ts";
import { encodeAbi } from "../../../wire/channel/abi.ts";
import { channelDomain } from "../../../wire/channel/domain.ts";
import { joinConsentDigest } from "../../../wire/channel/consent.ts";
import { CHUNK_CHANGES, chunksOf, hashChunk, SETTLEMENT_MODES, type Change } from "../../../wire/channel/settlement.ts";
import type { Connection } from "../connection.ts";
import { IChannelHub__factory } from "../factories.ts";
import { eventOf, requiredEventOf } from "../values.ts";
import { createChallenges } from "./challenges.ts";
import { createHubEvents } from "./events.ts";
import { createHubReads } from "./hub-reads.ts";
import {
  callStruct,
  changeStruct,
  proofStruct,
  PUNISHMENT_TYPE,
  punishmentStruct,
  SETTLEMENT_TYPE,
  settlementStruct,
  voteStruct,
} from "./values.ts";

/** As many slots as are surely paid by a transaction's gas (EIP-7825) when all are new: 24,000 each, and votes and leaves beside them. */
const MAX_CHUNKS = 2;
const MAX_CHANGES = MAX_CHUNKS * CHUNK_CHANGES;
/** The hub's numbers of what is proposed. */
const PROPOSAL_TYPES = { settlement: 1, punishment: 2 } as const;

/** The channels' contract (contracts/interfaces/IChannelHub.sol). */
export function createChannelHub(connection: Connection, address: string): ChannelHub {
  const hub = IChannelHub__factory.connect(address, connection.provider);
  const source = { address, interface: hub.interface };
  const { send, wallet, chainId } = connection;
  const reads = createHubReads(connection, hub);

  async function propose(
    channel: bigint,
    type: keyof typeof PROPOSAL_TYPES,
    data: Uint8Array,
    options?: HubOptions,
  ): Promise<bigint> {
    const receipt = await send(
      () => hub.createProposal.populateTransaction(channel, PROPOSAL_TYPES[type], hexlify(data)),
      options,
    );
    return requiredEventOf(receipt, source, "ProposalCreated")["proposal"] as bigint;
  }

  async function execute(
    channel: bigint,
    proposal: bigint,
    changes: readonly Change[],
    options?: HubOptions,
  ): Promise<void> {
    const structs = changes.map(changeStruct);
    await send(() => hub.executeProposal.populateTransaction(channel, proposal, structs), options);
  }

  /** Goes on where an earlier call ended, and then with what somebody may have left out before. */
  async function applyByParts(
    channel: bigint,
    proposal: bigint,
    changes: readonly Change[],
    options?: HubOptions,
  ): Promise<void> {
    const hashes = chunksOf(changes).map((chunk) => hexlify(hashChunk(chunk)));
    const isFinal = async (): Promise<boolean> => (await reads.proposal(channel, proposal, options))?.state === "final";
    const begin = (await reads.proposal(channel, proposal, options))?.chunksApplied ?? 0;
    for (const first of [...partsOf(begin, hashes.length), ...partsOf(0, begin)]) {
      if (await isFinal()) return;
      const start = first * CHUNK_CHANGES;
      const part = changes.slice(start, start + MAX_CHANGES).map(changeStruct);
      try {
        await send(() => hub.applyChanges.populateTransaction(channel, proposal, hashes, first, part), options);
      } catch (error) {
        // Somebody else may have brought the last part.
        if (!(await isFinal())) throw error;
      }
    }
  }

  async function executeSettlement(
    channel: bigint,
    proposal: bigint,
    changes: readonly Change[],
    options?: HubOptions,
  ): Promise<void> {
    const config = (await reads.channel(channel, options))?.config;
    if (config?.mode === SETTLEMENT_MODES.root) return await execute(channel, proposal, [], options);
    const known = await reads.proposal(channel, proposal, options);
    const isBegun = known !== undefined && known.chunksApplied !== 0;
    if (isBegun || changes.length > MAX_CHANGES) return await applyByParts(channel, proposal, changes, options);
    await execute(channel, proposal, changes, options);
  }

  const claimed = (receipt: TransactionReceipt): bigint =>
    requiredEventOf(receipt, source, "Claimed")["amount"] as bigint;

  return {
    address: address.toLowerCase(),
    chainId,
    account: wallet.address.toLowerCase(),
    maxChanges: MAX_CHANGES,
    ...reads,
    ...createHubEvents(connection, hub, address),
    ...createChallenges(connection, hub, address),

    async registerProgram(program, options) {
      await send(() => hub.registerProgram.populateTransaction(program), options);
    },
    async signConsent(consent) {
      const digest = joinConsentDigest(channelDomain(chainId, address), consent);
      return await Promise.resolve(fromHex(wallet.signingKey.sign(digest).serialized));
    },
    async requestExit(channel, options) {
      await send(() => hub.requestExit.populateTransaction(channel), options);
    },
    async leaveByRequest(channel, member, proof, options) {
      await send(
        () =>
          proof === undefined
            ? hub.leaveByRequest.populateTransaction(channel, member)
            : hub.leaveByProof.populateTransaction(channel, member, proofStruct(proof)),
        options,
      );
    },
    async closeByRequest(channel, proof, options) {
      await send(
        () =>
          proof === undefined
            ? hub.closeByRequest.populateTransaction(channel)
            : hub.closeByProof.populateTransaction(channel, proofStruct(proof)),
        options,
      );
    },
    async delegate(channel, candidate, options) {
      await send(() => hub.delegate.populateTransaction(channel, candidate ?? ZeroAddress), options);
    },
    async keepAlive(channel, delaysMs, options) {
      const delays = [...delaysMs].map(([peer, delayMs]) => ({ peer, delayMs }));
      await send(() => hub.keepAlive.populateTransaction(channel, delays), options);
    },
    async forceCall(signedCall, options) {
      await send(
        () => hub.forceCall.populateTransaction(callStruct(signedCall), hexlify(signedCall.signature)),
        options,
      );
    },

    proposeSettlement: (settlement, options) =>
      propose(settlement.channel, "settlement", encodeAbi([SETTLEMENT_TYPE], [settlementStruct(settlement)]), options),
    proposePunishment: (punishment, options) =>
      propose(punishment.channel, "punishment", encodeAbi([PUNISHMENT_TYPE], [punishmentStruct(punishment)]), options),
    async vote(channel, proposal, option, options) {
      await send(() => hub.vote.populateTransaction(channel, proposal, option), options);
    },
    async voteBySignatures(channel, proposal, votes, options) {
      await send(() => hub.voteBySignatures.populateTransaction(channel, proposal, votes.map(voteStruct)), options);
    },
    executeSettlement,
    executePunishment: (channel, proposal, options) => execute(channel, proposal, [], options),
    async settle(settlement, changes, votes, options) {
      const isWhole = settlement.mode === SETTLEMENT_MODES.slots && changes.length <= MAX_CHANGES;
      const receipt = await send(
        () =>
          hub.settle.populateTransaction(
            settlementStruct(settlement),
            isWhole ? changes.map(changeStruct) : [],
            votes.map(voteStruct),
          ),
        options,
      );
      const { channel } = settlement;
      if (eventOf(receipt, source, "Settled") !== undefined) return { proposal: 0n, isFinal: true };
      const proposal = requiredEventOf(receipt, source, "ProposalCreated")["proposal"] as bigint;
      if (isWhole || (await reads.proposal(channel, proposal, options))?.state !== "passed") {
        return { proposal, isFinal: false };
      }
      await applyByParts(channel, proposal, changes, options);
      return { proposal, isFinal: true };
    },

    async claim(channel, account, assetKey, options) {
      return claimed(await send(() => hub.claim.populateTransaction(channel, account, hexlify(assetKey)), options));
    },
    async claimByProof(channel, account, assetKey, { exits, owned }, options) {
      const proofs = [proofStruct(exits), proofStruct(owned)] as const;
      return claimed(
        await send(() => hub.claimByProof.populateTransaction(channel, account, hexlify(assetKey), ...proofs), options),
      );
    },
    async withdrawStake(channel, options) {
      const receipt = await send(() => hub.withdrawStake.populateTransaction(channel, wallet.address), options);
      return requiredEventOf(receipt, source, "StakeWithdrawn")["amount"] as bigint;
    },
    async materialise(channel, slots, options) {
      await send(
        () =>
          hub.materialise.populateTransaction(
            channel,
            slots.map(({ slot }) => hexlify(slot)),
            slots.map(({ value }) => hexlify(value)),
            slots.map(({ proof }) => proofStruct(proof)),
          ),
        options,
      );
    },
  };
}

/** Numbers of the chunks with which parts begin. */
function partsOf(from: number, to: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / MAX_CHUNKS) }, (_, part) => from + part * MAX_CHUNKS);
}
