import { SprfError } from "../../errors.ts";

/** Fields of a land, see contracts/libraries/LandMap.sol. */
export const LAND_WIDTH = 32;
export const LAND_HEIGHT = 16;
const FIELDS = LAND_WIDTH * LAND_HEIGHT;

const WORDS = 8;
const FIELD_BITS = 4n;
const FIELDS_PER_WORD = FIELDS / WORDS;
const FIELD_MASK = 15n;

/** Kinds of things, which are numbered from 1. */
export const LAND_KINDS = ["wood", "stone", "iron", "gold", "crystal"] as const;
export type LandKind = (typeof LAND_KINDS)[number];

/** What is on a field. */
export type LandField = "grass" | LandKind | "water" | "rock";

/** Eight words, as contracts have a land. */
export type LandWords = readonly [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];

const VALUES: Readonly<Record<LandField, bigint>> = {
  grass: 0n,
  wood: 1n,
  stone: 2n,
  iron: 3n,
  gold: 4n,
  crystal: 5n,
  water: 14n,
  rock: 15n,
};
const NAMES = new Map(Object.entries(VALUES).map(([name, value]) => [value, name as LandField]));

/** How fields are written in a text. */
const LETTERS: Readonly<Record<string, LandField>> = {
  ".": "grass",
  T: "wood",
  s: "stone",
  i: "iron",
  g: "gold",
  c: "crystal",
  "~": "water",
  "#": "rock",
};

/** The fields of a land, row by row from the north. */
export function fieldsOfWords(words: readonly bigint[]): readonly LandField[] {
  return Array.from({ length: FIELDS }, (_, field) => {
    const word = words[Math.floor(field / FIELDS_PER_WORD)] ?? 0n;
    // What no land has looks like grass.
    return NAMES.get((word >> shiftOf(field)) & FIELD_MASK) ?? "grass";
  });
}

/** A land as contracts have it. @throws SprfError `INVALID_INPUT` unless these are as many fields as a land has */
export function wordsOfFields(fields: readonly LandField[]): LandWords {
  if (fields.length !== FIELDS)
    throw new SprfError("INVALID_INPUT", `a land has ${FIELDS} fields, not ${fields.length}`);
  const words = Array.from({ length: WORDS }, () => 0n);
  for (const [field, name] of fields.entries()) {
    const word = Math.floor(field / FIELDS_PER_WORD);
    words[word] = (words[word] ?? 0n) | (VALUES[name] << shiftOf(field));
  }
  return words as unknown as LandWords;
}

/**
 * A land out of 16 lines of 32 letters: `.` grass, `T` wood, `s` stone, `i` iron, `g` gold, `c` crystal, `~` water, `#` rock.
 *
 * @throws SprfError `INVALID_INPUT`
 */
export function parseLand(text: string): LandWords {
  const lines = text.trim().split(/\s+/);
  if (lines.length !== LAND_HEIGHT || lines.some((line) => line.length !== LAND_WIDTH)) {
    throw new SprfError("INVALID_INPUT", `a land has ${LAND_HEIGHT} lines of ${LAND_WIDTH} letters`);
  }
  const fields = Array.from(lines.join(""), (letter) => {
    const field = LETTERS[letter];
    if (field === undefined) throw new SprfError("INVALID_INPUT", `${JSON.stringify(letter)} is no field of a land`);
    return field;
  });
  return wordsOfFields(fields);
}

/** The same the other way round, a line each. */
export function formatLand(fields: readonly LandField[]): readonly string[] {
  const letters = new Map(Object.entries(LETTERS).map(([letter, field]) => [field, letter]));
  const row = (y: number): readonly LandField[] => fields.slice(y * LAND_WIDTH, (y + 1) * LAND_WIDTH);
  return Array.from({ length: LAND_HEIGHT }, (_, y) =>
    row(y)
      .map((field) => letters.get(field))
      .join(""),
  );
}

function shiftOf(field: number): bigint {
  return BigInt(field % FIELDS_PER_WORD) * FIELD_BITS;
}
