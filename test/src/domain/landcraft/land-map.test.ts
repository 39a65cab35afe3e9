import { expect } from "chai";
import fc from "fast-check";

import {
  fieldsOfWords,
  formatLand,
  LAND_HEIGHT,
  LAND_WIDTH,
  parseLand,
  wordsOfFields,
  type LandField,
} from "../../../../src/domain/landcraft/land-map.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const field = fc.constantFrom<LandField>("grass", "wood", "stone", "iron", "gold", "crystal", "water", "rock");
const land = fc.array(field, { minLength: LAND_WIDTH * LAND_HEIGHT, maxLength: LAND_WIDTH * LAND_HEIGHT });

describe("domain/landcraft/land-map", () => {
  it("should write every land as words and as text, and read it again", () => {
    fc.assert(
      fc.property(land, (fields) => {
        expect(fieldsOfWords(wordsOfFields(fields))).to.deep.equal(fields);
        expect(fieldsOfWords(parseLand(formatLand(fields).join("\n")))).to.deep.equal(fields);
      }),
      { numRuns: 20 },
    );
  });

  it("should have the first field in the lowest bits, as the contract does", () => {
    const lines = Array.from({ length: LAND_HEIGHT }, () => ".".repeat(LAND_WIDTH));
    lines[0] = `T~${".".repeat(LAND_WIDTH - 2)}`;
    lines[LAND_HEIGHT - 1] = `${".".repeat(LAND_WIDTH - 1)}#`;
    const words = parseLand(lines.join("\n"));
    expect(words[0]).to.equal(0xe1n);
    expect(words[7]).to.equal(15n << 252n);
  });

  it("should refuse a text that is no land", async () => {
    const row = ".".repeat(LAND_WIDTH);
    const texts = [
      "",
      `${row}\n`.repeat(LAND_HEIGHT - 1),
      `${row}.\n`.repeat(LAND_HEIGHT),
      `${row.slice(1)}?\n`.repeat(LAND_HEIGHT),
    ];
    for (const text of texts) {
      expect(await codeOf(Promise.resolve().then(() => parseLand(text)))).to.equal("INVALID_INPUT");
    }
    expect(await codeOf(Promise.resolve().then(() => wordsOfFields(["grass"])))).to.equal("INVALID_INPUT");
  });
});
