import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

import type { Stream } from "@libp2p/interface";
import { expect } from "chai";

import { createInbound } from "../../../../src/adapters/channel-network/inbound.ts";
import { createLibp2pChannelNetwork } from "../../../../src/adapters/channel-network/libp2p.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createLibp2pNode, type Libp2pNode } from "../../../../src/adapters/libp2p/node.ts";
import { parsePeer } from "../../../../src/adapters/libp2p/parse-peer.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { ChannelNetwork } from "../../../../src/ports/channel-network.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { addressOfKey } from "../../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../../src/utils/secp256k1.ts";
import { heard, type Heard } from "../../../compliance/channel-network.ts";
import { until } from "../../../helpers/until.ts";

const PROTOCOL = "/sprf/channel/1";
const KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const SIGNERS = KEYS.map((key) => addressOfKey(publicKeyOf(key)));
const [ALICE = "", BOB = ""] = SIGNERS;

type Lookup = (signal: AbortSignal) => Promise<readonly string[]>;

/** Pauses that are never over: what is to come about may not wait for the next try. */
const noTimePasses: Clock = {
  now: () => systemClock.now(),
  sleep: async (_ms, { signal } = {}) =>
    await new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new SprfError("ABORTED", "no more")), { once: true });
    }),
};

describe("adapters/channel-network/libp2p: finding the other side", function () {
  this.timeout(30_000);
  const nodes: Libp2pNode[] = [];
  const networks: ChannelNetwork[] = [];
  const servers: Server[] = [];

  afterEach(async () => {
    for (const network of networks.splice(0)) await network.stop();
    for (const node of nodes.splice(0)) await node.stop();
    for (const server of servers.splice(0)) server.close();
  });

  async function node(index: 0 | 1): Promise<Libp2pNode> {
    const made = await createLibp2pNode({ messageKey: KEYS[index], clock: systemClock, logger: createMemoryLogger() });
    await made.start();
    nodes.push(made);
    return made;
  }

  /** A network that looks for the other one so. */
  async function join(
    index: 0 | 1,
    lookUp: Lookup,
    { on, clock = systemClock }: { readonly on?: Libp2pNode; readonly clock?: Clock } = {},
  ): Promise<{ readonly network: ChannelNetwork; readonly ear: Heard; readonly libp2p: Libp2pNode }> {
    const libp2p = on ?? (await node(index));
    const network = createLibp2pChannelNetwork({
      libp2p: libp2p.libp2p,
      self: SIGNERS[index] ?? "",
      addressesOf: async (_peer, { signal }) => await lookUp(signal),
      clock,
      logger: createMemoryLogger(),
    });
    const ear = heard();
    network.listen(ear);
    network.keepLinks(new Set(SIGNERS));
    networks.push(network);
    await network.start();
    return { network, ear, libp2p };
  }

  const knowsNothing: Lookup = async () => [];
  /** Somebody whose answer is lost. */
  const hangs: Lookup = async (signal) => {
    await once(signal, "abort");
    return [];
  };
  const linked = async (ear: Heard, peer: string): Promise<void> =>
    await until(() => ear.links.has(peer), { what: `the link with ${peer}` });

  it("should use the other side's connection at once while its own question for the address is not answered", async () => {
    const alice = await join(0, hangs, { clock: noTimePasses });
    const bob = await join(1, async () => alice.libp2p.multiaddrs());
    await Promise.all([linked(alice.ear, BOB), linked(bob.ear, ALICE)]);
    expect(alice.network.send(BOB, utf8("hello"))).to.equal(true);
    await until(() => bob.ear.messages.length === 1);
  });

  it("should use the other side's connection at once while it pauses between two questions", async () => {
    const alice = await join(0, knowsNothing, { clock: noTimePasses });
    await new Promise((resolve) => setImmediate(resolve));
    const bob = await join(1, async () => alice.libp2p.multiaddrs());
    await Promise.all([linked(alice.ear, BOB), linked(bob.ear, ALICE)]);
  });

  it("should dial for as long as a dial may take, however long the address took to find", async () => {
    const alice = await join(0, knowsNothing);
    const waits = AbortSignal.timeout(5_200);
    const bob = await join(
      1,
      async () => {
        if (!waits.aborted) await once(waits, "abort");
        return alice.libp2p.multiaddrs();
      },
      { clock: noTimePasses },
    );
    await Promise.all([linked(alice.ear, BOB), linked(bob.ear, ALICE)]);
  });

  it("should ask again soon when a question fails", async () => {
    const alice = await join(0, knowsNothing);
    let asked = 0;
    const bob = await join(1, async () => {
      asked += 1;
      if (asked === 1) throw new SprfError("ADDRESS_NOT_FOUND", "nobody answers");
      return asked === 2 ? [] : alice.libp2p.multiaddrs();
    });
    await Promise.all([linked(alice.ear, BOB), linked(bob.ear, ALICE)]);
    expect(asked).to.equal(3);
  });

  it("should try the next address when one does not answer", async () => {
    const alice = await join(0, knowsNothing);
    // It takes connections and never says a word.
    const silent = createServer();
    servers.push(silent);
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const [good = ""] = alice.libp2p.multiaddrs();
    const { port } = silent.address() as AddressInfo;
    const bad = good.replace(/\/tcp\/\d+/, `/tcp/${port}`);
    const gone = good.replace(/\/tcp\/\d+/, "/tcp/1");
    const bob = await join(1, async () => [gone, bad, good]);
    await until(() => bob.ear.links.has(ALICE), { timeoutMs: 20_000 });
  });

  it("should find a member again that comes back at another port", async () => {
    const first = await join(0, knowsNothing);
    let where = first.libp2p.multiaddrs();
    const bob = await join(1, async () => where);
    await linked(bob.ear, ALICE);
    await first.network.stop();
    await first.libp2p.stop();
    await until(() => !bob.ear.links.has(ALICE));
    const second = await join(0, knowsNothing);
    expect(second.libp2p.multiaddrs()).not.to.deep.equal(where);
    where = second.libp2p.multiaddrs();
    await Promise.all([linked(bob.ear, ALICE), linked(second.ear, BOB)]);
  });

  it("should send to a member's new process while the connection with its old one still seems to be up", async () => {
    // An end that nobody noticed: its machine is away without a word.
    const before = await node(1);
    await before.libp2p.handle(PROTOCOL, () => undefined);
    const alice = await join(0, knowsNothing);
    const [address = ""] = alice.libp2p.multiaddrs();
    await before.libp2p.dialProtocol(parsePeer(address).address, PROTOCOL);
    await linked(alice.ear, BOB);

    const after = await node(1);
    const received: string[] = [];
    await after.libp2p.handle(PROTOCOL, (stream: Stream) => {
      const onMessage = async (message: Uint8Array): Promise<void> => {
        received.push(Buffer.from(message).toString());
      };
      createInbound(stream, { onMessage, logger: createMemoryLogger() });
    });
    await after.libp2p.dialProtocol(parsePeer(address).address, PROTOCOL);
    await until(() => {
      alice.network.send(BOB, utf8("are you there?"));
      return received.length > 0;
    });
    expect(before.libp2p.getConnections()).to.have.length(1);
  });
});
