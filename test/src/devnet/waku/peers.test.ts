import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../../../../src/adapters/libp2p/node.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createDevnetPeers } from "../../../../src/devnet/waku/peers.ts";
import { hashWithDomain } from "../../../../src/wire/canonical.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { until } from "../../../helpers/until.ts";

const parts = { clock: systemClock, logger: createMemoryLogger() };
const peerIds = (addresses: readonly string[]): (string | undefined)[] =>
  addresses.map((text) => text.split("/").at(-1));

describe("devnet/waku/peers", () => {
  it("should hold relay nodes with the same identities at every start, each of which a node can join", async () => {
    const peers = createDevnetPeers(parts);
    await peers.start();
    await peers.start();
    const first = peers.multiaddrs();
    expect(new Set(first)).to.have.property("size", 2);
    const messageKey = hashWithDomain("sprf/devnet-peers-test/1");
    const node = await createLibp2pNode({ ...parts, messageKey, peers: first });
    try {
      await node.start();
      await until(() => node.libp2p.getPeers().length === 2, { what: "connections to both" });
    } finally {
      await node.stop();
      await peers.stop();
    }
    expect(peers.multiaddrs()).to.deep.equal([]);
    await peers.start();
    expect(peerIds(peers.multiaddrs())).to.deep.equal(peerIds(first));
    await peers.stop();
  });

  it("should take the given port, and say so when it is taken", async () => {
    const holder = createDevnetPeers({ ...parts, count: 1 });
    await holder.start();
    const port = Number(/tcp\/(\d+)/.exec(holder.multiaddrs()[0] ?? "")?.[1]);
    const late = createDevnetPeers({ ...parts, count: 1, port });
    try {
      expect(await codeOf(late.start())).to.equal("CONFIG_INVALID");
    } finally {
      await holder.stop();
    }
    await late.start();
    expect(late.multiaddrs()[0]).to.contain(`/tcp/${port}/`);
    await late.stop();
  });
});
