import { expect } from "chai";

import type { ChannelListener, ChannelNetwork } from "../../src/ports/channel-network.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { until } from "../helpers/until.ts";

/** What a node heard. */
export interface Heard extends ChannelListener {
  readonly messages: { readonly from: string; readonly text: string }[];
  readonly links: Set<string>;
  /** Set to let messages wait. */
  gate: Promise<void>;
}

/** A listener that keeps what it hears. */
export function heard(): Heard {
  const all: Heard = {
    messages: [],
    links: new Set(),
    gate: Promise.resolve(),
    async onMessage(from, message) {
      await all.gate;
      all.messages.push({ from, text: Buffer.from(message).toString("utf8") });
    },
    onLink(peer, isUp) {
      if (isUp) all.links.add(peer);
      else all.links.delete(peer);
    },
  };
  return all;
}

/** What every implementation of the port must do; `create` makes three networks that know where to find each other. */
export function channelNetworkCompliance(
  name: string,
  create: () => Promise<{ readonly networks: readonly ChannelNetwork[]; readonly close: () => Promise<void> }>,
): void {
  describe(`channel network port: ${name}`, () => {
    let networks: readonly ChannelNetwork[];
    let close: () => Promise<void>;
    let ears: readonly Heard[];
    const at = (index: number): ChannelNetwork => networks[index]!;
    const selves = (...indices: number[]): Set<string> => new Set(indices.map((index) => at(index).self));
    const linked = async (a: number, b: number): Promise<void> =>
      await until(() => ears[a]!.links.has(at(b).self) && ears[b]!.links.has(at(a).self), { what: `link ${a}-${b}` });

    beforeEach(async () => {
      ({ networks, close } = await create());
      ears = networks.map(heard);
      networks.forEach((network, index) => network.listen(ears[index]!));
      for (const network of networks) await network.start();
    });
    afterEach(async () => {
      for (const network of networks) await network.stop();
      await close();
    });

    it("brings messages in order, with the sender's name", async () => {
      networks.forEach((network) => network.keepLinks(selves(0, 1, 2)));
      await Promise.all([linked(0, 1), linked(1, 2), linked(0, 2)]);
      for (let i = 0; i < 50; i += 1) {
        expect(at(0).send(at(1).self, utf8(`zero ${i}`))).to.equal(true);
        expect(at(2).send(at(1).self, utf8(`two ${i}`))).to.equal(true);
      }
      await until(() => ears[1]!.messages.length === 100);
      for (const [from, word] of [
        [0, "zero"],
        [2, "two"],
      ] as const) {
        const texts = ears[1]!.messages.filter((message) => message.from === at(from).self).map(({ text }) => text);
        expect(texts).to.deep.equal(Array.from({ length: 50 }, (_, i) => `${word} ${i}`));
      }
    });

    it("takes no message for one to whom there is no link, nor from one who is not wanted", async () => {
      expect(at(0).send(at(1).self, utf8("early"))).to.equal(false);
      at(0).keepLinks(selves(1, 2));
      at(1).keepLinks(selves(0));
      await linked(0, 1);
      expect(at(0).send(at(2).self, utf8("stranger"))).to.equal(false);
      expect(at(0).send(`0x${"9".repeat(40)}`, utf8("nobody"))).to.equal(false);
      expect(ears[2]!.links.size).to.equal(0);
      expect(ears.flatMap(({ messages }) => messages)).to.deep.equal([]);
    });

    it("brings a link up again when the other comes back", async () => {
      networks.forEach((network) => network.keepLinks(selves(0, 1)));
      await linked(0, 1);
      await at(1).stop();
      await until(() => ears[0]!.links.size === 0);
      expect(at(0).send(at(1).self, utf8("away"))).to.equal(false);
      const again = heard();
      at(1).listen(again);
      await at(1).start();
      await until(() => ears[0]!.links.size === 1 && again.links.size === 1, { what: "the link again" });
      expect(at(1).send(at(0).self, utf8("back"))).to.equal(true);
      await until(() => ears[0]!.messages.some(({ text }) => text === "back"));
    });

    it("ends links with those who are no longer wanted", async () => {
      networks.forEach((network) => network.keepLinks(selves(0, 1, 2)));
      await Promise.all([linked(0, 1), linked(0, 2)]);
      at(0).keepLinks(selves(2));
      await until(() => !ears[0]!.links.has(at(1).self) && !ears[1]!.links.has(at(0).self));
      expect(at(0).send(at(2).self, utf8("still"))).to.equal(true);
      await until(() => ears[2]!.messages.length === 1);
    });

    it("refuses messages when too many wait for one who does not read, and brings those that it took", async () => {
      networks.forEach((network) => network.keepLinks(selves(0, 1)));
      await linked(0, 1);
      const { promise, resolve } = Promise.withResolvers<void>();
      ears[1]!.gate = promise;
      const big = new Uint8Array(256 * 1024).fill(0x61);
      let taken = 0;
      // Whatever it holds on the way is far less than this.
      await until(
        () => {
          // A few at a time: on a loaded machine the pauses between would be most of it.
          for (let i = 0; i < 4; i += 1) {
            if (!at(0).send(at(1).self, big)) return true;
            taken += 1;
          }
          return taken > 4_000;
        },
        { timeoutMs: 30_000 },
      );
      expect(taken).to.be.lessThan(4_000);
      resolve();
      await until(() => ears[1]!.messages.length === taken, { timeoutMs: 30_000 });
      expect(at(0).send(at(1).self, utf8("again"))).to.equal(true);
      await until(() => ears[1]!.messages.at(-1)?.text === "again");
    }).timeout(90_000);

    it("brings urgent messages past all that waits for one who does not read, in order", async () => {
      networks.forEach((network) => network.keepLinks(selves(0, 1)));
      await linked(0, 1);
      const urgent = { isUrgent: true };
      const { promise, resolve } = Promise.withResolvers<void>();
      const hear = ears[1]!.onMessage.bind(ears[1]);
      ears[1]!.onMessage = async (from, message) => {
        if (message.length > 8) await promise;
        await hear(from, message);
      };
      const texts = (): string[] => ears[1]!.messages.map(({ text }) => text);
      const big = new Uint8Array(256 * 1024).fill(0x61);
      expect(at(0).send(at(1).self, big)).to.equal(true);
      // Behind that one nothing comes through, but for a way of its own.
      await until(
        () => {
          at(0).send(at(1).self, utf8("way"), urgent);
          return texts().includes("way");
        },
        { what: "a way for urgent messages" },
      );
      await until(
        () => {
          for (let i = 0; i < 4; i += 1) if (!at(0).send(at(1).self, big)) return true;
          return false;
        },
        { timeoutMs: 30_000, what: "a way that is full" },
      );
      const sent = Array.from({ length: 20 }, (_, i) => `${i}`);
      for (const text of sent) expect(at(0).send(at(1).self, utf8(text), urgent)).to.equal(true);
      await until(() => texts().includes("19"), { what: "urgent messages", timeoutMs: 30_000 });
      expect(texts().filter((text) => text !== "way")).to.deep.equal(sent);
      resolve();
    }).timeout(90_000);
  });
}
