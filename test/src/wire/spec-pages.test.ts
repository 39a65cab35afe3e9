import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { expect } from "chai";

const PAGES = "docs/spec";
const INDEX = readFileSync(`${PAGES}/README.md`, "utf8");
const pages = globSync("*.md", { cwd: PAGES });
const texts = pages.map((page) => readFileSync(`${PAGES}/${page}`, "utf8")).join("\n");
/** Hashed by this machine for itself: nobody else ever sees them. */
const OWN_DOMAINS = ["sprf/deployment-request/1", "sprf/devnet-content-node/1", "sprf/devnet-waku-peer/1"];

describe("docs/spec", () => {
  it("has a page for every module of src/wire, and names no others", () => {
    const rows = [...INDEX.matchAll(/^\| `([\w/.-]+\.ts)` +\| \[([\w-]+\.md)\]/gm)];
    expect(rows.map(([, file = ""]) => file).sort()).to.deep.equal(globSync("**/*.ts", { cwd: "src/wire" }).sort());
    expect(pages).to.include.members(rows.map(([, , page = ""]) => page));
  });

  it("lists every page", () => {
    const listed = [...INDEX.matchAll(/^\| \[([\w-]+\.md)\]/gm)].map(([, page = ""]) => page);
    expect([...listed, "README.md"].sort()).to.deep.equal([...pages].sort());
  });

  it("names every file of vectors, or its folder", () => {
    const named = (path: string): boolean => texts.includes(`test/vectors/${path}`);
    const unnamed = globSync("**/*.json", { cwd: "test/vectors" }).filter(
      (file) => !named(file) && !named(dirname(file)),
    );
    expect(unnamed).to.deep.equal([]);
  });

  it("explains every domain that the code hashes under", () => {
    const sources = globSync("src/**/*.ts").map((path) => readFileSync(path, "utf8"));
    const domains = sources.flatMap((text) =>
      [...text.matchAll(/"(sprf\/[a-z-]+\/\d+)"/g)].map(([, domain = ""]) => domain),
    );
    const unexplained = domains.filter((domain) => !OWN_DOMAINS.includes(domain) && !texts.includes(domain));
    expect(unexplained).to.deep.equal([]);
  });
});
