import { readFileSync } from "node:fs";

import { expect } from "chai";

import { channelVectors } from "../../../helpers/channel-vectors.ts";

const FILE = new URL("../../../vectors/channels/records.json", import.meta.url);

describe("wire/channel: vectors", () => {
  it("should come to the bytes and hashes that docs/spec/channel-records.md promises others", () => {
    expect(channelVectors()).to.deep.equal(JSON.parse(readFileSync(FILE, "utf8")));
  });
});
