import { expect } from "chai";

import type { Messenger, ReceivedMessage } from "../../src/ports/messenger.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";
import type { MessageKeys } from "../helpers/message-keys.ts";
import { messageKeysOf } from "../helpers/message-keys.ts";
import { until } from "../helpers/until.ts";

/** Two started messengers that can reach each other, and a third that is alone and not started. */
export interface MessengerFixture {
  readonly alice: Messenger;
  readonly aliceKeys: MessageKeys;
  readonly bob: Messenger;
  readonly bobKeys: MessageKeys;
  readonly alone: Messenger;
  close(): Promise<void>;
}

const TOPIC = "/sprf/1/ask-7/cbor";
const OTHER_TOPIC = "/sprf/1/ask-8/cbor";

/** What every implementation of the port must do. */
export function messengerCompliance(name: string, setUp: () => Promise<MessengerFixture>): void {
  describe(`messenger port: ${name}`, () => {
    let f: MessengerFixture;
    let received: ReceivedMessage[];

    beforeEach(async () => {
      f = await setUp();
      await Promise.all([f.alice.ready(), f.bob.ready()]);
      received = [];
    });
    afterEach(async () => {
      await f.close();
    });

    const listen = async (privateKey = f.bobKeys.privateKey, topic = TOPIC): Promise<() => Promise<void>> =>
      await f.bob.subscribe({ topic, privateKey }, (message) => void received.push(message));
    const send = async (text: string, recipient = f.bobKeys.publicKey, topic = TOPIC): Promise<void> => {
      const { recipients } = await f.alice.publish({ topic, recipient, payload: utf8(text) });
      expect(recipients).to.be.greaterThan(0);
    };
    const texts = (): string[] => received.map(({ payload }) => new TextDecoder().decode(payload));

    it("hands over the payload and the key that signed it", async () => {
      await listen();
      await send("hello");
      await until(() => received.length === 1);
      expect(texts()).to.deep.equal(["hello"]);
      expect(received[0]?.signer).to.deep.equal(f.aliceKeys.publicKey);
    });

    it("hands over nothing that is encrypted to another key", async () => {
      await listen();
      await send("for somebody else", messageKeysOf("somebody else").publicKey);
      await send("for bob");
      await until(() => received.length > 0);
      expect(texts()).to.deep.equal(["for bob"]);
    });

    it("hands over nothing of another topic", async () => {
      await listen();
      await send("elsewhere", f.bobKeys.publicKey, OTHER_TOPIC);
      await send("here");
      await until(() => received.length > 0);
      expect(texts()).to.deep.equal(["here"]);
    });

    it("decrypts with the key of each subscription", async () => {
      const ephemeral = messageKeysOf("ephemeral");
      await listen();
      await listen(ephemeral.privateKey);
      await send("one", ephemeral.publicKey);
      await send("two");
      await until(() => received.length === 2);
      expect(texts()).to.have.members(["one", "two"]);
    });

    it("is silent after the end of a subscription", async () => {
      const end = await listen();
      const marks: string[] = [];
      await f.bob.subscribe({ topic: OTHER_TOPIC, privateKey: f.bobKeys.privateKey }, () => void marks.push("mark"));
      await end();
      await send("unheard");
      await send("mark", f.bobKeys.publicKey, OTHER_TOPIC);
      await until(() => marks.length === 1);
      expect(received).to.deep.equal([]);
    });

    it("goes on after a handler that throws or rejects", async () => {
      await f.bob.subscribe({ topic: TOPIC, privateKey: f.bobKeys.privateKey }, () => {
        throw new Error("thrown");
      });
      await f.bob.subscribe({ topic: TOPIC, privateKey: f.bobKeys.privateKey }, async () => {
        await Promise.reject(new Error("rejected"));
      });
      await listen();
      await send("first");
      await send("second");
      await until(() => received.length === 2);
    });

    it("carries 150,000 bytes and refuses more than 150 KiB", async () => {
      await listen();
      await f.alice.publish({ topic: TOPIC, recipient: f.bobKeys.publicKey, payload: new Uint8Array(150_000).fill(7) });
      await until(() => received.length === 1);
      expect(received[0]?.payload).to.deep.equal(new Uint8Array(150_000).fill(7));
      const large = { topic: TOPIC, recipient: f.bobKeys.publicKey, payload: new Uint8Array(153_601) };
      expect(await codeOf(f.alice.publish(large))).to.equal("MESSAGE_TOO_LARGE");
    });

    it("refuses a topic and a recipient that are none", async () => {
      const payload = utf8("x");
      const badTopic = { topic: "nowhere", recipient: f.bobKeys.publicKey, payload };
      expect(await codeOf(f.alice.publish(badTopic))).to.equal("INVALID_INPUT");
      const badRecipient = { topic: TOPIC, recipient: new Uint8Array(64).fill(1), payload };
      expect(await codeOf(f.alice.publish(badRecipient))).to.equal("INVALID_INPUT");
      const badSubscription = f.bob.subscribe({ topic: "nowhere", privateKey: f.bobKeys.privateKey }, () => {});
      expect(await codeOf(badSubscription)).to.equal("INVALID_INPUT");
    });

    it("says when nobody takes a message, and when it does not run", async () => {
      const message = { topic: TOPIC, recipient: f.bobKeys.publicKey, payload: utf8("x") };
      expect(await codeOf(f.alone.publish(message))).to.equal("MESSENGER_UNREACHABLE");
      await f.bob.stop();
      await until(async () => (await f.alice.publish(message)).recipients === 0);
    });

    it("stops waiting to be ready on abort, and publishes nothing when aborted", async () => {
      expect(await codeOf(f.alone.ready({ signal: AbortSignal.abort() }))).to.equal("ABORTED");
      const message = { topic: TOPIC, recipient: f.bobKeys.publicKey, payload: utf8("x") };
      expect(await codeOf(f.alice.publish(message, { signal: AbortSignal.abort() }))).to.equal("ABORTED");
    });

    it("may be started and stopped twice", async () => {
      await f.alice.start();
      await f.alice.stop();
      await f.alice.stop();
    });
  });
}
