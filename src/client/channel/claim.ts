import { isSprfError } from "../../errors.ts";
import type { ChannelAsset } from "../../ports/channel-apps.ts";
import type { ChannelHub, ChannelInfo, HubOptions, HubSlotProof } from "../../ports/channel-hub.ts";
import { assetKeyOf } from "../../wire/channel/asset-key.ts";

/** What an account was sent. */
export interface ChannelClaims {
  readonly stakeWei: bigint;
  readonly assets: readonly (ChannelAsset & { readonly amount: bigint })[];
}

const ETHER: ChannelAsset = { token: `0x${"0".repeat(40)}`, id: 0n };

/** Times that an asset is proved again because another state was settled meanwhile. */
const PROOF_ATTEMPTS = 3;

/** Proves what the exit ledger has for an account, by an asset's key, under the root that is settled now. */
export type ProveLedger = (
  account: string,
  assetKey: Uint8Array,
) => Promise<{ readonly exits: HubSlotProof; readonly owned: HubSlotProof }>;

/** Claims ether, the given assets, and the stake that is free; by proofs where there is `prove`. What there is nothing of is 0. */
export async function claimAll(
  hub: ChannelHub,
  { channel }: ChannelInfo,
  { assets, prove }: { readonly assets: readonly ChannelAsset[]; readonly prove?: ProveLedger | undefined },
  options?: HubOptions,
): Promise<ChannelClaims> {
  const claimed: (ChannelAsset & { readonly amount: bigint })[] = [];
  for (const asset of [ETHER, ...assets]) {
    const assetKey = assetKeyOf(asset.token, asset.id);
    const claim = async (): Promise<bigint> =>
      prove === undefined
        ? await hub.claim(channel, hub.account, assetKey, options)
        : await claimByProof(hub, { channel, assetKey, prove }, options);
    claimed.push({ ...asset, amount: await orNothing(claim) });
  }
  const hasCredit = (await hub.creditWei(channel, hub.account, options)) > 0n;
  const stakeWei = hasCredit ? await hub.withdrawStake(channel, options) : 0n;
  return { stakeWei, assets: claimed };
}

async function claimByProof(
  hub: ChannelHub,
  {
    channel,
    assetKey,
    prove,
  }: { readonly channel: bigint; readonly assetKey: Uint8Array; readonly prove: ProveLedger },
  options?: HubOptions,
): Promise<bigint> {
  for (let attempt = 1; ; attempt += 1) {
    const { height } = await hub.head(channel, options);
    const proofs = await prove(hub.account, assetKey);
    try {
      return await hub.claimByProof(channel, hub.account, assetKey, proofs, options);
    } catch (error) {
      const isMoved = (await hub.head(channel, options)).height !== height;
      if (!isMoved || attempt === PROOF_ATTEMPTS) throw error;
    }
  }
}

async function orNothing(claim: () => Promise<bigint>): Promise<bigint> {
  try {
    return await claim();
  } catch (error) {
    const isNone = isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "ChannelHub_NothingToClaim";
    if (isNone) return 0n;
    throw error;
  }
}
