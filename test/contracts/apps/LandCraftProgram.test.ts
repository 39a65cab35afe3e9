import { expect } from "chai";
import { getAddress } from "ethers";
import fc from "fast-check";

import { MAX_CALL_GAS, MAX_TOUCHED_SLOTS } from "../../../src/domain/channel/limits.ts";
import { LAND_HEIGHT, LAND_KINDS, LAND_WIDTH } from "../../../src/domain/landcraft/land-map.ts";
import {
  countKinds,
  EAST,
  fieldAt,
  NORTH,
  openLand,
  SOUTH,
  TICK_MS,
  WEST,
  type TestLand,
} from "../../helpers/land-channel.ts";
import { GENESIS_MS } from "../../helpers/sandbox-options.ts";

const SEATS = 16;
/** Of the plays that are always the same. */
const SEED = 20_261_128;
const MAX_CATCH_UP_TICKS = 50;
/** Ticks that each kind takes. */
const HARDNESS = [3, 5, 8, 12, 20];
const MEMBERS = Array.from({ length: SEATS }, (_, index) => getAddress(`0x${(0xa0 + index).toString(16).repeat(20)}`));
const [LORD = "", ALICE = "", BOB = "", CAROL = ""] = MEMBERS;
const STRANGER = getAddress(`0x${"77".repeat(20)}`);

/** A land of rock, but for these rows from some field on. */
function landWith(rows: Readonly<Record<number, string>>, from = 0): string {
  const lines = Array.from({ length: LAND_HEIGHT }, (_, y) => {
    const letters = rows[y] ?? "";
    return `${"#".repeat(from)}${letters}`.padEnd(LAND_WIDTH, "#");
  });
  return lines.join("\n");
}

/** A land with grass, water, rock and all kinds of things. */
const WILD = Array.from({ length: LAND_HEIGHT }, (_, y) =>
  Array.from({ length: LAND_WIDTH }, (__, x) => ".....T...s.T.g.c..~.i.#"[(x * 7 + y * 11 + ((x * y) % 5)) % 23]).join(
    "",
  ),
).join("\n");

/** Its lord is in, on the only free field there is. */
async function landOfLord(text: string): Promise<TestLand> {
  const land = await openLand(text, LORD);
  await land.join(LORD);
  return land;
}

