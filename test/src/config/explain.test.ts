import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { explainSettings, settingsJsonSchema, type ExplainedSetting } from "../../../src/config/explain.ts";
import { ENVIRONMENT } from "../../../src/config/schema.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { ENOUGH_SETTINGS } from "../../helpers/enough-settings.ts";

const WORDS = "test test test test test test test test test test test junk";

const find = (settings: readonly ExplainedSetting[], path: string): ExplainedSetting | undefined =>
  settings.find((setting) => setting.path === path);

describe("config/explain", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-explain-"));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("should say of each setting who says so", async () => {
    const file = join(folder, "settings.json");
    await writeFile(file, JSON.stringify({ http: { port: 8_100 }, logLevel: "warn" }));
    const settings = await explainSettings({
      file,
      environment: { ...ENOUGH_SETTINGS, SPRF_LOG_LEVEL: "error" },
      flags: { dataDirectory: "data" },
    });
    const shown = (path: string) => {
      const { value, from } = find(settings, path) ?? {};
      return { value, from };
    };
    expect(shown("http.port")).to.deep.equal({ value: "8100", from: file });
    expect(shown("logLevel")).to.deep.equal({ value: "error", from: "SPRF_LOG_LEVEL" });
    expect(shown("dataDirectory")).to.deep.equal({ value: "data", from: "option" });
    expect(shown("worker.slots")).to.deep.equal({ value: "2", from: "default" });
    expect(shown("networks.waku.peers")).to.deep.equal({
      value: ENOUGH_SETTINGS.SPRF_WAKU_PEERS,
      from: "SPRF_WAKU_PEERS",
    });
    expect(shown("identity.keystore")).to.deep.equal({ value: undefined, from: "default" });
  });

  it("should show no words", async () => {
    const settings = await explainSettings({ environment: { ...ENOUGH_SETTINGS, SPRF_MNEMONIC: WORDS } });
    expect(find(settings, "identity.mnemonic")).to.include({ value: "(hidden)", from: "SPRF_MNEMONIC" });
    expect(JSON.stringify(settings)).not.to.contain("junk");
  });

  it("should refuse what no daemon would start with", async () => {
    expect(await codeOf(explainSettings({ environment: {} }))).to.equal("CONFIG_INVALID");
  });

  it("should have every variable of the environment in its schema", () => {
    const text = JSON.stringify(settingsJsonSchema());
    for (const variable of Object.keys(ENVIRONMENT)) expect(text).to.contain(`"x-environment":"${variable}"`);
  });
});
