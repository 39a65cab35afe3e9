import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { settingsSchema } from "../../src/config/schema.ts";
import { runCommandLine } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { openGuide } from "../helpers/guide.ts";

const SUITE_TIMEOUT_MS = 180_000;
/** It lives as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };
const GUIDE = "docs/guides/public-networks.md";
const SETTINGS = "examples/settings/sepolia.json";
const UNHEALTHY = 10;

/** Nothing here leaves loopback: the page's settings are read, and used with the addresses of a devnet in their places. */
describe("the guide: point it at public networks", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;
  const inFolder = (name: string): string => join(folder, name);
  const keystore = (): Record<string, string> => ({
    SPRF_KEYSTORE: inFolder("home.json"),
    SPRF_PASSWORD_FILE: inFolder("password"),
  });
  const guide = openGuide(GUIDE, {
    environment: () => ({ ...devnet.environment, SPRF_CHAIN_URL: "" }),
    named: (line) =>
      line
        .replace("--password-file password", `--directory ${folder} --password-file ${inFolder("password")}`)
        .replace("public.json", inFolder("public.json")),
  });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-guide-"));
    await writeFile(inFolder("password"), "for this test alone\n", { mode: 0o600 });
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
  });
  after(async () => {
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("shows the settings that the example has, and they are complete", () => {
    const text = readFileSync(SETTINGS, "utf8");
    expect(readFileSync(GUIDE, "utf8")).to.include(`\`\`\`json\n${text}\`\`\``);
    const settings = settingsSchema.parse(JSON.parse(text));
    expect(settings.networks.ledger.networkPassphrase).to.equal("Test SDF Network ; September 2015");
  });

  it("makes keys, and deploys", async () => {
    await guide.run("npx sprf keys create home --password-file password");
    await guide.run("npx sprf keys show home --password-file password");
    expect(await guide.run("npx hardhat run scripts/deploy.ts --network devnet")).to.match(
      /^deployed on chain 31337$/m,
    );
  });

  it("says where each setting came from, and what there is to set", async () => {
    const example = JSON.parse(readFileSync(SETTINGS, "utf8")) as { networks: object };
    const { networks } = await devnet.read();
    await writeFile(inFolder("public.json"), JSON.stringify({ ...example, networks }));
    // docs-command: npx sprf config show --config public.json
    const shown = await guide.run("npx sprf config show --config public.json");
    expect(shown).to.match(
      /^networks\.ledger\.rpcUrl +http:\/\/127\.0\.0\.1:\d+ +\S+public\.json +SPRF_LEDGER_URL *$/m,
    );
    expect(shown).to.match(/^http\.publicUrl +https:\/\/worker\.example +\S+public\.json +SPRF_PUBLIC_URL *$/m);
    // docs-command: npx sprf config schema
    expect(JSON.parse(await guide.run("npx sprf config schema"))).to.have.nested.property("properties.networks");
  });

  it("looks whether the networks are there", async () => {
    // docs-command: npx sprf doctor --config public.json
    const line = "npx sprf doctor --config public.json";
    guide.ran(line);
    const path = inFolder("public.json");
    const environment = { ...keystore(), SPRF_DATA_DIRECTORY: inFolder("data") };
    const found = await runCommandLine(line.replace("public.json", path), environment);
    expect(found.code, found.stdout).to.equal(0);
    expect(found.stdout).to.match(/^ok +ledger +http:\/\/127\.0\.0\.1/m);
    expect(found.stdout).to.match(/^ok +messages +/m);
    expect(found.stdout).to.match(/^warning +account +0x\w{40}, no twin yet; it has no ether$/m);
  });

  it("says of networks that are not there what to do", async () => {
    const dead = { ...keystore(), SPRF_DATA_DIRECTORY: inFolder("data"), SPRF_LEDGER_URL: "http://127.0.0.1:1" };
    const line = `npx sprf doctor --config ${inFolder("public.json")} --json`;
    const { code, stdout } = await runCommandLine(line, dead);
    expect(code).to.equal(UNHEALTHY);
    const { findings } = JSON.parse(stdout) as { findings: { part: string; health: string; mend?: string }[] };
    const ledger = findings.find(({ part }) => part === "ledger");
    expect(ledger?.health).to.equal("failed");
    expect(ledger?.mend).to.not.equal(undefined);
    expect(findings.find(({ part }) => part === "chain")?.health).to.equal("ok");
  });

  it("shows nothing else", () => guide.expectWhole());
});
