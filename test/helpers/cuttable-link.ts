import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

import { multiaddr } from "@multiformats/multiaddr";

export interface CuttableLink {
  /** The multiaddr of the peer behind the link, by way of it. */
  readonly address: string;
  /** Ends all connections and takes no new ones. */
  cut(): Promise<void>;
  /** Takes connections again. */
  mend(): Promise<void>;
}

/** A wire on loopback between a peer and those who dial it by `address`, which can be cut. */
export async function createCuttableLink(to: string): Promise<CuttableLink> {
  const parts = multiaddr(to).getComponents();
  const target = Number(parts.find(({ name }) => name === "tcp")?.value);
  const peerId = parts.find(({ name }) => name === "p2p")?.value;
  const sockets = new Set<Socket>();
  let server: Server;

  const listen = async (port: number): Promise<number> => {
    server = createServer((incoming) => {
      const outgoing = connect(target, "127.0.0.1");
      for (const [socket, other] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };

  const port = await listen(0);
  return {
    address: `/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async mend() {
      await listen(port);
    },
  };
}
