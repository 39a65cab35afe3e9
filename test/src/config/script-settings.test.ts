import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { adoptMarket, devnetDataDirectory, devnetFilePath, readDevnetFile } from "../../../src/config/devnet-file.ts";
import { gridDeployment, scriptSettings } from "../../../src/config/script-settings.ts";
import { SprfError } from "../../../src/errors.ts";
import { codeOf } from "../../helpers/code-of.ts";

const SOMEWHERE = { SPRF_CHAIN_URL: "http://127.0.0.1:1" };

describe("config/script-settings and devnet-file", () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-config-"));
    file = join(folder, "devnet.json");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("should use devnet's file, and so its accounts, on the network devnet alone", () => {
    expect(scriptSettings("devnet", { SPRF_DEVNET_FILE: file })).to.deep.equal({ devnetFile: file });
    expect(scriptSettings("sepolia", { SPRF_DEVNET_FILE: file })).to.deep.equal({});
    expect(scriptSettings(undefined, { SPRF_DEVNET_FILE: file })).to.deep.equal({});
  });

  it("should do without the file when the environment says where the chain is", async () => {
    const environment = { ...SOMEWHERE, SPRF_DEVNET_FILE: file };
    expect(scriptSettings("devnet", environment)).to.deep.equal({});
    await writeFile(file, "{}");
    expect(scriptSettings("devnet", environment)).to.deep.equal({ devnetFile: file });
  });

  it("should look in the working directory unless it is told where", () => {
    expect(devnetFilePath({})).to.equal(".sprf/devnet.json");
    expect(devnetFilePath({ SPRF_DEVNET_FILE: "" })).to.equal(".sprf/devnet.json");
    expect(devnetFilePath({ SPRF_DEVNET_FILE: file })).to.equal(file);
    expect(devnetDataDirectory(file)).to.equal(join(folder, "devnet-data"));
  });

  it("should say in one line what is wrong with the file", async () => {
    expect(await codeOf(readDevnetFile(file))).to.equal("CONFIG_INVALID");
    for (const text of ["{", "[]", "{}", '{"networks":{}}']) {
      await writeFile(file, text);
      const error = await readDevnetFile(file).catch((thrown: unknown) => thrown);
      expect(error).to.have.property("code", "CONFIG_INVALID");
      expect(error).to.have.property("message").that.does.not.contain("\n");
    }
  });

  it("should have only the devnet of a market's chain adopt that market", async () => {
    const address = (digit: string): string => `0x${digit.repeat(40)}`;
    const old = {
      twins: address("1"),
      dispatcher: address("2"),
      testers: address("3"),
      disputes: address("7"),
      records: address("8"),
    };
    const contracts = {
      twins: address("4"),
      dispatcher: address("5"),
      testers: address("6"),
      disputes: address("9"),
      records: address("a"),
    };
    const rpcUrl = "http://127.0.0.1:2";
    await writeFile(
      file,
      JSON.stringify({
        networks: {
          chain: { rpcUrl, contracts: old },
          ledger: { rpcUrl, networkPassphrase: "devnet" },
          waku: { peers: [] },
        },
        friendbotUrl: rpcUrl,
        contentMultiaddrs: [],
        mnemonic: "",
      }),
    );
    expect(await adoptMarket(join(folder, "none.json"), { rpcUrl, contracts })).to.equal(false);
    expect(await adoptMarket(file, { rpcUrl: "http://127.0.0.1:3", contracts })).to.equal(false);
    expect((await readDevnetFile(file)).networks.chain.contracts).to.deep.equal(old);
    expect(await adoptMarket(file, { rpcUrl, contracts })).to.equal(true);
    expect((await readDevnetFile(file)).networks.chain.contracts).to.deep.equal(contracts);

    const grid = { registry: address("b"), contracts: address("c"), prices: address("d"), quotes: address("e") };
    expect(await adoptMarket(file, { rpcUrl, contracts, grid })).to.equal(true);
    expect((await readDevnetFile(file)).networks.chain.grid).to.deep.equal(grid);
    expect(await adoptMarket(file, { rpcUrl, contracts: old })).to.equal(true);
    expect((await readDevnetFile(file)).networks.chain, "a grid goes with its market").to.not.have.property("grid");

    const channels = { hub: address("f"), pool: address("0") };
    expect(await adoptMarket(file, { rpcUrl, contracts, channels })).to.equal(true);
    expect(await adoptMarket(file, { rpcUrl, contracts: old })).to.equal(true);
    expect((await readDevnetFile(file)).networks.chain.channels, "channels need no market").to.deep.equal(channels);
  });

  it("should know a grid's price feed and treasury beyond devnet, or that there is none", () => {
    const [priceFeed, treasury] = [`0x${"a".repeat(40)}`, `0x${"b".repeat(40)}`];
    expect(gridDeployment({})).to.equal(undefined);
    expect(gridDeployment({ SPRF_PRICE_FEED: "", SPRF_TREASURY: treasury })).to.equal(undefined);
    expect(gridDeployment({ SPRF_PRICE_FEED: priceFeed })).to.deep.equal({ priceFeed });
    expect(gridDeployment({ SPRF_PRICE_FEED: priceFeed, SPRF_TREASURY: treasury })).to.deep.equal({
      priceFeed,
      treasury,
    });
    for (const environment of [{ SPRF_PRICE_FEED: "eth-usd" }, { SPRF_PRICE_FEED: priceFeed, SPRF_TREASURY: "0x1" }]) {
      expect(() => gridDeployment(environment))
        .to.throw(SprfError)
        .with.property("code", "CONFIG_INVALID");
    }
  });
});
