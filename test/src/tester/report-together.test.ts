import { expect } from "chai";

import type { Chain } from "../../../src/ports/chain.ts";
import type { Messenger } from "../../../src/ports/messenger.ts";
import { leaderOf } from "../../../src/domain/verdict/reporting-way.ts";
import type { TesterComponents } from "../../../src/tester/tester.ts";
import { until } from "../../helpers/until.ts";
import { createTesterScene, type Identity, type TesterScene } from "../../helpers/tester-scene.ts";

/** Cheap enough for everything to pay. */
const GAS_PRICE_WEI = 100_000_000n;

describe("tester: reporting together", () => {
  let scene: TesterScene;
  let sent: Map<string, string[]>;

  before(async () => {
    // A block for each transaction: windows must be long enough for those of all testers.
    scene = await createTesterScene({ revealLength: 16 });
  });
  after(() => scene.stop());
  beforeEach(async () => {
    sent = new Map();
    await scene.begin();
  });
  afterEach(() => scene.end());

  /** Notes what is sent by whom. */
  const watched = ({ chain }: Identity): Chain => {
    const note = (what: string): void => {
      sent.set(chain.account, [...(sent.get(chain.account) ?? []), what]);
    };
    return {
      ...chain,
      gasPriceWei: async () => GAS_PRICE_WEI,
      commit: async (...parts) => {
        note("commit");
        await chain.commit(...parts);
      },
      commitMany: async (...parts) => {
        note("commitMany");
        await chain.commitMany(...parts);
      },
      reveal: async (...parts) => {
        note("reveal");
        await chain.reveal(...parts);
      },
      revealMany: async (...parts) => {
        note("revealMany");
        await chain.revealMany(...parts);
      },
    };
  };

  const startWith = async (
    tester: Identity,
    wrap: (messenger: Messenger) => Messenger = (messenger) => messenger,
    overrides: Partial<TesterComponents> = {},
  ): Promise<TesterComponents> => {
    const { publicKey, privateKey } = { publicKey: tester.keys.messageKey, privateKey: tester.keys.messagePrivateKey };
    const messaging = {
      messenger: wrap(await scene.messenger(tester)),
      messageKeys: { publicKey, privateKey },
    };
    const components = scene.components(tester, { lying: [1] }, { messaging, chain: watched(tester), ...overrides });
    await scene.start(components);
    return components;
  };

  /** Buys, and opens epoch 0, so that seats are known. */
  const openEpoch = async (): Promise<{ agreement: string; seats: readonly Identity[] }> => {
    const agreement = await scene.buy(20);
    const { commitFrom } = await scene.client.chain.windowsOf(agreement, 0);
    await scene.market.mineTo(commitFrom);
    await scene.client.chain.openEpoch(agreement, 0);
    return { agreement, seats: await scene.drawn(agreement) };
  };
  const allOf = (what: string): string[] =>
    [...sent].filter(([, each]) => each.includes(what)).map(([account]) => account);

  it("should bring all commitments in one transaction and all reveals in one, each by another tester", async () => {
    const { agreement, seats } = await openEpoch();
    for (const tester of seats) await startWith(tester);
    await scene.seatsAre(agreement, "committed");
    expect((await scene.client.chain.seatsOf(agreement, 0)).every(({ grouped }) => grouped)).to.equal(true);
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).revealFrom);
    await scene.seatsAre(agreement, "revealed");
    const [committer, revealer] = [leaderOf(0, 3, "commit"), leaderOf(0, 3, "reveal")];
    expect(committer).not.to.equal(revealer);
    expect(Object.fromEntries(sent)).to.deep.equal({
      [seats[committer]!.keys.account]: ["commitMany"],
      [seats[revealer]!.keys.account]: ["revealMany"],
    });
    expect(await scene.client.chain.tallyOf(agreement, 0)).to.have.members(["ok", "wrong", "ok"]);
  });

  it("should not need a leader that is silent", async () => {
    const { agreement, seats } = await openEpoch();
    const leader = leaderOf(0, 3, "commit");
    for (const [seat, tester] of seats.entries()) if (seat !== leader) await startWith(tester);
    const { commitFrom, commitTo, revealFrom } = await scene.client.chain.windowsOf(agreement, 0);
    // Half of the window is the leader's; nothing goes out before.
    await scene.market.mineTo(Math.floor((commitFrom + commitTo) / 2) + 1);
    await scene.seatsAre(agreement, "committed", 2);
    expect(allOf("commitMany")).to.deep.equal([]);
    expect(allOf("commit")).to.have.length(2);
    await scene.market.mineTo(revealFrom + 8);
    await scene.seatsAre(agreement, "revealed", 2);
  });

  it("should commit alone with those it did not hear, and reveal for those it heard", async () => {
    const { agreement, seats } = await openEpoch();
    const heard = { commits: 0, reports: 0 };
    const revealer = leaderOf(0, 3, "reveal");
    let isRevealTime = false;
    for (const [seat, tester] of seats.entries()) {
      const mute = (messenger: Messenger): Messenger =>
        seat === 2 ? { ...messenger, publish: async () => ({ recipients: 1 }) } : messenger;
      const wrap = (messenger: Messenger): Messenger => ({
        ...mute(messenger),
        subscribe: async (subscription, handler) =>
          await messenger.subscribe(subscription, async (message) => {
            await handler(message);
            if (seat === 0) heard.commits++;
            if (seat === revealer && isRevealTime) heard.reports++;
          }),
      });
      await startWith(tester, wrap);
    }
    await until(() => heard.commits > 0, { what: "a commitment heard" });
    const { commitFrom, commitTo, revealFrom } = await scene.client.chain.windowsOf(agreement, 0);
    await scene.market.mineTo(commitFrom + Math.floor((commitTo - commitFrom) / 4));
    await scene.seatsAre(agreement, "committed", 2);
    await scene.market.mineTo(Math.floor((commitFrom + commitTo) / 2) + 1);
    await scene.seatsAre(agreement, "committed", 3);
    isRevealTime = true;
    await scene.market.mineTo(revealFrom);
    await until(() => heard.reports > 0, { what: "a report heard" });
    expect((await scene.client.chain.seatsOf(agreement, 0)).map(({ grouped }) => grouped)).to.deep.equal([
      true,
      true,
      false,
    ]);
    await scene.market.mineTo(revealFrom + 4);
    await scene.seatsAre(agreement, "revealed", 2);
    await scene.market.mineTo(revealFrom + 8);
    await scene.seatsAre(agreement, "revealed", 3);
  });

  it("should fall back when what it brought for all reverts", async () => {
    const { agreement, seats } = await openEpoch();
    for (const tester of seats) {
      const chain = watched(tester);
      const failing: Chain = {
        ...chain,
        // Somebody else's entry is bad, as far as the contract is concerned.
        commitMany: async (address, epoch, commits) =>
          await chain.commitMany(address, epoch, [...commits, { ...commits[0]!, seat: 6 }]),
      };
      await startWith(tester, undefined, { chain: failing });
    }
    await scene.seatsAre(agreement, "committed", 3);
    expect((await scene.client.chain.seatsOf(agreement, 0)).some(({ grouped }) => grouped)).to.equal(false);
    expect(allOf("commit")).to.have.length(3);
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).revealFrom);
    await scene.seatsAre(agreement, "revealed", 3);
    expect(allOf("revealMany")).to.have.length(1);
  });

  it("should go alone when the price of gas is not worth waiting for", async () => {
    const { agreement, seats } = await openEpoch();
    for (const tester of seats)
      await startWith(tester, undefined, { chain: { ...watched(tester), gasPriceWei: async () => 1n } });
    await scene.seatsAre(agreement, "committed");
    expect(allOf("commit")).to.have.length(3);
  });

  it("should do its duty although the fee does not pay for it, and say so", async () => {
    const { agreement, seats } = await openEpoch();
    const chain = { ...watched(seats[0]!), gasPriceWei: async () => 10n ** 12n };
    await startWith(seats[0]!, undefined, { chain });
    const { commitFrom, commitTo } = await scene.client.chain.windowsOf(agreement, 0);
    await scene.market.mineTo(Math.floor((commitFrom + commitTo) / 2) + 1);
    await scene.seatsAre(agreement, "committed", 1);
    expect(scene.lines.some(({ message }) => message.startsWith("the fee of an epoch does not cover"))).to.equal(true);
  });
});
