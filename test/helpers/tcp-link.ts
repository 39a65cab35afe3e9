import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Transform } from "node:stream";

export interface TcpLink {
  /** Where to connect on 127.0.0.1; the same after each cut. */
  readonly port: number;
  /** Connections that were taken while it hung. */
  readonly hanging: number;
  /** Ends all connections and takes no new ones. */
  cut(): Promise<void>;
  /** Ends all connections; new ones are taken, but nothing that is sent arrives and nothing is ever answered. */
  hang(): Promise<void>;
  /** Takes connections again, and carries them on. */
  mend(): Promise<void>;
  /** Carries so many more bytes of answers, and then holds what comes, without ending a connection. */
  carry(bytes: number): void;
  /** Connections whose answers it holds back. */
  readonly held: number;
}

/** A wire on loopback to a port of this machine, which can be cut or made to swallow everything. */
export async function createTcpLink(target: number): Promise<TcpLink> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let hangs = false;
  let hanging = 0;
  let budget = Number.POSITIVE_INFINITY;
  const held = new Set<() => void>();

  /** Lets through what the budget allows. */
  const gate = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, callback) {
        const pass = (): void => {
          budget -= chunk.length;
          callback(undefined, chunk);
        };
        if (chunk.length <= budget) pass();
        else held.add(pass);
      },
    });

  const keep = (socket: Socket, onEnd: () => void): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", onEnd);
    socket.on("close", () => {
      sockets.delete(socket);
      onEnd();
    });
  };
  const listen = async (at: number): Promise<number> => {
    const listening = createServer((incoming) => {
      if (hangs) {
        hanging += 1;
        keep(incoming, () => {});
        incoming.resume();
        return;
      }
      const outgoing = connect(target, "127.0.0.1");
      keep(incoming, () => outgoing.destroy());
      keep(outgoing, () => incoming.destroy());
      incoming.pipe(outgoing);
      outgoing.pipe(gate()).pipe(incoming);
    }).listen(at, "127.0.0.1");
    await once(listening, "listening");
    server = listening;
    return (listening.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = new Promise((resolve) => closing.close(resolve));
    for (const socket of sockets) socket.destroy();
    held.clear();
    await closed;
  };

  const port = await listen(0);
  const become = async (whether: boolean): Promise<void> => {
    await close();
    hangs = whether;
    await listen(port);
  };
  return {
    port,
    get held() {
      return held.size;
    },
    carry(bytes) {
      budget = bytes;
      const waiting = [...held];
      held.clear();
      for (const pass of waiting) pass();
    },
    get hanging() {
      return hanging;
    },
    cut: close,
    hang: async () => await become(true),
    mend: async () => await become(false),
  };
}
