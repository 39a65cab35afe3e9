import { SprfError } from "../errors.ts";
import type { HubProof, ProofDesk } from "../ports/channel-challenges.ts";
import type { ChannelCourt } from "../ports/channel-court.ts";
import type { ChannelHub, HubOptions } from "../ports/channel-hub.ts";
import { ZERO_HASH } from "../wire/channel/record.ts";
import { CHUNK_CHANGES } from "../wire/channel/settlement.ts";

/** Of one transaction: 25 KB each. */
const MAX_CHUNKS = 8;

/** Gives proofs to the hub and its court, at one's own cost. */
export function createHubDesk(hub: ChannelHub, court: ChannelCourt | undefined): ProofDesk {
  return {
    async prove(channel, proposal, proof, options) {
      if (proof.kind === "omission") return await proveOmission(hub, channel, proposal, proof, options);
      if (proof.kind !== "record") return await hub.proveHub(channel, proposal, proof, options);
      if (court === undefined) throw new SprfError("CONFIG_INVALID", "the settings name no court (SPRF_CHANNEL_COURT)");
      // Nobody is rewarded for a settlement that is void.
      await court.accuse(proof.evidence, ZERO_HASH, options);
    },
    freeze: async (channel, entry, options) => await hub.freeze(channel, entry, options),
    conclude: async (channel, options) => await hub.conclude(channel, options),
  };
}

/** In as many transactions as all of its changes take; the last one counts. */
async function proveOmission(
  hub: ChannelHub,
  channel: bigint,
  proposal: bigint,
  proof: Extract<HubProof, { readonly kind: "omission" }>,
  options?: HubOptions,
): Promise<void> {
  const { first, changes } = proof.part;
  const length = MAX_CHUNKS * CHUNK_CHANGES;
  for (let at = 0; at === 0 || at < changes.length; at += length) {
    const part = { ...proof.part, first: first + at / CHUNK_CHANGES, changes: changes.slice(at, at + length) };
    await hub.proveHub(channel, proposal, { ...proof, part }, options);
  }
}
