import { isSprfError } from "../../errors.ts";
import type { ChannelHub, ChannelInfo, HubOptions } from "../../ports/channel-hub.ts";
import { concatBytes, fromHex } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";

/** An asset that a channel holds: a token's address (zero for ether), and the id of one of its kind. */
export interface ChannelAsset {
  readonly token: string;
  /** 0 for ether and ERC-20. */
  readonly id: bigint;
}

/** What an account was sent. */
export interface ChannelClaims {
  readonly stakeWei: bigint;
  readonly assets: readonly (ChannelAsset & { readonly amount: bigint })[];
}

const ETHER: ChannelAsset = { token: `0x${"0".repeat(40)}`, id: 0n };

/** Claims ether, the given assets, and the stake that is free. What there is nothing of is 0. */
export async function claimAll(
  hub: ChannelHub,
  { channel }: ChannelInfo,
  assets: readonly ChannelAsset[],
  options?: HubOptions,
): Promise<ChannelClaims> {
  const claimed: (ChannelAsset & { readonly amount: bigint })[] = [];
  for (const asset of [ETHER, ...assets])
    claimed.push({ ...asset, amount: await claimOne(hub, channel, asset, options) });
  const hasCredit = (await hub.creditWei(channel, hub.account, options)) > 0n;
  const stakeWei = hasCredit ? await hub.withdrawStake(channel, options) : 0n;
  return { stakeWei, assets: claimed };
}

async function claimOne(
  hub: ChannelHub,
  channel: bigint,
  { token, id }: ChannelAsset,
  options?: HubOptions,
): Promise<bigint> {
  try {
    return await hub.claim(channel, hub.account, assetKeyOf(token, id), options);
  } catch (error) {
    const isNone = isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "ChannelHub_NothingToClaim";
    if (isNone) return 0n;
    throw error;
  }
}

/** What the ledgers call an asset: keccak256(abi.encode(token, id)). */
function assetKeyOf(token: string, id: bigint): Uint8Array {
  const word = (hex: string): Uint8Array => fromHex(hex.padStart(2 * WORD_BYTES, "0"));
  return keccak256(concatBytes(word(token.replace(/^0x/, "")), word(id.toString(16))));
}
