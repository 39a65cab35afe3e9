import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readNodeConsent } from "../../../src/config/node-consent-file.ts";
import { codeOf } from "../../helpers/code-of.ts";

const GOOD = {
  farmId: 1,
  deadlineSeconds: 1_800_000_000,
  signature: "0xabcd",
  resources: { cruCores: 4, sruBytes: "1024", hruBytes: "0", mruBytes: "2048" },
};

describe("config/node-consent-file", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-consent-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });
  const read = async (text: string) => {
    const path = join(folder, "consent.json");
    await writeFile(path, text);
    return await readNodeConsent(path);
  };

  it("should give what the farm's owner signed", async () => {
    expect(await read(JSON.stringify(GOOD))).to.deep.equal({
      ...GOOD,
      signature: new Uint8Array([0xab, 0xcd]),
      resources: { cruCores: 4, sruBytes: 1_024n, hruBytes: 0n, mruBytes: 2_048n },
    });
  });

  for (const [what, text] of Object.entries({
    "no JSON": "{",
    "no farm": JSON.stringify({ ...GOOD, farmId: undefined }),
    "half a byte": JSON.stringify({ ...GOOD, signature: "0xabc" }),
    "a negative disk": JSON.stringify({ ...GOOD, resources: { ...GOOD.resources, sruBytes: "-1" } }),
  })) {
    it(`should refuse ${what} as a setting that is wrong`, async () => {
      expect(await codeOf(read(text))).to.equal("CONFIG_INVALID");
    });
  }

  it("should refuse a file that is not there", async () => {
    expect(await codeOf(readNodeConsent(join(folder, "none.json")))).to.equal("CONFIG_INVALID");
  });
});
