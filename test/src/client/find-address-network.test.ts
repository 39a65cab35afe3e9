import { expect } from "chai";

import type { AddressReply } from "../../../src/wire/address.ts";
import { answerAs, createMember, lookUp, MESSENGER_KINDS } from "../../helpers/address-network.ts";
import type { MessengerKind, NetworkMember, Outcome } from "../../helpers/address-network.ts";
import { startAddressProcess } from "../../helpers/address-process.ts";
import { createCuttableLink } from "../../helpers/cuttable-link.ts";
import { createServingNode } from "../../helpers/light-node.ts";
import { createLossyMessenger } from "../../helpers/lossy-messenger.ts";
import { createRelayNode } from "../../helpers/relay-node.ts";
import type { RelayNode } from "../../helpers/relay-node.ts";
import { until } from "../../helpers/until.ts";

const WORKER_URL: AddressReply["apiUrl"] = "http://worker.example";
/** With it, 10 % lose something of the first 18 messages each way. */
const SEED = 3;
const PEERS_ON_ONE_ADDRESS = 16;
/** What a busy machine may take beyond a deadline until it is told of it. */
const LATE_MS = 1_500;

for (const kind of MESSENGER_KINDS) {
  describe(`finding an address over ${kind}, on a network with faults (seed ${SEED})`, function () {
    this.timeout(60_000);
    const closers: (() => Promise<void>)[] = [];
    let hub: RelayNode;

    /** Starts what is stopped after the test. */
    const run = async <Part extends { start(): Promise<void>; stop(): Promise<void> }>(part: Part): Promise<Part> => {
      await part.start();
      closers.push(async () => await part.stop());
      return part;
    };
    const member = async (name: string, peers: readonly string[], of: MessengerKind = kind): Promise<NetworkMember> => {
      const made = await run(await createMember(of, name, peers));
      await made.messenger.ready();
      return made;
    };

    beforeEach(async () => {
      hub = await run(await createServingNode("hub"));
    });
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
    });

    for (const loss of [0.1, 0.3]) {
      it(`has every request answered with ${loss * 100} % of the messages lost each way`, async () => {
        const worker = await member("worker", hub.node.multiaddrs(), "relay");
        await run(answerAs("worker", worker.messenger));
        const client = await member("client", hub.node.multiaddrs());
        const lossy = createLossyMessenger(client.messenger, { loss, seed: SEED });
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, async () => await lookUp(lossy, "client", "worker", 20_000)),
        );
        expect(outcomes.map(({ apiUrl }) => apiUrl)).to.deep.equal(outcomes.map(() => WORKER_URL));
        expect(lossy.lost.sent).to.be.greaterThan(0);
        expect(lossy.lost.received).to.be.greaterThan(0);
      });
    }

    it("fails by the deadline and says why when everything is lost, or nobody takes anything", async () => {
      const client = await member("client", hub.node.multiaddrs());
      const lossy = createLossyMessenger(client.messenger, { loss: 1, seed: SEED });
      expectFailure(await lookUp(lossy, "client", "worker", 700), /taken by Waku peers [1-9]/, 700);
      await hub.stop();
      await until(async () => {
        const { reason } = await lookUp(client.messenger, "client", "worker", 300);
        return /no Waku peer took it/.test(reason ?? "");
      });
    });

    it("outlives a partition: those who give up say so, and those who wait are answered after it", async () => {
      const link = await createCuttableLink(hub.node.multiaddrs()[0] ?? "");
      const worker = await member("worker", hub.node.multiaddrs(), "relay");
      await run(answerAs("worker", worker.messenger));
      const client = await member("client", [link.address]);
      expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
      await link.cut();
      const waits = lookUp(client.messenger, "client", "worker", 30_000);
      expectFailure(await lookUp(client.messenger, "client", "worker", 700), /./, 700);
      await link.mend();
      expect((await waits).apiUrl).to.equal(WORKER_URL);
      await link.cut();
    });

    it(`keeps ${PEERS_ON_ONE_ADDRESS} peers on one address in the network, and answers each of them`, async () => {
      const worker = await member("worker", hub.node.multiaddrs(), "relay");
      await run(answerAs("worker", worker.messenger));
      const names = Array.from({ length: PEERS_ON_ONE_ADDRESS }, (_, index) => `client ${index}`);
      const clients = await Promise.all(names.map(async (name) => await member(name, hub.node.multiaddrs())));
      // Two heartbeats of gossip, in which peers that score badly would be pruned.
      await heartbeats(hub, 2);
      const mesh = hub.node.libp2p.services.pubsub.getMeshPeers("/waku/2/rs/42/0");
      expect(mesh.length).to.be.at.least(kind === "relay" ? 4 : 1);
      const outcomes = await Promise.all(
        clients.map(async ({ messenger }, index) => await lookUp(messenger, names[index] ?? "", "worker", 20_000)),
      );
      expect(outcomes.map(({ apiUrl }) => apiUrl)).to.deep.equal(names.map(() => WORKER_URL));
    });

    it("is answered although the node in between was killed and came back", async () => {
      const between = await startAddressProcess("service", "between", []);
      closers.push(async () => await between.kill());
      const worker = await member("worker", between.multiaddrs, "relay");
      await run(answerAs("worker", worker.messenger));
      const client = await member("client", between.multiaddrs);
      expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
      await between.kill();
      const waits = lookUp(client.messenger, "client", "worker", 30_000);
      expectFailure(await lookUp(client.messenger, "client", "worker", 500), /./, 500);
      const port = Number(/tcp\/(\d+)/.exec(between.multiaddrs[0] ?? "")?.[1]);
      const again = await startAddressProcess("service", "between", [], port);
      closers.push(async () => await again.kill());
      expect((await waits).apiUrl).to.equal(WORKER_URL);
    });
  });
}

describe("finding an address between light clients alone", () => {
  it("works for a worker that is light itself", async () => {
    const relay = await createRelayNode("relay");
    await relay.start();
    const hub = await createServingNode("hub", relay.node.multiaddrs());
    await hub.start();
    const members = await Promise.all(
      ["worker", "client"].map(async (name) => await createMember("light", name, hub.node.multiaddrs())),
    );
    const [worker, client] = members as [NetworkMember, NetworkMember];
    await Promise.all(members.map(async (each) => await each.start()));
    await Promise.all(members.map(async ({ messenger }) => await messenger.ready()));
    const answerer = answerAs("worker", worker.messenger);
    await answerer.start();
    expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
    await answerer.stop();
    for (const part of [...members, hub, relay]) await part.stop();
  });
});

function expectFailure({ code, reason, tookMs }: Outcome, why: RegExp, timeoutMs: number): void {
  expect(code).to.equal("ADDRESS_NOT_FOUND");
  expect(reason).to.match(why);
  expect(tookMs).to.be.within(timeoutMs - 50, timeoutMs + LATE_MS);
}

async function heartbeats({ node }: RelayNode, count: number): Promise<void> {
  let seen = 0;
  await new Promise<void>((resolve) => {
    const onBeat = (): void => {
      seen += 1;
      if (seen < count) return;
      node.libp2p.services.pubsub.removeEventListener("gossipsub:heartbeat", onBeat);
      resolve();
    };
    node.libp2p.services.pubsub.addEventListener("gossipsub:heartbeat", onBeat);
  });
}
