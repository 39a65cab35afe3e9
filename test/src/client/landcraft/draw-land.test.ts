import { expect } from "chai";

import { drawLand, redraw } from "../../../../src/client/landcraft/draw-land.ts";
import { sightOf, type LandSight } from "../../../../src/client/landcraft/land-sight.ts";
import { parseLand } from "../../../../src/domain/landcraft/land-map.ts";
import { DEVNET_LANDS } from "../../../../src/devnet/lands.ts";

const COLUMNS = 80;
const ROWS = 24;
const OWN = `0x${"ab".repeat(20)}`;
const OTHER = `0x${"cd".repeat(20)}`;

/** With a hero in each of these places. */
function sight(heroes: readonly { readonly owner: string; readonly x: number; readonly deed?: number }[]): LandSight {
  const amounts = [1n, 2n, 3n, 512n, 0n];
  const view = {
    name: "Valley",
    tick: 12n,
    fields: [...parseLand(DEVNET_LANDS[0]?.text ?? "")],
    stock: amounts,
    heroes: heroes.map(({ owner, x, deed = 0 }, seat) => ({
      seat,
      hero: { owner, x, y: 4, facing: 1, deed, id: seat + 1, dug: 10 * seat },
      items: amounts,
    })),
  };
  return sightOf(view, 40);
}

describe("client/landcraft/draw-land", () => {
  it("should show the land, its heroes and what they carry, in 80 columns and 24 rows", () => {
    const heroes = [
      { owner: OWN, x: 3 },
      { owner: OTHER, x: 5, deed: 2 },
    ];
    const lines = drawLand(sight(heroes), { account: OWN, isColoured: false, message: "hello" });
    expect(lines.length).to.be.at.most(ROWS - 1);
    for (const line of lines) expect(line.length, line).to.be.at.most(COLUMNS);
    expect(lines[0]).to.equal("Valley   tick 12   2 heroes");
    // In the row of y 4: rock, grass, the own hero looking east, and another one at work.
    expect(lines[6]).to.match(/^\|██· · @>· B\*· /);
    expect(lines.join("\n")).to.match(/1 wood +1$/m);
    expect(lines.join("\n")).to.match(/B cdcd +10$/m);
    expect(lines).to.include("hello");
  });

  it("should fit with sixteen heroes who carry much, and without one's own", () => {
    const heroes = Array.from({ length: 16 }, (_, x) => ({ owner: OTHER, x }));
    const lines = drawLand(sight(heroes), { account: OWN, isColoured: false });
    for (const line of lines) expect(line.length, line).to.be.at.most(COLUMNS);
    expect(lines.join("\n")).to.match(/1 wood +-$/m);
  });

  it("should use colours where it is told to, and only there", () => {
    const plain = drawLand(sight([]), { account: OWN, isColoured: false }).join("\n");
    const coloured = drawLand(sight([]), { account: OWN, isColoured: true }).join("\n");
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001b\[[\d;]*m/g, "")).to.equal(plain);
    expect(plain).not.to.include("\u001b");
    expect(coloured).to.include("\u001b[");
  });

  it("should write again what has changed, and nothing else", () => {
    expect(redraw([], ["a", "b"])).to.equal("\u001b[1;1Ha\u001b[K\u001b[2;1Hb\u001b[K");
    expect(redraw(["a", "b"], ["a", "c"])).to.equal("\u001b[2;1Hc\u001b[K");
    expect(redraw(["a", "b"], ["a", "b"])).to.equal("");
    expect(redraw(["a", "b"], ["a"])).to.equal("\u001b[2;1H\u001b[J");
  });
});
