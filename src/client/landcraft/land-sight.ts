import { fieldsOfWords, LAND_KINDS, type LandField, type LandKind } from "../../domain/landcraft/land-map.ts";

/** Where something lies, in the contract's order. */
export const LAND_DIRECTIONS = ["north", "east", "south", "west"] as const;
export type LandDirection = (typeof LAND_DIRECTIONS)[number];

/** What a hero is doing, in the contract's order. */
export const LAND_DEEDS = ["rest", "walk", "dig", "put"] as const;

/** How many there are of each kind. */
export type LandItems = Readonly<Record<LandKind, number>>;

/** A hero on a land. */
export interface SeenHero {
  /** Its place among the land's heroes, from 0. */
  readonly seat: number;
  /** Lower-case hex with 0x. */
  readonly owner: string;
  readonly heroId: number;
  /** From the west, and from the north. */
  readonly x: number;
  readonly y: number;
  readonly facing: LandDirection;
  readonly deed: (typeof LAND_DEEDS)[number];
  /** Fields that it has dug out. */
  readonly dug: number;
  /** What its owner carries. */
  readonly items: LandItems;
}

/** All that there is to see of a land. */
export interface LandSight {
  readonly name: string;
  readonly tick: number;
  /** Of which record. */
  readonly height: number;
  /** Row by row from the north. */
  readonly fields: readonly LandField[];
  /** What is in the land. */
  readonly stock: LandItems;
  readonly heroes: readonly SeenHero[];
}

/** What the program's `look` returns. */
export interface LandView {
  readonly name: string;
  readonly tick: bigint;
  readonly fields: readonly bigint[];
  readonly stock: readonly bigint[];
  readonly heroes: readonly {
    readonly seat: number;
    readonly hero: {
      readonly owner: string;
      readonly x: number;
      readonly y: number;
      readonly facing: number;
      readonly deed: number;
      readonly id: number;
      readonly dug: number;
    };
    readonly items: readonly bigint[];
  }[];
}

/** What the program says, in words. */
export function sightOf(view: LandView, height: number): LandSight {
  return {
    name: view.name,
    tick: Number(view.tick),
    height,
    fields: fieldsOfWords(view.fields),
    stock: itemsOf(view.stock),
    heroes: view.heroes.map(({ seat, hero, items }) => ({
      seat,
      owner: hero.owner.toLowerCase(),
      heroId: hero.id,
      x: hero.x,
      y: hero.y,
      facing: LAND_DIRECTIONS[hero.facing] ?? "north",
      deed: LAND_DEEDS[hero.deed] ?? "rest",
      dug: hero.dug,
      items: itemsOf(items),
    })),
  };
}

function itemsOf(amounts: readonly bigint[]): LandItems {
  return Object.fromEntries(LAND_KINDS.map((kind, index) => [kind, Number(amounts[index] ?? 0n)])) as LandItems;
}
