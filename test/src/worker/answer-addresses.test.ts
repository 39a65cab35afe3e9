import { expect } from "chai";

import { encodeAddressMessage } from "../../../src/wire/address.ts";
import type { AddressMessage } from "../../../src/wire/address.ts";
import { contactTopicOf, replyTopicOf } from "../../../src/wire/topics.ts";
import { exampleAcknowledgement, exampleRequest } from "../../helpers/address-messages.ts";
import { createAddressScene } from "../../helpers/address-scene.ts";
import type { AddressScene } from "../../helpers/address-scene.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";

const worker = messageKeysOf("worker").publicKey;

describe("answering address requests", () => {
  let scene: AddressScene;

  beforeEach(async () => {
    scene = await createAddressScene();
  });
  afterEach(async () => {
    await scene.stop();
  });

  /** Sends a message as the client and lets the worker work. */
  const say = async (payload: Uint8Array, waitMs = 10): Promise<void> => {
    await scene.client.publish({ topic: contactTopicOf(worker), recipient: worker, payload });
    await scene.clock.advance(waitMs);
  };
  const ask = async (message: AddressMessage, waitMs?: number): Promise<void> =>
    await say(encodeAddressMessage(message), waitMs);
  const replies = (): number => scene.kinds().filter((kind) => kind === "address-reply").length;
  /** The worker lives on: a good request is answered. */
  const stillAnswers = async (): Promise<void> => {
    const before = replies();
    await ask(exampleRequest({ id: new Uint8Array(16).fill(77) }));
    expect(replies()).to.equal(before + 1);
  };
  const fresh = (offsetMs: number): { issuedAt: number; expiresAt: number } => ({
    issuedAt: scene.clock.now() + offsetMs,
    expiresAt: scene.clock.now() + offsetMs + 60_000,
  });

  it("answers on the request's topic, to its key, what the worker says of itself", async () => {
    await ask(exampleRequest());
    const { delivery, message } = scene.sent.at(-1) ?? {};
    expect(delivery?.topic).to.equal(exampleRequest().replyTopic);
    expect(delivery?.recipient).to.deep.equal(exampleRequest().replyKey);
    expect(message?.kind).to.equal("address-reply");
    expect(scene.asked).to.deep.equal([exampleRequest()]);
  });

  it("ignores what is malformed", async () => {
    await say(new Uint8Array([1, 2, 3]));
    await say(new Uint8Array(0));
    expect(scene.asked).to.deep.equal([]);
    await stillAnswers();
  });

  it("ignores what is too large", async () => {
    await say(new Uint8Array(100_000));
    expect(scene.asked).to.deep.equal([]);
    await stillAnswers();
  });

  it("ignores a request that another key signed", async () => {
    await ask(exampleRequest({ from: messageKeysOf("stranger").publicKey }));
    expect(scene.asked).to.deep.equal([]);
    await stillAnswers();
  });

  it("ignores a request for somebody else that was passed on to it", async () => {
    await ask(exampleRequest({ to: messageKeysOf("other worker").publicKey }));
    expect(scene.asked).to.deep.equal([]);
    await stillAnswers();
  });

  it("ignores a request that has expired, and one from the future", async () => {
    await ask(exampleRequest(fresh(-90_001)));
    await ask(exampleRequest(fresh(+30_100)));
    expect(scene.asked).to.deep.equal([]);
    await stillAnswers();
  });

  it("answers a replayed request a few times and never looks at the chain again", async () => {
    const payload = encodeAddressMessage(exampleRequest());
    for (let i = 0; i < 100; i += 1) await say(payload, 60);
    expect(scene.asked).to.have.length(1);
    expect(replies()).to.equal(12);
    await scene.clock.advance(90_000);
    await say(payload);
    expect([scene.asked.length, replies()]).to.deep.equal([1, 12]);
  });

  it("is silent to a replay once the answer is acknowledged", async () => {
    await ask(exampleRequest());
    await ask(exampleAcknowledgement());
    const payload = encodeAddressMessage(exampleRequest());
    for (let i = 0; i < 10; i += 1) await say(payload, 1_000);
    expect(replies()).to.equal(1);
  });

  it("lets nobody else acknowledge, and no acknowledgement of another request count", async () => {
    await ask(exampleRequest());
    await ask(exampleAcknowledgement({ inReplyTo: new Uint8Array(16).fill(8) }), 10_000);
    expect(replies()).to.equal(6);
  });

  it("does not answer to another topic under an id that is in use", async () => {
    await ask(exampleRequest());
    await ask(exampleRequest({ replyTopic: replyTopicOf(new Uint8Array(16).fill(6)) }), 1_000);
    const answers = scene.sent.filter(({ message }) => message?.kind === "address-reply");
    const topics = new Set(answers.map(({ delivery }) => delivery.topic));
    expect([...topics]).to.deep.equal([exampleRequest().replyTopic]);
  });

  it("makes no error of an answer of its own that comes back", async () => {
    await ask(exampleRequest());
    const reply = scene.sent.at(-1)?.delivery.payload ?? new Uint8Array(0);
    await say(reply);
    await stillAnswers();
    expect(scene.lines.filter(({ level }) => level !== "debug")).to.deep.equal([]);
  });
});

