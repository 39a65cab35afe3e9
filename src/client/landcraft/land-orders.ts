import { LAND_KINDS, type LandKind } from "../../domain/landcraft/land-map.ts";
import type { LandDirection } from "./land-sight.ts";

/** What somebody wants its hero to do. */
export type LandOrder =
  | { readonly deed: "walk"; readonly direction: LandDirection; readonly steps: number }
  /** Where it looks. */
  | { readonly deed: "dig" }
  | { readonly deed: "put"; readonly kind: LandKind }
  | { readonly deed: "rest" }
  | { readonly deed: "goHome" };

/** More than a land is wide: until something is in the way. */
const FAR = 255;

const WALKS: Readonly<Record<string, LandDirection>> = { w: "north", d: "east", s: "south", a: "west" };
const ARROWS: Readonly<Record<string, LandDirection>> = {
  "\u001b[A": "north",
  "\u001b[C": "east",
  "\u001b[B": "south",
  "\u001b[D": "west",
};

/** What each key does, in one line. */
export const LAND_KEYS = "arrows/wasd walk, WASD run, space digs, 1-5 put, x rests, h goes home, q ends";

/** The order that a key gives, as a terminal sends it; undefined for keys that give none. */
export function orderOfKey(key: string): LandOrder | undefined {
  const step = WALKS[key] ?? ARROWS[key];
  if (step !== undefined) return { deed: "walk", direction: step, steps: 1 };
  const run = WALKS[key.toLowerCase()];
  if (run !== undefined) return { deed: "walk", direction: run, steps: FAR };
  if (key === " " || key === "e") return { deed: "dig" };
  if (key === "x") return { deed: "rest" };
  if (key === "h") return { deed: "goHome" };
  const kind = /^[1-5]$/.test(key) ? LAND_KINDS[Number(key) - 1] : undefined;
  return kind === undefined ? undefined : { deed: "put", kind };
}

/** Keys in the order in which they were pressed, out of what a terminal sends at once. */
export function keysOf(input: string): readonly string[] {
  // An arrow is three characters, and comes whole.
  // eslint-disable-next-line no-control-regex
  return input.match(/\u001b\[[A-D]|[^\u001b]/g) ?? [];
}
