import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryMessenger } from "../../../src/adapters/messenger/memory.ts";
import { findAddress } from "../../../src/client/find-address.ts";
import type { FindAddressOptions } from "../../../src/client/find-address.ts";
import type { AddressReply } from "../../../src/wire/address.ts";
import { encodeAddressMessage } from "../../../src/wire/address.ts";
import { exampleReply } from "../../helpers/address-messages.ts";
import { AGREEMENT, LEDGER_KEY, createAddressScene } from "../../helpers/address-scene.ts";
import type { AddressScene } from "../../helpers/address-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";

describe("finding an address", () => {
  let scene: AddressScene;

  beforeEach(async () => {
    scene = await createAddressScene();
  });
  afterEach(async () => {
    await scene.stop();
  });

  const find = async (options: Partial<FindAddressOptions> = {}): Promise<AddressReply> =>
    await findAddress(
      {
        messenger: scene.client,
        messageKeys: messageKeysOf("client"),
        clock: scene.clock,
        random: scene.random,
        logger: createMemoryLogger(scene.lines),
      },
      { workerKey: messageKeysOf("worker").publicKey, agreement: AGREEMENT, ...options },
    );
  /** Loses the first `count` messages of this kind. */
  const lose = (kind: string, count: number): void => {
    const before = scene.hub.copies;
    let left = count;
    scene.hub.copies = (delivery) => {
      before(delivery);
      return scene.sent.at(-1)?.message?.kind === kind && left-- > 0 ? 0 : 1;
    };
  };

  it("asks once, is answered once and acknowledges", async () => {
    const reply = await find();
    expect(reply.apiUrl).to.equal("http://127.0.0.1:8080");
    expect(reply.ledgerKey).to.deep.equal(LEDGER_KEY);
    expect(reply.multiaddrs).to.deep.equal(["/ip4/127.0.0.1/tcp/4001"]);
    await scene.clock.advance(60_000);
    expect(scene.kinds()).to.deep.equal(["address-request", "address-reply", "address-acknowledgement"]);
    expect(scene.clock.sleepers).to.equal(0);
  });

  it("tells the worker nothing but a topic and a key made for this question", async () => {
    await find();
    await find();
    const requests = scene.sent.map(({ message }) => message).filter((message) => message?.kind === "address-request");
    expect(new Set(requests.map((request) => request.replyTopic)).size).to.equal(2);
    expect(new Set(requests.map((request) => Buffer.from(request.replyKey).toString("hex"))).size).to.equal(2);
  });

  it("asks again when the question is lost", async () => {
    lose("address-request", 3);
    const found = find();
    await scene.clock.advance(1_400);
    expect((await found).apiUrl).to.equal("http://127.0.0.1:8080");
    expect(scene.kinds().filter((kind) => kind === "address-request")).to.have.length(4);
    expect(scene.asked).to.have.length(1);
  });

  it("is answered although replies are lost, without a second look at the chain", async () => {
    lose("address-reply", 2);
    const found = find();
    await scene.clock.advance(300);
    await found;
    expect(scene.asked).to.have.length(1);
  });

  it("does not mind messages that come twice", async () => {
    const before = scene.hub.copies;
    scene.hub.copies = (delivery) => 2 * before(delivery);
    await find();
    await scene.clock.advance(60_000);
    expect(scene.asked).to.have.length(1);
    expect(scene.kinds().filter((kind) => kind === "address-reply")).to.have.length(1);
  });

  it("has the worker give up when acknowledgements are lost", async () => {
    lose("address-acknowledgement", 1_000);
    await find();
    await scene.clock.advance(120_000);
    expect(scene.kinds().filter((kind) => kind === "address-reply")).to.have.length(6);
    expect(scene.clock.sleepers).to.equal(0);
  });

  it("fails with ADDRESS_NOT_FOUND when nobody answers in time, and leaves nothing behind", async () => {
    lose("address-reply", 1_000);
    const code = codeOf(find({ timeoutMs: 2_000 }));
    await scene.clock.advance(2_000);
    expect(await code).to.equal("ADDRESS_NOT_FOUND");
    await scene.answerer.stop();
    const asked = scene.sent.length;
    await scene.clock.advance(60_000);
    expect(scene.sent).to.have.length(asked);
    expect(scene.clock.sleepers).to.equal(0);
  });

  it("ends at once when the caller stops", async () => {
    lose("address-reply", 1_000);
    const stop = new AbortController();
    const code = codeOf(find({ signal: stop.signal }));
    await scene.clock.advance(50);
    stop.abort();
    expect(await code).to.equal("ABORTED");
  });

  it("believes nobody but the worker", async () => {
    lose("address-reply", 1_000);
    const found = find({ timeoutMs: 1_000 });
    const code = codeOf(found);
    await scene.clock.advance(10);
    const request = scene.sent[0]?.message;
    if (request?.kind !== "address-request") throw new Error("no request");
    const forged = exampleReply({
      to: request.from,
      inReplyTo: request.id,
      issuedAt: request.issuedAt,
      expiresAt: request.expiresAt,
      apiUrl: "http://evil.example",
    });
    // The hub signs it as "stranger", whatever it says of itself.
    const stranger = createMemoryMessenger({
      hub: scene.hub,
      messageKey: messageKeysOf("stranger").privateKey,
      logger: createMemoryLogger(scene.lines),
    });
    await stranger.start();
    scene.hub.copies = () => 1;
    const payload = encodeAddressMessage(forged);
    await stranger.publish({ topic: request.replyTopic, recipient: request.replyKey, payload });
    await scene.answerer.stop();
    await scene.clock.advance(1_000);
    expect(await code).to.equal("ADDRESS_NOT_FOUND");
    expect(scene.lines.some(({ message }) => message === "address reply refused")).to.equal(true);
    await stranger.stop();
  });

  it("refuses a time-out that no request outlives, and an agreement that is no address", async () => {
    expect(await codeOf(find({ timeoutMs: 60_001 }))).to.equal("INVALID_INPUT");
    expect(await codeOf(find({ agreement: "0x12" }))).to.equal("INVALID_INPUT");
  });
});
