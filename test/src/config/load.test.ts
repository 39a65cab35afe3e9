import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createKeystore } from "../../../src/adapters/keystore/encrypted-file.ts";
import { readDevnetFile, writeDevnetFile, type DevnetFile } from "../../../src/config/devnet-file.ts";
import { loadSettings } from "../../../src/config/load.ts";
import { ENVIRONMENT, settingsSchema } from "../../../src/config/schema.ts";
import { createKeys } from "../../../src/create-keys.ts";
import { deriveTwinKeys } from "../../../src/domain/identity/keys.ts";
import type { SprfError } from "../../../src/errors.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { ENOUGH_SETTINGS, SOME_ADDRESS } from "../../helpers/enough-settings.ts";

const JUNK = "test test test test test test test test test test test junk";

const DEVNET: DevnetFile = {
  networks: {
    chain: {
      rpcUrl: "http://127.0.0.1:1",
      contracts: {
        twins: SOME_ADDRESS,
        dispatcher: SOME_ADDRESS,
        testers: SOME_ADDRESS,
        disputes: SOME_ADDRESS,
        records: SOME_ADDRESS,
      },
      pollingIntervalMs: 50,
    },
    ledger: { rpcUrl: "http://127.0.0.1:2", networkPassphrase: "devnet" },
    waku: {
      peers: ["/ip4/127.0.0.1/tcp/3/p2p/c"],
      clusterId: 7,
      shard: 1,
      messenger: "relay",
      serviceNodes: ["/ip4/127.0.0.1/tcp/3/p2p/c"],
    },
  },
  friendbotUrl: "http://127.0.0.1:2/friendbot",
  contentMultiaddrs: [],
  mnemonic: JUNK,
};

