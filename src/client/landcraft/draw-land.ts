import { LAND_HEIGHT, LAND_KINDS, LAND_WIDTH, type LandField } from "../../domain/landcraft/land-map.ts";
import { LAND_KEYS } from "./land-orders.ts";
import type { LandDirection, LandSight, SeenHero } from "./land-sight.ts";

/** How a field looks: two characters, and codes of colours for them. */
interface Look {
  readonly text: string;
  readonly colour: string;
}

const FIRST_LETTER = "A".charCodeAt(0);
const COLUMNS = 80;
const PANEL_WIDTH = 13;
const COUNT_WIDTH = 4;
const SHOWN_HEROES = 3;
const SHOWN_DIGITS = 4;

/** Background and foreground out of 256 colours. */
const FIELDS: Readonly<Record<LandField, Look>> = {
  grass: { text: "· ", colour: "48;5;22;38;5;28" },
  wood: { text: "♠ ", colour: "48;5;22;38;5;77" },
  stone: { text: "▒▒", colour: "48;5;238;38;5;246" },
  iron: { text: "◆ ", colour: "48;5;238;38;5;173" },
  gold: { text: "● ", colour: "48;5;238;38;5;220" },
  crystal: { text: "♦ ", colour: "48;5;238;38;5;51" },
  water: { text: "~~", colour: "48;5;25;38;5;39" },
  rock: { text: "██", colour: "48;5;234;38;5;236" },
};
const OWN_COLOUR = "1;48;5;226;38;5;16";
const OTHER_COLOUR = "1;48;5;160;38;5;231";
const DIM_COLOUR = "38;5;245";

const FACING: Readonly<Record<LandDirection, string>> = { north: "^", east: ">", south: "v", west: "<" };

/** Who looks, and at what. */
export interface DrawOptions {
  /** Whose hero is marked, lower-case hex with 0x. */
  readonly account: string;
  readonly isColoured: boolean;
  /** A line below the land. */
  readonly message?: string;
}

/** A land as lines of at most 80 columns, 21 of them. */
export function drawLand(sight: LandSight, { account, isColoured, message = "" }: DrawOptions): readonly string[] {
  const paint = (text: string, colour: string): string => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const heroes = new Map(sight.heroes.map((hero) => [hero.y * LAND_WIDTH + hero.x, hero]));
  const panel = panelOf(sight, account);
  const edge = `+${"-".repeat(2 * LAND_WIDTH)}+`;
  const rows = Array.from({ length: LAND_HEIGHT }, (_, y) => {
    const cells = Array.from({ length: LAND_WIDTH }, (__, x) => {
      const hero = heroes.get(y * LAND_WIDTH + x);
      const { text, colour } = hero === undefined ? FIELDS[sight.fields[y * LAND_WIDTH + x] ?? "grass"] : lookOf(hero);
      return paint(text, colour);
    });
    return `|${cells.join("")}| ${panel[y] ?? ""}`.trimEnd();
  });
  const players = sight.heroes.length === 1 ? "1 hero" : `${sight.heroes.length} heroes`;
  return [
    `${sight.name}   tick ${sight.tick}   ${players}`,
    paint(edge, DIM_COLOUR),
    ...rows,
    paint(edge, DIM_COLOUR),
    message.slice(0, COLUMNS),
    paint(LAND_KEYS, DIM_COLOUR),
  ];

  function lookOf({ seat, owner, facing, deed }: SeenHero): Look {
    const isOwn = owner === account;
    const letter = isOwn ? "@" : letterOf(seat);
    return { text: `${letter}${deed === "dig" ? "*" : FACING[facing]}`, colour: isOwn ? OWN_COLOUR : OTHER_COLOUR };
  }
}

/** What to write so that a terminal that shows `before` shows `now`: only lines that differ, so that nothing flickers. */
export function redraw(before: readonly string[], now: readonly string[]): string {
  const changed = now.flatMap((line, row) => (line === before[row] ? [] : [`\u001b[${row + 1};1H${line}\u001b[K`]));
  // What a longer picture had below this one.
  const rest = before.length > now.length ? `\u001b[${now.length + 1};1H\u001b[J` : "";
  return changed.join("") + rest;
}

/** Beside the land: what the own hero carries, what is in the land, and who has dug out most. */
function panelOf({ heroes, stock }: LandSight, account: string): readonly string[] {
  const own = heroes.find(({ owner }) => owner === account);
  const row = (name: string, count: number | string): string =>
    `${name.padEnd(PANEL_WIDTH - COUNT_WIDTH)}${String(count).padStart(COUNT_WIDTH)}`;
  const best = heroes.toSorted((a, b) => b.dug - a.dug).slice(0, SHOWN_HEROES);
  return [
    "you carry",
    ...LAND_KINDS.map((kind, index) => row(`${index + 1} ${kind}`, own?.items[kind] ?? "-")),
    "in the land",
    ...LAND_KINDS.map((kind) => row(`  ${kind}`, stock[kind])),
    "dug out",
    ...best.map(({ seat, owner, dug }) =>
      row(owner === account ? "@ you" : `${letterOf(seat)} ${owner.slice(2, 2 + SHOWN_DIGITS)}`, dug),
    ),
  ];
}

function letterOf(seat: number): string {
  return String.fromCharCode(FIRST_LETTER + seat);
}
