import type { Twin } from "../ports/chain.ts";
import type { HubMember } from "../ports/channel-hub.ts";
import { fromHex, equalBytes } from "../utils/bytes.ts";
import { addressOfKey } from "../utils/recoverable-signature.ts";
import type { AddressReply, AddressRequest } from "../wire/address.ts";

export interface MemberAddressesInit {
  readonly members: () => Promise<readonly HubMember[]>;
  readonly twinOf: (account: string, options: { readonly signal: AbortSignal }) => Promise<Twin | undefined>;
  /** Asks whom a twin names where it is. */
  readonly ask: (twin: Twin, options: { readonly signal: AbortSignal }) => Promise<Pick<AddressReply, "multiaddrs">>;
}

/** Where a member's node is, by its signer: the chain names its message key, and whoever holds that is asked. */
export function createMemberAddresses({
  members,
  twinOf,
  ask,
}: MemberAddressesInit): (signer: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]> {
  return async (signer, options) => {
    const member = (await members()).find((each) => each.signer === signer);
    const twin = member === undefined ? undefined : await twinOf(member.account, options);
    // A twin with other keys is not the node that was consented to.
    if (twin === undefined || addressOfKey(twin.messageKey) !== signer) return [];
    const { multiaddrs } = await ask(twin, options);
    const suffix = /\/p2p\/[^/]+$/;
    return multiaddrs.filter((address) => suffix.test(address));
  };
}

/** Whether who asks is a member of the channel with this store, or watches it for one. */
export function mayAskForMember(
  { agreement, from }: Pick<AddressRequest, "agreement" | "from">,
  store: string,
  members: readonly HubMember[],
  watchers: readonly string[] = [],
): boolean {
  if (!equalBytes(agreement, fromHex(store))) return false;
  const signer = addressOfKey(from);
  return watchers.includes(signer) || members.some((member) => member.signer === signer);
}
