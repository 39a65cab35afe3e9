import type { Connection, Libp2p } from "@libp2p/interface";

import { SprfError, messageOf } from "../../errors.ts";
import { throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { parsePeer } from "../libp2p/parse-peer.ts";
import { signerOf } from "./signer-of.ts";

const DIAL_TIMEOUT_MS = 5_000;

export interface ReachInit {
  readonly libp2p: Libp2p;
  /** Where a member can be dialled; may take long. None: it has to dial. */
  readonly addressesOf: (peer: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>;
}

/** Ways to members: connections, whoever has made them. */
export interface Reach {
  /**
   * The newest connection with a member, or one that is made: by a dial, or by the member, who may be looking for this node as well.
   *
   * @throws SprfError `PEER_UNREACHABLE`; what `signal` throws
   */
  connect(peer: string, signal: AbortSignal): Promise<Connection>;
  /** The next new connection with a member. Never resolves after `signal` has aborted. */
  arrival(peer: string, signal: AbortSignal): Promise<Connection>;
}

export function createReach({ libp2p, addressesOf }: ReachInit): Reach {
  /** Where it was reached last: asking again takes a while, and after a loss it mostly is where it was. */
  const known = new Map<string, string>();

  /** The newest: of a member that came back in another process, an older one may not have been missed yet. */
  function newest(peer: string): Connection | undefined {
    return libp2p
      .getConnections()
      .filter(({ remotePeer, status }) => status === "open" && signerOf(remotePeer) === peer)
      .toSorted((a, b) => a.timeline.open - b.timeline.open)
      .at(-1);
  }

  async function dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    let problem = "no address is known";
    // One by one: in a list that libp2p gets, one that is silent may use up the time of those after it.
    for (const text of addresses) {
      try {
        const { address, peerId } = parsePeer(text);
        if (signerOf(peerId) !== peer) continue;
        const connection = await libp2p.dial(address, { signal: withDeadline(signal, DIAL_TIMEOUT_MS) });
        known.set(peer, address.toString());
        return connection;
      } catch (error) {
        throwIfAborted(signal);
        problem = messageOf(error);
      }
    }
    throw new SprfError("PEER_UNREACHABLE", problem);
  }

  async function arrival(peer: string, signal: AbortSignal): Promise<Connection> {
    const { promise, resolve } = Promise.withResolvers<Connection>();
    const onOpen = ({ detail }: CustomEvent<Connection>): void => {
      if (signerOf(detail.remotePeer) === peer) resolve(detail);
    };
    libp2p.addEventListener("connection:open", onOpen);
    // Not by an option of the event target: this one goes on counting listeners that leave that way.
    signal.addEventListener("abort", () => libp2p.removeEventListener("connection:open", onOpen), { once: true });
    return await promise;
  }

  return {
    arrival,
    async connect(peer, signal) {
      const open = newest(peer);
      if (open !== undefined) return open;
      const done = new AbortController();
      const inner = AbortSignal.any([signal, done.signal]);
      const last = known.get(peer);
      const dials = [
        // Its time begins when the addresses are there, not when they are asked for. A dial that has begun is not broken off when
        // the other side was faster: that connection may be the one that it uses.
        addressesOf(peer, { signal: inner }).then(async (found) => await dial(peer, found, signal)),
        ...(last === undefined ? [] : [dial(peer, [last], signal)]),
      ];
      try {
        return await Promise.race([arrival(peer, inner), Promise.any(dials)]);
      } catch (error) {
        const reasons = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
        throw new SprfError("PEER_UNREACHABLE", `${peer}: ${reasons.join("; ")}`, { cause: error });
      } finally {
        done.abort();
      }
    },
  };
}
