import { readFileSync } from "node:fs";

import { expect } from "chai";

import { decodeRecord } from "../../../src/wire/record.ts";
import { gridMessageVectors, marketVectors } from "../../helpers/message-vectors.ts";
import { programVectors } from "../../helpers/program-vectors.ts";
import { runVectors } from "../../helpers/run-vectors.ts";

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../vectors/${file}`, import.meta.url), "utf8"));

describe("wire: vectors", () => {
  it("should come to the bytes and hashes that docs/spec/programs.md and worker-api.md promise others", () => {
    expect(programVectors()).to.deep.equal(read("programs/records.json"));
  });

  it("should come to those of docs/spec/market-messages.md", () => {
    expect(marketVectors()).to.deep.equal(read("market/messages.json"));
  });

  it("should come to those of docs/spec/grid-messages.md", () => {
    expect(gridMessageVectors()).to.deep.equal(read("grid-messages/messages.json"));
  });

  it("should come to those of docs/spec/runs.md", () => {
    expect(runVectors()).to.deep.equal(read("runs/jobs.json"));
  });

  it("should have a record of every kind, each of which is read back", () => {
    const { records } = read("programs/records.json") as { records: { kind: string; block: string }[] };
    const kinds = records.map(({ block }) => decodeRecord(new Uint8Array(Buffer.from(block.slice(2), "hex"))).kind);
    expect(kinds).to.deep.equal(records.map(({ kind }) => kind));
    expect(new Set(kinds).size).to.equal(11);
  });
});
