import { expect } from "chai";

import { createChannelCourt } from "../../src/adapters/chain/channels/court.ts";
import { connect } from "../../src/adapters/chain/connection.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createProgramCodec } from "../../src/client/channel/program-abi.ts";
import { landCraftProgramAbi } from "../../src/client/channel/program-abis.ts";
import { sightOf, type LandSight, type LandView, type SeenHero } from "../../src/client/landcraft/land-sight.ts";
import { createLandGame, type LandGame } from "../../src/create-land-game.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { ZERO_HASH } from "../../src/wire/channel/record.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { createChannelTown, type ChannelPerson, type ChannelTown } from "../helpers/channel-daemons.ts";
import { equivocate } from "../helpers/equivocation.ts";
import { KIT, randomOrder, seeWorld, sumItems, type SeenWorld } from "../helpers/land-players.ts";
import { seededRandom } from "../helpers/seeded-random.ts";
import { until } from "../helpers/until.ts";

const PATIENT = { timeoutMs: 90_000, everyMs: 50 };
const ETHER = 10n ** 18n;
const LAND = 1n;
/** Of the accounts of devnet, the lord is the first player. */
const FIRST = 2;
const STRANGER = 9;
const PLAYERS = 4;
const TICKS = 100;
const TICK_MS = 100;
/** Until who was banned cannot object any more. */
const WINDOW_SECONDS = 61;
/** Decides what the players do. */
const SEED = 20_261_128;

interface Player {
  readonly person: ChannelPerson;
  readonly game: LandGame;
  /** What it saw last. */
  readonly sight: LandSight;
  /** Gives no more orders; resolves with what its hero is then. */
  rest(): Promise<SeenHero>;
  stop(): Promise<void>;
}

