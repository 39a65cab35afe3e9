import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import type { PeerId } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";

import { SprfError, messageOf } from "../../errors.ts";

/** @throws SprfError with `code` for a text that is no multiaddr. */
export function parseMultiaddr(text: string, code: "INVALID_INPUT" | "CONFIG_INVALID"): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    throw new SprfError(code, `not a multiaddr: ${text}`, { cause: error });
  }
}

/** The peer id that an address ends in, if it names one. */
export function peerIdIn(address: Multiaddr): string | undefined {
  return address.getComponents().findLast((component) => component.name === "p2p")?.value;
}

/**
 * A peer of the configuration: an address and whom to expect there.
 *
 * @throws SprfError `CONFIG_INVALID`
 */
export function parsePeer(text: string): { readonly address: Multiaddr; readonly peerId: PeerId } {
  const address = parseMultiaddr(text, "CONFIG_INVALID");
  const peerId = peerIdIn(address);
  if (peerId === undefined) throw new SprfError("CONFIG_INVALID", `the peer ${text} must end in /p2p/<peer id>`);
  try {
    return { address, peerId: peerIdFromString(peerId) };
  } catch (error) {
    throw new SprfError("CONFIG_INVALID", `the peer ${text} ends in no peer id: ${messageOf(error)}`, { cause: error });
  }
}
