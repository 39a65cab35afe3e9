import { AbiCoder, hexlify, keccak256 } from "ethers";

import type { Execution } from "../../src/channel/sandbox/sandbox.ts";
import {
  fieldsOfWords,
  LAND_KINDS,
  LAND_WIDTH,
  parseLand,
  type LandField,
} from "../../src/domain/landcraft/land-map.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { compiledProgram, openTestChannel, type TestChannel } from "./program-sandbox.ts";
import { GENESIS_MS } from "./sandbox-options.ts";

/** Where things of a land that has no world are. */
export const LAND_TOKENS = {
  land: `0x${"1a".repeat(20)}`,
  heroes: `0x${"4e".repeat(20)}`,
  items: `0x${"17".repeat(20)}`,
};

export const TICK_MS = 100;
const MAX_CATCH_UP_TICKS = 50;

/** What `walk` and others take. */
export const NORTH = 0;
export const EAST = 1;
export const SOUTH = 2;
export const WEST = 3;

const GENESIS =
  "tuple(string name, address landAccount, address lord, address heroToken, address itemToken, uint256[8] fields)";

export interface SeenHero {
  readonly owner: string;
  readonly x: number;
  readonly y: number;
  readonly deed: number;
  readonly dug: number;
  readonly items: readonly number[];
}

/** All that `look` says. */
export interface SeenLand {
  readonly tick: number;
  readonly fields: readonly LandField[];
  readonly stock: readonly number[];
  readonly heroes: readonly SeenHero[];
}

/** A land in a sandbox, with a clock. */
export interface TestLand {
  readonly play: TestChannel;
  /** What the land began with. */
  readonly state: Uint8Array;
  join(member: string, brings?: { readonly heroId?: bigint; readonly items?: readonly number[] }): Promise<Execution>;
  leave(member: string): Promise<Execution>;
  order(member: string, name: string, ...args: readonly unknown[]): Promise<Execution>;
  /** Plays the next ticks. */
  tick(count?: number): Promise<Execution>;
  look(): Promise<SeenLand>;
  hero(member: string): Promise<SeenHero>;
  /** What ever left for an account, by kind. */
  exits(member: string): Promise<readonly number[]>;
}

/** What a land's channel begins with. */
export function landState(init: {
  readonly fields: readonly bigint[];
  readonly lord: string;
  readonly land?: string;
  readonly heroes?: string;
  readonly items?: string;
}): Uint8Array {
  const { fields, lord, land = LAND_TOKENS.land, heroes = LAND_TOKENS.heroes, items = LAND_TOKENS.items } = init;
  const genesis = { name: "Test", landAccount: land, lord, heroToken: heroes, itemToken: items, fields };
  return fromHex(AbiCoder.defaultAbiCoder().encode([GENESIS], [genesis]));
}

/** What the exit ledger calls a thing. */
export function itemKey(items: string, kind: number): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [items, kind]));
}

/** Assets as a join brings them: an ERC-721 hero, and things by kind. */
export function landAssets(heroId: bigint, items: readonly number[], tokens = LAND_TOKENS) {
  const hero = { kind: 2, token: tokens.heroes, id: heroId, amount: 1n };
  const things = items.flatMap((amount, index) =>
    amount === 0 ? [] : [{ kind: 3, token: tokens.items, id: BigInt(index + 1), amount: BigInt(amount) }],
  );
  return [...(heroId === 0n ? [] : [hero]), ...things];
}

/** How many fields hold each kind. */
export function countKinds(fields: readonly LandField[]): readonly number[] {
  return LAND_KINDS.map((kind) => fields.filter((field) => field === kind).length);
}

/** The lord's account; it is not in yet. */
export async function openLand(text: string, lord: string): Promise<TestLand> {
  const fields = parseLand(text);
  const ticks = { tickMs: TICK_MS, maxCatchUpTicks: MAX_CATCH_UP_TICKS, genesisMs: GENESIS_MS };
  const play = await openTestChannel(await compiledProgram("LandCraftProgram"), { ticks });
  const state = landState({ fields, lord });
  let timeMs = GENESIS_MS;
  const begun = await play.play({ kind: "initialize", state }, { timeMs });
  if (begun.status !== 1) throw new Error(`record 0 failed: ${hexlify(begun.returnData)}`);
  let stock = countKinds(fieldsOfWords(fields));
  let heroCount = 0n;
  const land: TestLand = {
    play,
    state,
    async join(member, { heroId = (heroCount += 1n), items = LAND_KINDS.map(() => 0) } = {}) {
      const brought = member === lord ? items.map((amount, index) => amount + (stock[index] ?? 0)) : items;
      if (member === lord) stock = LAND_KINDS.map(() => 0);
      const assets = landAssets(heroId, brought);
      return await play.play({ kind: "inbox", effect: { type: "join", member, assets } }, { timeMs });
    },
    leave: async (member) => await play.play({ kind: "inbox", effect: { type: "leave", member } }, { timeMs }),
    order: async (member, name, ...args) => await play.call(member, name, args),
    async tick(count = 1) {
      let last: Execution | undefined;
      for (let i = 0; i < count; i += 1) {
        timeMs += TICK_MS;
        last = await play.play({ kind: "tick" }, { timeMs });
      }
      if (last === undefined) throw new Error("no tick");
      return last;
    },
    look: async () => seenOf((await play.view("look"))[0]),
    async hero(member) {
      const found = (await land.look()).heroes.find(({ owner }) => owner === member);
      if (found === undefined) throw new Error(`${member} has no hero here`);
      return found;
    },
    async exits(member) {
      const amounts = LAND_KINDS.map(
        async (_, index) => await play.view("exitsOf", [member, itemKey(LAND_TOKENS.items, index + 1)]),
      );
      return (await Promise.all(amounts)).map(([amount]) => Number(amount));
    },
  };
  return land;
}

/** Decoded by ethers, as plain numbers. */
export function seenOf(land: unknown): SeenLand {
  const { tick, fields, stock, heroes } = land as {
    readonly tick: bigint;
    readonly fields: readonly bigint[];
    readonly stock: readonly bigint[];
    readonly heroes: readonly {
      readonly hero: Readonly<Record<"x" | "y" | "deed" | "dug", bigint>> & { readonly owner: string };
      readonly items: readonly bigint[];
    }[];
  };
  return {
    tick: Number(tick),
    fields: fieldsOfWords([...fields]),
    stock: [...stock].map(Number),
    heroes: [...heroes].map(({ hero, items }) => ({
      owner: hero.owner,
      x: Number(hero.x),
      y: Number(hero.y),
      deed: Number(hero.deed),
      dug: Number(hero.dug),
      items: [...items].map(Number),
    })),
  };
}

/** What is on a field. */
export function fieldAt(land: SeenLand, x: number, y: number): LandField | undefined {
  return land.fields[y * LAND_WIDTH + x];
}