describe("LandCraftProgram", () => {
  it("should let heroes walk a field a tick, for so many steps, until something is in the way", async () => {
    const land = await openLand(landWith({ 5: "......" }, 4), LORD);
    await land.join(LORD);
    const { x, y } = await land.hero(LORD);
    expect(y).to.equal(5);
    const west = x - 4;
    await land.order(LORD, "walk", WEST, 255);
    if (west > 0) {
      await land.tick();
      expect((await land.hero(LORD)).x).to.equal(x - 1);
    }
    await land.tick(6);
    expect(await land.hero(LORD)).to.include({ x: 4, y: 5, deed: 0 });
    await land.order(LORD, "walk", EAST, 2);
    expect((await land.hero(LORD)).x).to.equal(4);
    await land.tick();
    expect(await land.hero(LORD)).to.include({ x: 5, deed: 1 });
    await land.tick();
    expect(await land.hero(LORD)).to.include({ x: 6, deed: 0 });
    await land.tick();
    expect((await land.hero(LORD)).x).to.equal(6);
    // Orders replace each other.
    await land.order(LORD, "walk", EAST, 9);
    await land.order(LORD, "rest");
    await land.tick();
    expect((await land.hero(LORD)).x).to.equal(6);
  });

  it("should not let anybody past the ends of the land", async () => {
    for (const [text, x, y, first] of [
      [landWith({ 0: "." }), 0, 0, NORTH],
      [landWith({ 0: "." }), 0, 0, WEST],
      [landWith({ [LAND_HEIGHT - 1]: "." }, LAND_WIDTH - 1), LAND_WIDTH - 1, LAND_HEIGHT - 1, SOUTH],
      [landWith({ [LAND_HEIGHT - 1]: "." }, LAND_WIDTH - 1), LAND_WIDTH - 1, LAND_HEIGHT - 1, EAST],
    ] as const) {
      const land = await landOfLord(text);
      for (const [name, ...args] of [
        ["walk", first, 1],
        ["dig", first],
        ["put", first, 1],
      ] as const) {
        expect((await land.order(LORD, name, ...args)).status).to.equal(1);
        expect((await land.tick()).status).to.equal(1);
        expect(await land.hero(LORD)).to.include({ x, y, deed: 0 });
      }
    }
  });

  it("should have heroes stop before each other", async () => {
    const land = await openLand(landWith({ 3: "....." }, 8), LORD);
    await land.join(LORD);
    await land.join(ALICE);
    const [one, two] = [await land.hero(LORD), await land.hero(ALICE)];
    expect(one.x).not.to.equal(two.x);
    const [left, right] = one.x < two.x ? [LORD, ALICE] : [ALICE, LORD];
    await land.order(left, "walk", EAST, 200);
    await land.order(right, "walk", WEST, 200);
    await land.tick(6);
    const [a, b] = [await land.hero(left), await land.hero(right)];
    expect(b.x - a.x).to.equal(1);
    // Now both want the other's field.
    await land.order(left, "walk", EAST, 1);
    await land.order(right, "walk", WEST, 1);
    await land.tick(2);
    expect([(await land.hero(left)).x, (await land.hero(right)).x]).to.deep.equal([a.x, b.x]);
  });

  for (const [index, letter] of ["T", "s", "i", "g", "c"].entries()) {
    it(`should let heroes dig out ${LAND_KINDS[index]} in ${HARDNESS[index]} ticks, which is theirs then`, async () => {
      const land = await landOfLord(landWith({ 2: `.${letter}` }, 6));
      const hardness = HARDNESS[index] ?? 0;
      const items = (count: number): number[] => LAND_KINDS.map((_, kind) => (kind === index ? count : 0));
      expect((await land.look()).stock).to.deep.equal(items(1));
      await land.order(LORD, "dig", EAST);
      await land.tick(hardness - 1);
      expect((await land.hero(LORD)).items).to.deep.equal(items(0));
      // The same again goes on.
      await land.order(LORD, "dig", EAST);
      await land.tick();
      expect(await land.hero(LORD)).to.deep.include({ items: items(1), dug: 1, deed: 0 });
      const seen = await land.look();
      expect(seen.stock).to.deep.equal(items(0));
      expect(fieldAt(seen, 7, 2)).to.equal("grass");
      // There is nothing more.
      await land.order(LORD, "dig", EAST);
      await land.tick(hardness + 1);
      expect((await land.hero(LORD)).items).to.deep.equal(items(1));
      await land.leave(LORD);
      expect(await land.exits(LORD)).to.deep.equal(items(1));
    });
  }

  it("should begin again where a hero did something else meanwhile", async () => {
    const land = await landOfLord(landWith({ 2: "T.s" }, 6));
    await land.order(LORD, "dig", EAST);
    await land.tick(4);
    await land.order(LORD, "dig", WEST);
    await land.tick(2);
    await land.order(LORD, "dig", EAST);
    await land.tick(4);
    expect((await land.hero(LORD)).items).to.deep.equal([0, 0, 0, 0, 0]);
    await land.tick();
    expect((await land.hero(LORD)).items).to.deep.equal([0, 1, 0, 0, 0]);
  });

  it("should give one thing to one of two who dig for it", async () => {
    const land = await openLand(landWith({ 2: ".T." }, 6), LORD);
    await land.join(LORD);
    await land.join(ALICE);
    for (const member of [LORD, ALICE]) {
      const { x } = await land.hero(member);
      await land.order(member, "dig", x < 7 ? EAST : WEST);
    }
    await land.tick(4);
    const [one, two] = [await land.hero(LORD), await land.hero(ALICE)];
    expect([one.items[0], two.items[0]]).to.have.members([0, 1]);
    expect([one.deed, two.deed]).to.deep.equal([0, 0]);
  });

  it("should take turns at being first", async () => {
    const land = await openLand(landWith({ 2: "..." }, 6), LORD);
    await land.join(LORD);
    await land.join(ALICE);
    const firsts = new Set<string>();
    // Both want the field between them, again and again.
    for (let round = 0; round < 2 * SEATS; round += 1) {
      for (const member of [LORD, ALICE]) {
        const [{ x }, other] = [await land.hero(member), await land.hero(member === LORD ? ALICE : LORD)];
        await land.order(member, "walk", x < other.x ? WEST : EAST, 2);
      }
      await land.tick(2);
      for (const member of [LORD, ALICE]) {
        await land.order(member, "walk", (await land.hero(member)).x === 6 ? EAST : WEST, 1);
      }
      await land.tick();
      const [a, b] = [await land.hero(LORD), await land.hero(ALICE)];
      expect(a.x).not.to.equal(b.x);
      for (const [name, { x }] of [
        [LORD, a],
        [ALICE, b],
      ] as const) {
        if (x === 7) firsts.add(name);
      }
    }
    expect([...firsts]).to.have.members([LORD, ALICE]);
  });

  it("should let heroes put down what their owners have, and nothing else", async () => {
    const land = await openLand(landWith({ 2: ".." }, 6), LORD);
    await land.join(LORD, { items: [1, 0, 0, 0, 2] });
    const { x } = await land.hero(LORD);
    const [to, at] = x === 6 ? [EAST, 7] : [WEST, 6];
    await land.order(LORD, "put", to, 2);
    await land.tick();
    expect(fieldAt(await land.look(), at, 2)).to.equal("grass");
    await land.order(LORD, "put", to, 5);
    await land.tick();
    let seen = await land.look();
    expect(fieldAt(seen, at, 2)).to.equal("crystal");
    expect(seen.stock).to.deep.equal([0, 0, 0, 0, 1]);
    expect(seen.heroes[0]?.items).to.deep.equal([1, 0, 0, 0, 1]);
    // Not on what is there, and nobody walks over it.
    await land.order(LORD, "put", to, 1);
    await land.tick();
    await land.order(LORD, "walk", to, 1);
    await land.tick();
    seen = await land.look();
    expect(seen.heroes[0]).to.deep.include({ x, items: [1, 0, 0, 0, 1] });
    // It can be had again.
    await land.order(LORD, "dig", to);
    await land.tick(HARDNESS[4]);
    expect((await land.hero(LORD)).items).to.deep.equal([1, 0, 0, 0, 2]);
  });

  it("should not put anything on somebody", async () => {
    const land = await openLand(landWith({ 2: ".." }, 6), LORD);
    await land.join(LORD, { items: [1, 0, 0, 0, 0] });
    await land.join(ALICE);
    await land.order(LORD, "put", (await land.hero(LORD)).x === 6 ? EAST : WEST, 1);
    await land.tick();
    expect((await land.hero(LORD)).items).to.deep.equal([1, 0, 0, 0, 0]);
  });

  it("should have nothing to dig for before its lord has come", async () => {
    const land = await openLand(landWith({ 2: ".T" }, 6), LORD);
    await land.join(ALICE);
    await land.order(ALICE, "dig", EAST);
    await land.tick(5);
    expect((await land.hero(ALICE)).items).to.deep.equal([0, 0, 0, 0, 0]);
    // It stops nobody else: all ticks were played.
    expect(await land.look()).to.deep.include({ tick: 5, stock: [0, 0, 0, 0, 0] });
    await land.leave(ALICE);
    await land.join(LORD);
    await land.order(LORD, "dig", EAST);
    await land.tick(3);
    expect((await land.hero(LORD)).items).to.deep.equal([1, 0, 0, 0, 0]);
    // Once only: what its lord brings later is the lord's.
    await land.leave(LORD);
    await land.join(LORD, { items: [2, 0, 0, 0, 0] });
    expect((await land.hero(LORD)).items).to.deep.equal([2, 0, 0, 0, 0]);
  });

  it("should free a hero's field and seat when it goes, and give both to the next one", async () => {
    const land = await openLand(landWith({ 2: "." }, 6), LORD);
    await land.join(LORD);
    // There is no room: a member all the same, without a hero on the land.
    expect((await land.join(ALICE, { items: [3, 0, 0, 0, 0] })).status).to.equal(1);
    expect((await land.look()).heroes.map(({ owner }) => owner)).to.deep.equal([LORD]);
    expect((await land.order(ALICE, "walk", EAST, 1)).status).to.equal(0);
    await land.leave(ALICE);
    expect(await land.exits(ALICE)).to.deep.equal([3, 0, 0, 0, 0]);
    await land.leave(LORD);
    expect((await land.look()).heroes).to.deep.equal([]);
    await land.join(BOB);
    expect((await land.look()).heroes.map(({ owner, x, y }) => [owner, x, y])).to.deep.equal([[BOB, 6, 2]]);
  });

  it("should obey those alone who have a hero, and only what makes sense", async () => {
    const land = await openLand(landWith({ 2: "...." }, 6), LORD);
    await land.join(LORD);
    await land.join(ALICE, { heroId: 0n });
    const refused: [string, string, unknown[]][] = [
      [LORD, "walk", [EAST, 0]],
      [LORD, "put", [EAST, 0]],
      [LORD, "put", [EAST, LAND_KINDS.length + 1]],
      [LORD, "dig", [4]],
    ];
    for (const who of [ALICE, STRANGER]) {
      refused.push([who, "walk", [EAST, 1]], [who, "dig", [EAST]], [who, "put", [EAST, 1]]);
      refused.push([who, "rest", []], [who, "goHome", []]);
    }
    for (const [who, name, args] of refused) {
      expect((await land.order(who, name, ...args)).status, `${name} ${String(args)}`).to.equal(0);
    }
    expect((await land.order(LORD, "goHome")).status).to.equal(1);
    expect(await land.play.view("isLeaveRequested", [LORD])).to.deep.equal([true]);
  });

  it("should take a seat from nobody who carries more than it has room for", async () => {
    const land = await openLand(landWith({ 2: "...." }, 6), LORD);
    const assets = Array.from({ length: 20 }, (_, index) => ({
      kind: 1,
      token: `0x${(index + 1).toString(16).padStart(40, "0")}`,
      id: 0n,
      amount: 1n,
    }));
    const hero = { kind: 2, token: `0x${"4e".repeat(20)}`, id: 1n, amount: 1n };
    await land.play.play({ kind: "inbox", effect: { type: "join", member: ALICE, assets: [hero, ...assets] } });
    expect((await land.look()).heroes).to.deep.equal([]);
  });

  it("should neither make nor lose anything, nor set two heroes on one field, whatever is played", async function () {
    this.timeout(120_000);
    const member = fc.constantFrom(LORD, ALICE, BOB, CAROL);
    const direction = fc.constantFrom(NORTH, EAST, SOUTH, WEST);
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          who: member,
          name: fc.constant("walk"),
          args: fc.tuple(direction, fc.integer({ min: 1, max: 9 })),
        }),
      },
      { weight: 6, arbitrary: fc.record({ who: member, name: fc.constant("dig"), args: fc.tuple(direction) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          who: member,
          name: fc.constant("put"),
          args: fc.tuple(direction, fc.integer({ min: 1, max: 5 })),
        }),
      },
      { weight: 1, arbitrary: fc.record({ who: member, name: fc.constant("leave"), args: fc.tuple() }) },
      { weight: 1, arbitrary: fc.record({ who: member, name: fc.constant("join"), args: fc.tuple() }) },
      {
        weight: 12,
        arbitrary: fc.record({
          who: member,
          name: fc.constant("tick"),
          args: fc.tuple(fc.integer({ min: 1, max: 6 })),
        }),
      },
    );
    const deeds = { dug: 0, built: 0, walked: 0 };
    const holds = fc.asyncProperty(fc.noBias(fc.array(step, { minLength: 60, maxLength: 100 })), async (steps) => {
      const land = await openLand(WILD, LORD);
      const here = new Set<string>();
      const brought = LAND_KINDS.map(() => 0);
      const join = async (who: string): Promise<void> => {
        if (here.has(who)) return;
        here.add(who);
        const items = [2, 1, 0, 0, 1];
        for (const [index, amount] of items.entries()) brought[index] = (brought[index] ?? 0) + amount;
        expect((await land.join(who, { items })).status).to.equal(1);
      };
      for (const who of [LORD, ALICE, BOB]) await join(who);
      let before = await land.look();
      const begun = before.stock;
      const exits = new Map<string, readonly number[]>();
      for (const { who, name, args } of steps) {
        if (name === "tick") {
          for (let i = 0; i < (args[0] ?? 1); i += 1) expect((await land.tick()).status).to.equal(1);
        } else if (name === "join") await join(who);
        else if (name === "leave") {
          if (here.delete(who)) await land.leave(who);
          exits.set(who, await land.exits(who));
        } else expect((await land.order(who, name, ...args)).status).to.equal(here.has(who) ? 1 : 0);

        const now = await land.look();
        const places = now.heroes.map(({ x, y }) => y * LAND_WIDTH + x);
        expect(new Set(places).size).to.equal(places.length);
        expect(places.map((place) => now.fields[place])).to.deep.equal(places.map(() => "grass"));
        // What the land owns is what its fields show.
        expect(now.stock).to.deep.equal(countKinds(now.fields));
        for (const [index] of LAND_KINDS.entries()) {
          const held = now.heroes.reduce((sum, { items }) => sum + (items[index] ?? 0), 0);
          const left = [...exits.values()].reduce((sum, amounts) => sum + (amounts[index] ?? 0), 0);
          const all = (now.stock[index] ?? 0) + held + left;
          expect(all, LAND_KINDS[index]).to.equal((begun[index] ?? 0) + (brought[index] ?? 0));
        }
        for (const { owner, x, y, dug } of now.heroes) {
          const was = before.heroes.find((each) => each.owner === owner);
          if (was === undefined) continue;
          const walked = Math.abs(was.x - x) + Math.abs(was.y - y);
          expect(walked).to.be.at.most(now.tick - before.tick);
          deeds.walked += walked;
          deeds.dug += dug - was.dug;
        }
        const [full, was] = [now, before].map(({ stock }) => stock.reduce((sum, amount) => sum + amount, 0));
        if ((full ?? 0) > (was ?? 0)) deeds.built += 1;
        before = now;
      }
    });
    await fc.assert(holds, { seed: SEED, numRuns: 5 });
    // These runs, which are always the same, are about something.
    expect(deeds.walked).to.be.greaterThan(10);
    expect(deeds.dug).to.be.greaterThan(5);
    expect(deeds.built).to.be.greaterThan(0);
    await fc.assert(holds, { numRuns: 3 });
  });

  for (const count of [4, SEATS]) {
    it(`should stay within the limits of a record with ${count} heroes that all finish at once`, async () => {
      const kinds = ["T", "s", "i", "g", "c"];
      // A hero's field in each row, so that all words of the land are needed; the last of each kind goes away.
      const rows = Array.from({ length: count }, (_, y) => [y, `.${kinds[y % kinds.length] ?? ""}`] as const);
      const land = await openLand(landWith(Object.fromEntries(rows), 9), LORD);
      const members = MEMBERS.slice(0, count);
      const joins = [];
      for (const each of members) joins.push(await land.join(each));
      const heroes = (await land.look()).heroes;
      expect(heroes).to.have.length(count);
      for (let tick = 20; tick > 0; tick -= 1) {
        for (const { owner, y } of heroes) {
          if (HARDNESS[y % kinds.length] === tick) await land.order(owner, "dig", EAST);
        }
        if (tick > 1) await land.tick();
      }
      const last = await land.tick();
      const seen = await land.look();
      expect(seen.heroes.map(({ items }) => items.reduce((sum, amount) => sum + amount, 0))).to.deep.equal(
        members.map(() => 1),
      );
      expect(seen.stock).to.deep.equal([0, 0, 0, 0, 0]);
      for (const { status, touched, gasUsed } of [...joins, last]) {
        expect(status).to.equal(1);
        expect(touched.length).to.be.at.most(MAX_TOUCHED_SLOTS);
        expect(Number(gasUsed)).to.be.below(MAX_CALL_GAS);
      }
      if (count === SEATS) expect(Number(last.gasUsed)).to.be.within(500_000, 1_600_000);
    });
  }

  it("should catch up at most 50 ticks after a pause", async () => {
    const land = await landOfLord(landWith({ 2: "." }, 6));
    await land.tick();
    const late = GENESIS_MS + TICK_MS + 60_000;
    let played = 0;
    while ((land.play.sandbox.tickDueMs() ?? Infinity) <= late) {
      await land.play.play({ kind: "tick" }, { timeMs: late });
      played += 1;
      if (played > 1_000) break;
    }
    expect(played).to.be.at.most(MAX_CATCH_UP_TICKS + 1);
    const soon = (land.play.sandbox.tickDueMs() ?? 0) + 2_000;
    for (played = 0; (land.play.sandbox.tickDueMs() ?? Infinity) <= soon; played += 1) {
      await land.play.play({ kind: "tick" }, { timeMs: soon });
    }
    // A short one is caught up whole.
    expect(played).to.equal(21);
  });
});