describe("answering address requests, as the chain allows", () => {
  const allowed = async (authorise: () => Promise<boolean>): Promise<AddressScene> =>
    await createAddressScene({ authorise });
  const ask = async (scene: AddressScene, waitMs: number): Promise<void> => {
    const payload = encodeAddressMessage(exampleRequest());
    await scene.client.publish({ topic: contactTopicOf(worker), recipient: worker, payload });
    await scene.clock.advance(waitMs);
  };
  const replies = (scene: AddressScene): number => scene.kinds().filter((kind) => kind === "address-reply").length;

  it("gives no answer for an unknown agreement or to somebody unauthorised, and asks the chain a few times only", async () => {
    const scene = await allowed(async () => false);
    for (let i = 0; i < 100; i += 1) await ask(scene, 200);
    expect(replies(scene)).to.equal(0);
    expect(scene.asked).to.have.length(5);
    await scene.stop();
  });

  it("answers when the chain knows the agreement only at the second look", async () => {
    let looks = 0;
    const scene = await allowed(async () => ++looks > 1);
    await ask(scene, 600);
    expect(replies(scene)).to.equal(0);
    await ask(scene, 10);
    expect(replies(scene)).to.equal(1);
    await scene.stop();
  });

  it("lives on when the chain cannot be reached, and when it never answers", async () => {
    let looks = 0;
    const scene = await allowed(async () => {
      looks += 1;
      if (looks === 1) throw new Error("connection refused");
      if (looks === 2) await new Promise(() => {});
      return true;
    });
    await ask(scene, 600);
    await ask(scene, 6_000);
    expect(scene.lines.filter(({ level }) => level === "warn")).to.have.length(2);
    await ask(scene, 10);
    expect(replies(scene)).to.equal(1);
    await scene.stop();
  });

  it("checks a flood of requests eight at a time and drops what exceeds its queue", async () => {
    let open = 0;
    let most = 0;
    const release = Promise.withResolvers<boolean>();
    const scene = await allowed(async () => {
      most = Math.max(most, ++open);
      return await release.promise;
    });
    for (let i = 0; i < 400; i += 1) {
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(0, i + 1);
      const payload = encodeAddressMessage(exampleRequest({ id }));
      await scene.client.publish({ topic: contactTopicOf(worker), recipient: worker, payload });
    }
    await scene.clock.advance(1);
    expect(most).to.equal(8);
    release.resolve(false);
    await scene.clock.advance(1);
    expect(scene.asked.length).to.be.within(128, 136);
    await scene.stop();
  });

  it("stops in the middle of its work, twice, and is then silent", async () => {
    const scene = await allowed(async () => true);
    await ask(scene, 10);
    await scene.answerer.stop();
    await scene.answerer.stop();
    const sent = scene.sent.length;
    await scene.clock.advance(60_000);
    expect(scene.sent).to.have.length(sent);
    expect(scene.clock.sleepers).to.equal(0);
    await scene.stop();
  });
});
