import { expect } from "chai";
import { WakuMessage } from "@waku/proto";

import { sealEnvelope, shardOf } from "../../src/adapters/messenger/envelope.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { answerAs, createMember, lookUp } from "../helpers/address-network.ts";
import type { MessengerKind, NetworkMember } from "../helpers/address-network.ts";
import { goWakuAbsent, startGoWaku } from "../helpers/go-waku.ts";
import type { GoWaku } from "../helpers/go-waku.ts";
import { createServingNode } from "../helpers/light-node.ts";
import { messageKeysOf } from "../helpers/message-keys.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const TOPIC = "/sprf/1/ask-7/cbor";
const SHARD = shardOf(42, 0);
const PUBSUB = encodeURIComponent(SHARD.pubsubTopic);
const WORKER_URL = "http://worker.example";

interface RestMessage {
  readonly payload: string;
  readonly contentTopic: string;
}

describeWithPart("go-waku", goWakuAbsent(), "messages with go-waku, a Waku node that is not ours", function () {
  const closers: (() => Promise<void>)[] = [];

  const go = async (...flags: string[]): Promise<GoWaku> => {
    const started = await startGoWaku(flags);
    closers.push(async () => await started.kill());
    return started;
  };
  const run = async <Part extends { start(): Promise<void>; stop(): Promise<void> }>(part: Part): Promise<Part> => {
    await part.start();
    closers.push(async () => await part.stop());
    return part;
  };
  const member = async (kind: MessengerKind, name: string, peers: readonly string[]): Promise<NetworkMember> => {
    const made = await run(await createMember(kind, name, peers));
    await made.messenger.ready();
    return made;
  };
  /** What `name` receives on the topic. */
  const collect = async (name: string, messenger: Messenger): Promise<string[]> => {
    const texts: string[] = [];
    await messenger.subscribe({ topic: TOPIC, privateKey: messageKeysOf(name).privateKey }, ({ payload }) => {
      texts.push(new TextDecoder().decode(payload));
    });
    return texts;
  };
  const send = async (messenger: Messenger, to: string, text: string): Promise<void> => {
    await messenger.publish({ topic: TOPIC, recipient: messageKeysOf(to).publicKey, payload: utf8(text) });
  };
  /** Sends once a second until the condition holds. */
  const sendUntil = async (once: () => Promise<void>, holds: () => boolean | Promise<boolean>): Promise<void> => {
    let sentAt = -Infinity;
    await until(async () => {
      if (performance.now() - sentAt > 1_000) {
        sentAt = performance.now();
        await once();
      }
      return await holds();
    });
  };
  const sealFor = async (to: string, text: string): Promise<WakuMessage> => {
    const message = { topic: TOPIC, recipient: messageKeysOf(to).publicKey, payload: utf8(text) };
    const signingKey = messageKeysOf("go").privateKey;
    return WakuMessage.decode(await sealEnvelope(message, { shard: SHARD, signingKey, nowMs: Date.now() }));
  };
  const restMessage = ({ payload, contentTopic, version, timestamp }: WakuMessage): object => ({
    payload: Buffer.from(payload).toString("base64"),
    contentTopic,
    version,
    timestamp: Number(timestamp),
  });

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it("should have it relay between two of our relay nodes, both ways, and find a worker over it", async () => {
    const waku = await go();
    const worker = await member("relay", "worker", [waku.multiaddr]);
    const client = await member("relay", "client", [waku.multiaddr]);
    const [toWorker, toClient] = [await collect("worker", worker.messenger), await collect("client", client.messenger)];
    await until(async () => {
      await send(client.messenger, "worker", "there");
      await send(worker.messenger, "client", "back");
      return toWorker.includes("there") && toClient.includes("back");
    });
    await run(answerAs("worker", worker.messenger));
    expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
  });

  it("should hear what it publishes itself, and be heard by it", async () => {
    const waku = await go();
    await waku.rest("POST", "/relay/v1/subscriptions", [SHARD.pubsubTopic]);
    const bob = await member("relay", "bob", [waku.multiaddr]);
    const texts = await collect("bob", bob.messenger);
    // A mesh is joined by heartbeats, and gossip loses what comes before: as the product does, each is sent until it is heard.
    const own = new Set<string>();
    await sendUntil(
      async () => {
        const sealed = await sealFor("bob", "from go-waku");
        own.add(Buffer.from(sealed.payload).toString("base64"));
        await waku.rest("POST", `/relay/v1/messages/${PUBSUB}`, restMessage(sealed));
      },
      () => texts.includes("from go-waku"),
    );

    const heard: RestMessage[] = [];
    await sendUntil(
      async () => await send(bob.messenger, "somebody", "to go-waku"),
      async () => {
        heard.push(...(((await waku.rest("GET", `/relay/v1/messages/${PUBSUB}`)) ?? []) as RestMessage[]));
        return heard.some(({ payload }) => !own.has(payload));
      },
    );
    expect(new Set(heard.map(({ contentTopic }) => contentTopic))).to.deep.equal(new Set([TOPIC]));
  });

  it("should serve our light messenger, both ways, also past the streams that may be open", async () => {
    const waku = await go("--filter", "--lightpush");
    const worker = await member("relay", "worker", [waku.multiaddr]);
    await run(answerAs("worker", worker.messenger));
    const client = await member("light", "client", [waku.multiaddr]);
    expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
    const texts = await collect("client", client.messenger);
    for (let count = 1; count <= 120; count += 1) {
      await send(worker.messenger, "client", `${count}`);
      await until(() => texts.length === count);
    }
  }).timeout(60_000);

  it("should have our light messenger come back after it was killed and started again", async () => {
    const first = await go("--filter", "--lightpush", "--nodekey", "42".repeat(32));
    const worker = await member("relay", "worker", [first.multiaddr]);
    await run(answerAs("worker", worker.messenger));
    const client = await member("light", "client", [first.multiaddr]);
    expect((await lookUp(client.messenger, "client", "worker")).apiUrl).to.equal(WORKER_URL);
    await first.kill();
    const waits = lookUp(client.messenger, "client", "worker", 40_000);
    const port = /tcp\/(\d+)/.exec(first.multiaddr)?.[1] ?? "";
    await go("--filter", "--lightpush", "--nodekey", "42".repeat(32), "--tcp-port", port);
    expect((await waits).apiUrl).to.equal(WORKER_URL);
  }).timeout(60_000);

  it("should be served by our service node as a light client", async () => {
    const service = await run(await createServingNode("service"));
    const [address = ""] = service.node.multiaddrs();
    const bob = await member("relay", "bob", [address]);
    const texts = await collect("bob", bob.messenger);
    const waku = await go("--relay=false", "--filternode", address, "--lightpushnode", address);
    const subscription = { requestId: "01", contentFilters: [TOPIC], pubsubTopic: SHARD.pubsubTopic };
    await until(
      async () =>
        await waku.rest("POST", "/filter/v2/subscriptions", subscription).then(
          () => true,
          () => false,
        ),
    );
    const sealed = await sealFor("bob", "from a light go-waku");
    await waku.rest("POST", "/lightpush/v1/message", { pubsubTopic: SHARD.pubsubTopic, message: restMessage(sealed) });
    await until(() => texts.includes("from a light go-waku"));

    await send(bob.messenger, "somebody", "to a light go-waku");
    const path = `/filter/v2/messages/${PUBSUB}/${encodeURIComponent(TOPIC)}`;
    const heard: RestMessage[] = [];
    await until(async () => {
      heard.push(...(((await waku.rest("GET", path)) ?? []) as RestMessage[]));
      return heard.some(({ payload }) => payload !== Buffer.from(sealed.payload).toString("base64"));
    });
  });
});
