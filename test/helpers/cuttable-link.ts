import { multiaddr } from "@multiformats/multiaddr";

import { createTcpLink, type TcpLink } from "./tcp-link.ts";

export interface CuttableLink extends Pick<TcpLink, "cut" | "mend"> {
  /** The multiaddr of the peer behind the link, by way of it. */
  readonly address: string;
}

/** A wire on loopback between a peer and those who dial it by `address`, which can be cut. */
export async function createCuttableLink(to: string): Promise<CuttableLink> {
  const parts = multiaddr(to).getComponents();
  const target = Number(parts.find(({ name }) => name === "tcp")?.value);
  const peerId = parts.find(({ name }) => name === "p2p")?.value;
  const link = await createTcpLink(target);
  return {
    address: `/ip4/127.0.0.1/tcp/${link.port}/p2p/${peerId}`,
    cut: async () => await link.cut(),
    mend: async () => await link.mend(),
  };
}
