import { exitsSlotOf, ownedSlotOf } from "../../../src/channel/sandbox/protocol-slots.ts";
import { numberOf } from "../../../src/channel/sandbox/slot-key.ts";
import { assetKeyOf } from "../../../src/wire/channel/asset-key.ts";
import type { Asset } from "../../../src/wire/channel/inbox-entry.ts";

const ETHER = `0x${"0".repeat(40)}`;

/** What every member brings into a simulated channel. */
export const BROUGHT: Asset = { kind: 0, token: ETHER, id: 0n, amount: 1_000n };

export const ETHER_KEY: Uint8Array = assetKeyOf(ETHER, 0n);

/** The slots that say what an account owns in the channel, and what ever left it for the account. */
export function purseSlots(account: string): readonly [Uint8Array, Uint8Array] {
  return [ownedSlotOf(account, ETHER_KEY), exitsSlotOf(account, ETHER_KEY)];
}

/** Both together. */
export function purseOf(account: string, slot: (slot: Uint8Array) => Uint8Array): bigint {
  return purseSlots(account).reduce((sum, each) => sum + numberOf(slot(each)), 0n);
}