describe("e2e: four players on a land, in real time", function () {
  this.timeout(300_000);
  let town: ChannelTown;
  let world: SeenWorld;
  before(async () => {
    town = await createChannelTown();
    const { chain } = town.devnet.networks;
    world = await seeWorld(chain.rpcUrl, chain.channels?.land ?? "");
  });
  after(async () => {
    world?.close();
    await town?.close();
  });

  /** The land as the chain has it. */
  async function settledLand({ channels }: ChannelPerson, channel: bigint): Promise<LandSight> {
    const codec = createProgramCodec(landCraftProgramAbi);
    const { info, head } = await channels.standing(channel);
    const data = await channels.hub.readStore(info, codec.encode("look", []));
    return sightOf(codec.decode("look", data) as LandView, head.height);
  }

  /** Gives its hero an order every few ticks. */
  async function play(person: ChannelPerson, url: string, channel: bigint, index: number): Promise<Player> {
    const client = await person.channels.connect({ url, channel, abi: landCraftProgramAbi });
    const game = createLandGame(client, person.account);
    const random = seededRandom(SEED + index);
    const ended = new AbortController();
    let sight = await game.look();
    let isResting = false;
    const own = (): SeenHero | undefined => sight.heroes.find(({ owner }) => owner === person.account);
    const playing = (async () => {
      for await (sight of game.sights({ signal: ended.signal })) {
        if (isResting || own() === undefined || random.below(3) > 0) continue;
        await game.order(randomOrder(random), { signal: ended.signal });
      }
    })();
    playing.catch(() => undefined);
    return {
      person,
      game,
      get sight() {
        return sight;
      },
      async rest() {
        isResting = true;
        await game.order({ deed: "rest" });
        const { tick } = await game.look();
        // What it was told before has been done.
        await until(() => sight.tick > tick && own()?.deed === "rest", { ...PATIENT, what: "the hero rests" });
        const hero = own();
        if (hero === undefined) throw new Error("it is gone");
        return hero;
      },
      async stop() {
        ended.abort();
        await playing.catch(() => undefined);
        await client.disconnect();
      },
    };
  }

  /** Convicts a player of two records for one height, as anybody does who has seen them. */
  async function convict(index: number, channel: bigint): Promise<void> {
    const { rpcUrl, channels } = town.devnet.networks.chain;
    const privateKey = devnetKeys(STRANGER).accountPrivateKey;
    const connection = await connect({ rpcUrl, privateKey, pollingIntervalMs: 50, clock: systemClock });
    const domain = channelDomain(connection.chainId, (channels?.hub ?? "").toLowerCase());
    const signerKey = devnetKeys(FIRST + index).messagePrivateKey;
    const evidence = equivocate(domain, { channel, term: 1, signerKey });
    await createChannelCourt(connection, channels?.court ?? "").accuse(evidence, ZERO_HASH);
    connection.close();
  }

  /** Lets the windows of settlements pass until a channel is closed. */
  async function untilClosed({ channels: { hub } }: ChannelPerson, channel: bigint): Promise<void> {
    let jumps = 0;
    const isClosed = async (): Promise<boolean> => {
      const events = await hub.events(channel, 0, await hub.blockNumber());
      if (events.filter(({ kind }) => kind === "passed").length > jumps) {
        jumps += 1;
        await world.provider.send("evm_increaseTime", [WINDOW_SECONDS]);
        await world.provider.send("evm_mine", []);
      }
      return (await hub.channel(channel))?.isClosed === true;
    };
    await until(isClosed, { ...PATIENT, everyMs: 200, what: "the channel is closed" });
  }

  it("should play 100 ticks and pay out what the last final state says, also to who goes and who is thrown out", async () => {
    const people = await Promise.all(
      Array.from({ length: PLAYERS }, async (_, index) => await town.person(FIRST + index)),
    );
    const [lord, alice, bob, carol] = people as [ChannelPerson, ChannelPerson, ChannelPerson, ChannelPerson];
    const stock = await world.itemsOf(world.address);
    const channel = await lord.channels.apps.openLand(LAND);
    expect(await world.lands.ownerOf(LAND)).to.equal(await world.game.getAddress());
    for (const person of people) await person.channels.join(channel);
    const daemons = await Promise.all(people.map(async (person) => await person.serve(channel)));
    const players = await Promise.all(
      people.map(async (person, index) => await play(person, daemons[index]?.apiUrl ?? "", channel, index)),
    );
    const [first, second, , fourth] = players as [Player, Player, Player, Player];
    await until(() => first.sight.heroes.length === PLAYERS, { ...PATIENT, what: "all heroes are there" });

    const beganMs = performance.now();
    const { tick: beganTick } = first.sight;
    const after = async (ticks: number): Promise<void> =>
      await until(() => first.sight.tick >= beganTick + ticks, { ...PATIENT, what: `${ticks} ticks` });
    await after(TICKS / 2);
    // One goes home with what it has, by asking its program.
    const { items: taken, dug } = await second.rest();
    await second.game.order({ deed: "goHome" });
    const isGone = async () => (await lord.channels.hub.member(channel, alice.account))?.isGone === true;
    await until(isGone, { ...PATIENT, what: "alice is gone" });
    expect((await alice.channels.claim(channel)).stakeWei).to.equal(ETHER);
    expect(await world.itemsOf(alice.account)).to.deep.equal(taken);
    await after(TICKS);
    // However late a machine is, time is not ahead of itself; the first tick may have been one that was caught up.
    expect(performance.now() - beganMs).to.be.at.least((TICKS - 10) * TICK_MS);

    // Another one is thrown out, and keeps what its hero has.
    const { items: kept } = await fourth.rest();
    await convict(PLAYERS - 1, channel);
    const isSeen = ({ account }: ChannelPerson): boolean => first.sight.heroes.some(({ owner }) => owner === account);
    await until(() => !isSeen(carol), { ...PATIENT, what: "carol's hero is gone" });
    await lord.channels.closeChannel(channel);
    await untilClosed(lord, channel);
    await Promise.all(players.map(async (player) => await player.stop()));

    const final = await settledLand(lord, channel);
    expect(final.heroes.map(({ owner }) => owner)).to.have.members([lord.account, bob.account]);
    const expected = new Map(final.heroes.map(({ owner, items }) => [owner, items]));
    expected.set(alice.account, taken).set(carol.account, kept);
    for (const { account, channels } of [lord, bob, carol]) {
      const { stakeWei } = await channels.claim(channel);
      // The stake of who was convicted is its fine.
      expect(stakeWei >= ETHER, account).to.equal(account !== carol.account);
    }
    for (const { account } of people) {
      expect(await world.itemsOf(account), account).to.deep.equal(expected.get(account));
      const owner = await world.heroes.ownerOf(await world.world.heroOf(account));
      expect(owner.toLowerCase()).to.equal(account);
    }
    // The land is back, with what is left of its stock; all that there was is somewhere.
    expect(await world.lands.ownerOf(LAND)).to.equal(world.address);
    const rest = await world.itemsOf(world.address);
    const out = await Promise.all(people.map(async ({ account }) => await world.itemsOf(account)));
    expect(sumItems([rest, ...out])).to.deep.equal(sumItems([stock, ...people.map(() => KIT)]));
    expect(dug + final.heroes.reduce((sum, hero) => sum + hero.dug, 0)).to.be.greaterThan(0);
    const verified = await lord.channels.verify(channel, lord.dataDirectory);
    expect(verified.height).to.be.at.least(TICKS);
    await Promise.all(daemons.map(async (daemon) => await daemon.stop()));
  });
});