describe("config/load", () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-config-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("should need no more than the networks, and know its defaults", async () => {
    const settings = await loadSettings({ environment: ENOUGH_SETTINGS });
    expect(settings.networks.waku.peers).to.deep.equal(ENOUGH_SETTINGS.SPRF_WAKU_PEERS.split(","));
    expect(settings.networks.chain.pollingIntervalMs).to.equal(1_000);
    expect(settings.engines.kinds).to.deep.equal(["wasi"]);
    expect(settings.http).to.deep.equal({ host: "127.0.0.1", port: 0 });
    expect(settings.worker.slots).to.equal(2);
  });

  it("should put flags over the environment over a file over a devnet over defaults", async () => {
    const [devnetFile, file] = [at("devnet.json"), at("settings.json")];
    await writeDevnetFile(devnetFile, DEVNET);
    await writeFile(file, JSON.stringify({ http: { port: 1, host: "0.0.0.0" }, logLevel: "warn", dataDirectory: "f" }));
    const settings = await loadSettings({
      devnetFile,
      file,
      environment: { SPRF_HTTP_PORT: "2", SPRF_LOG_LEVEL: "error", SPRF_WAKU_SHARD: "3", SPRF_HTTP_HOST: "" },
      flags: { "http.port": 4, dataDirectory: undefined },
    });
    expect(settings.http).to.deep.equal({ host: "0.0.0.0", port: 4 });
    expect(settings.logLevel).to.equal("error");
    expect(settings.dataDirectory).to.equal("f");
    expect(settings.networks.waku).to.deep.equal({ ...DEVNET.networks.waku, shard: 3 });
    expect(settings.identity).to.deep.equal({ mnemonic: JUNK, accountIndex: 0 });
  });

  const wrong: ReadonlyArray<readonly [variable: keyof typeof ENVIRONMENT, value: string]> = [
    ["SPRF_CHAIN_URL", "localhost"],
    ["SPRF_TWINS_ADDRESS", "0x12"],
    ["SPRF_HTTP_PORT", "70000"],
    ["SPRF_HTTP_PORT", "eighty"],
    ["SPRF_LOG_LEVEL", "loud"],
    ["SPRF_APPLICATION_TYPE", "0x00"],
    ["SPRF_WORKER_STAKE_WEI", "-1"],
    ["SPRF_SLOTS", "0"],
  ];
  for (const [variable, value] of wrong) {
    it(`should name the field and the variable of ${variable}=${value}`, async () => {
      const error = (await loadSettings({ environment: { ...ENOUGH_SETTINGS, [variable]: value } }).catch(
        (thrown: unknown) => thrown,
      )) as SprfError;
      expect(error.code).to.equal("CONFIG_INVALID");
      expect(error.message).to.contain(ENVIRONMENT[variable]).and.to.contain(variable);
    });
  }

  it("should name the first setting that is missing, and fields that it does not know", async () => {
    for (const missing of Object.keys(ENOUGH_SETTINGS) as Array<keyof typeof ENOUGH_SETTINGS>) {
      const error = (await loadSettings({ environment: { ...ENOUGH_SETTINGS, [missing]: undefined } }).catch(
        (thrown: unknown) => thrown,
      )) as SprfError;
      expect(error.code).to.equal("CONFIG_INVALID");
      expect(error.message).to.contain(ENVIRONMENT[missing]);
    }
    await writeFile(at("typo.json"), JSON.stringify({ htttp: {} }));
    const error = await loadSettings({ environment: ENOUGH_SETTINGS, file: at("typo.json") }).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as SprfError).message).to.contain("htttp");
  });

  it("should know the grid's contracts all together, or none", async () => {
    const grid = {
      SPRF_GRID_REGISTRY: SOME_ADDRESS,
      SPRF_GRID_CONTRACTS: SOME_ADDRESS,
      SPRF_GRID_PRICES: SOME_ADDRESS,
      SPRF_GRID_QUOTES: SOME_ADDRESS,
    };
    const { networks } = await loadSettings({ environment: { ...ENOUGH_SETTINGS, ...grid } });
    expect(networks.chain.grid).to.deep.equal({
      registry: SOME_ADDRESS,
      contracts: SOME_ADDRESS,
      prices: SOME_ADDRESS,
      quotes: SOME_ADDRESS,
    });
    expect((await loadSettings({ environment: ENOUGH_SETTINGS })).networks.chain.grid).to.equal(undefined);
    const error = await loadSettings({ environment: { ...ENOUGH_SETTINGS, ...grid, SPRF_GRID_PRICES: "" } }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.have.property("code", "CONFIG_INVALID");
    expect(error).to.have.property("message").that.includes("SPRF_GRID_PRICES");
  });

  it("should know the channels' contracts both, or neither", async () => {
    const channels = { SPRF_CHANNEL_HUB: SOME_ADDRESS, SPRF_CHANNEL_POOL: SOME_ADDRESS };
    const { networks } = await loadSettings({ environment: { ...ENOUGH_SETTINGS, ...channels } });
    expect(networks.chain.channels).to.deep.equal({ hub: SOME_ADDRESS, pool: SOME_ADDRESS });
    expect((await loadSettings({ environment: ENOUGH_SETTINGS })).networks.chain.channels).to.equal(undefined);
    const error = await loadSettings({ environment: { ...ENOUGH_SETTINGS, SPRF_CHANNEL_HUB: SOME_ADDRESS } }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.have.property("message").that.includes("SPRF_CHANNEL_POOL");
  });

  it("should refuse files that cannot be read", async () => {
    await writeFile(at("list.json"), "[]");
    await writeFile(at("half.json"), "{");
    for (const name of ["absent.json", "list.json", "half.json"]) {
      expect(await codeOf(loadSettings({ environment: ENOUGH_SETTINGS, file: at(name) }))).to.equal("CONFIG_INVALID");
      expect(await codeOf(loadSettings({ environment: ENOUGH_SETTINGS, devnetFile: at(name) }))).to.equal(
        "CONFIG_INVALID",
      );
    }
  });

  it("should set with every variable a field that the schema knows", () => {
    for (const path of Object.values(ENVIRONMENT)) {
      const tree: Record<string, unknown> = {};
      let branch = tree;
      const names = path.split(".");
      for (const name of names.slice(0, -1)) branch = branch[name] = {} as Record<string, unknown>;
      branch[names.at(-1)!] = Symbol("no value of any field");
      const { error } = settingsSchema.safeParse(tree);
      expect(
        error?.issues.some((issue) => issue.code === "unrecognized_keys"),
        path,
      ).to.equal(false);
    }
  });

  describe("keys", () => {
    it("should come from words, or from a keystore and the file with its password", async () => {
      const words = await loadSettings({
        environment: { ...ENOUGH_SETTINGS, SPRF_MNEMONIC: JUNK, SPRF_ACCOUNT_INDEX: "2" },
      });
      expect((await createKeys(words)).account).to.equal(deriveTwinKeys(JUNK, { accountIndex: 2 }).account);

      await createKeystore(at("keys.json"), JUNK, "open sesame", { scryptN: 1024 });
      await writeFile(at("password"), "open sesame\n");
      const environment = { ...ENOUGH_SETTINGS, SPRF_KEYSTORE: at("keys.json"), SPRF_PASSWORD_FILE: at("password") };
      const settings = await loadSettings({ environment });
      expect((await createKeys(settings)).account).to.equal(deriveTwinKeys(JUNK).account);
      await writeFile(at("password"), "sesame");
      expect(await codeOf(createKeys(settings))).to.equal("KEYSTORE_WRONG_PASSWORD");
    });

    it("should be asked for when none are set", async () => {
      expect(await codeOf(loadSettings({ environment: ENOUGH_SETTINGS }).then(createKeys))).to.equal("NO_KEYS");
      const environment = { ...ENOUGH_SETTINGS, SPRF_KEYSTORE: at("keys.json") };
      expect(await codeOf(loadSettings({ environment }).then(createKeys))).to.equal("CONFIG_INVALID");
    });
  });

  it("should read back what a devnet wrote", async () => {
    await writeDevnetFile(at("sub/devnet.json"), DEVNET);
    expect(await readDevnetFile(at("sub/devnet.json"))).to.deep.equal(DEVNET);
  });
});
