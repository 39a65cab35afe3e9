import { Interface } from "ethers";

import { fromHex } from "../../utils/bytes.ts";

/** Something that a member brings into a channel; kinds are 0 ether, 1 ERC-20, 2 ERC-721, 3 ERC-1155. */
export interface ChannelAsset {
  readonly kind: number;
  readonly token: string;
  readonly id: bigint;
  readonly amount: bigint;
}

const program = new Interface([
  "function initialize(bytes state)",
  "function channelJoin(address member, tuple(uint8 kind, address token, uint256 id, uint256 amount)[] assets, bool hook)",
  "function channelLeave(address member, bool hook)",
  "function channelTick()",
  "function channelClose()",
]);

export function encodeInitialize(state: Uint8Array): Uint8Array {
  return fromHex(program.encodeFunctionData("initialize", [state]));
}

/** Without `hook`, only the ledger of what members own is moved, which no program can refuse. */
export function encodeJoin(member: string, assets: readonly ChannelAsset[], hook: boolean): Uint8Array {
  return fromHex(program.encodeFunctionData("channelJoin", [member, assets, hook]));
}

export function encodeLeave(member: string, hook: boolean): Uint8Array {
  return fromHex(program.encodeFunctionData("channelLeave", [member, hook]));
}

export const TICK_CALL = fromHex(program.encodeFunctionData("channelTick"));

export const CLOSE_CALL = fromHex(program.encodeFunctionData("channelClose"));
