import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readDevnetFile } from "../../src/config/devnet-file.ts";
import { connectGridOnChain } from "../../src/create-grid.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import type { Farm } from "../../src/ports/grid-registry.ts";
import { runCommandLine, startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { busyboxImage, dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
/** Daemons live as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };
const PUBLISHED_TIMEOUT_MS = 60_000;
const USER = 2;
/** Of their own, since others test on this machine as well. */
const PORT = 20_000 + (process.pid % 20_000);
const PUBLIC_IP = `127.0.10.${(process.pid % 200) + 20}`;
const PAGE = "it runs";

const fileOf = (image: string, message: string): string => `
name: hello
services:
  web:
    image: ${image}
    command: [sh, -c, "echo started; mkdir /www; echo \\"$$MESSAGE $$TOKEN\\" > /www/index.html; httpd -f -p 80 -h /www"]
    environment: {MESSAGE: ${message}}
    ports: ["public-0:${PORT}:80"]
    deploy: {resources: {limits: {cpus: 0.5, memory: 32M}}}
    restart: always
    x-sprf-secrets: {TOKEN: token}
secrets:
  token: {environment: TOKEN}
x-sprf: {public_ips: 1}
`;

describeWithPart("docker", await dockerNetworkAbsence(), "the commands of the grid", function (this: Mocha.Suite) {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let worker: RunningCommand;
  let folder: string;
  let image: string;
  const environment = (): Record<string, string> => ({ ...devnet.environment, TOKEN: "secret-token" });
  /** Runs a command as a document shows it, with the test's own files and addresses in place of the document's. */
  const lineOf = (line: string): string =>
    line
      .replaceAll("workload.yaml", join(folder, "workload.yaml"))
      .replace("--out recovered", `--out ${join(folder, "recovered")}`)
      .replace("127.0.10.1/8", `${PUBLIC_IP}/8`);
  const run = async (line: string): Promise<string> => (await succeed(lineOf(line), environment())).stdout;
  const fail = async (line: string): Promise<{ readonly code: number | string; readonly stderr: string }> =>
    await runCommandLine(lineOf(line), environment());
  const startNode = (): RunningCommand =>
    startCommand(
      "npx sprf worker --devnet --account 3 --node --farm 1",
      {
        ...devnet.environment,
        SPRF_NODE_FIREWALL: "managed-elsewhere",
        SPRF_NODE_POLL_MS: "1000",
        SPRF_NODE_CORES: "4",
        // The same account on another devnet has the same label else.
        SPRF_NODE_LABEL: `cli-${process.pid}`,
      },
      DAEMON,
    );
  const page = async (): Promise<string> => {
    try {
      return (await (await fetch(`http://${PUBLIC_IP}:${PORT}/`)).text()).trim();
    } catch {
      return "";
    }
  };

  before(async () => {
    image = await busyboxImage();
    folder = await mkdtemp(join(tmpdir(), "sprf-grid-"));
    await writeFile(join(folder, "workload.yaml"), fileOf(image, PAGE));
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
  });
  after(async () => {
    await worker?.end("SIGTERM");
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("makes a farm and its node", async () => {
    // docs-command: npx sprf grid farm create home --devnet --account 3
    expect(await run("npx sprf grid farm create home --devnet --account 3")).to.equal("farm 1\n");
    // docs-command: npx sprf grid farm add-ip 1 127.0.10.1/8 127.0.0.1 --devnet --account 3
    await run("npx sprf grid farm add-ip 1 127.0.10.1/8 127.0.0.1 --devnet --account 3");
    // docs-command: npx sprf worker --devnet --account 3 --node --farm 1
    worker = startNode();
    await worker.until(/is node 1 of the grid/);
    // docs-command: npx sprf grid node list --devnet
    expect(await run("npx sprf grid node list --devnet")).to.match(/^ *1 +home +up /m);
    expect(await run("npx sprf grid farm show 1 --devnet")).to.include(`${PUBLIC_IP}/8`);
    const account = devnetKeys(4).account;
    const out = join(folder, "consent.json");
    const resources = `--cores 2 --memory 1GiB --ssd 10GiB --out ${out}`;
    const strangers = `npx sprf grid farm consent 1 ${account} ${resources} --devnet --account 3`;
    expect((await fail(strangers)).stderr).to.include("NOT_REGISTERED");
    await run("npx sprf grid farm create other --devnet --account 4");
    await run(strangers);
    expect(await run(`npx sprf grid node register --consent ${out} --country BE --devnet --account 4`)).to.equal(
      "node 2\n",
    );
    await run("npx sprf grid node standby 2 --devnet --account 4");
    expect(await run("npx sprf grid node delete 2 --devnet --account 4")).to.match(/^node 2 retires at /);
    expect(await run("npx sprf grid farm list --devnet --json")).to.include('"name":"home"');
  });

  it("takes a farm's public IP away, and has it sell by another policy", async () => {
    const ip = "127.0.10.253";
    const farmOf4 = "--devnet --account 4";
    await run(`npx sprf grid farm add-ip 2 ${ip}/8 127.0.0.1 ${farmOf4}`);
    const { networks } = await readDevnetFile(devnet.file);
    const { peers, clusterId, shard } = networks.waku;
    const keys = devnetKeys(0);
    const observer = await connectGridOnChain({ networks: { ...networks, waku: { peers, clusterId, shard } }, keys });
    try {
      expect((await observer.registry.farm(2))?.publicIps).to.equal(1);
      const policy = await observer.registry.pricingPolicy(1);
      expect(await observer.registry.createPricingPolicy(policy!)).to.equal(2);
    } finally {
      await observer.close();
    }
    const strangers = await fail(`npx sprf grid farm remove-ip 2 ${ip} --devnet --account 5`);
    expect(strangers.stderr, "a farm is its owner's alone").to.match(/^error CHAIN_REVERTED: GridRegistry_/m);
    expect(await run(`npx sprf grid farm remove-ip 2 ${ip} ${farmOf4}`)).to.equal(`${ip} removed\n`);
    expect(await run(`npx sprf grid farm policy 2 2 ${farmOf4}`)).to.equal("farm 2 turns to policy 2\n");
    expect((await fail(`npx sprf grid farm policy 2 9 ${farmOf4}`)).stderr).to.match(/^error CHAIN_REVERTED: /m);
    const shown = JSON.parse(await run("npx sprf grid farm show 2 --devnet --json")) as { farm: Farm };
    expect(shown.farm.publicIps).to.equal(0);
    expect(shown.farm.nextPolicy?.pricingPolicyId).to.equal(2);
  });

  it("refuses what is wrong in one clear line, before anything is spent", async () => {
    const bad = join(folder, "bad.yaml");
    await writeFile(bad, fileOf(image, PAGE).replace("restart: always", "build: ."));
    const { code, stderr } = await fail(`npx sprf grid deploy ${bad} --devnet --account 5 --yes`);
    expect(code).to.equal(USER);
    expect(stderr).to.match(/^error WORKLOAD_FILE_INVALID: .*bad\.yaml:10:5: .*build/);
    const poor = await fail("npx sprf grid deploy workload.yaml --devnet --account 5 --yes");
    expect(poor.stderr).to.match(/^error BALANCE_TOO_LOW: /m);
    expect((await fail("npx sprf grid deploy nowhere.yaml --devnet --account 5")).stderr).to.include("INVALID_INPUT");
    expect((await fail("npx sprf grid cancel 7 --devnet --account 5")).stderr).to.include("CONTRACT_UNKNOWN");
    expect((await fail("npx sprf grid deposit much --devnet --account 5")).code).to.equal(USER);
  });

  it("deploys from a file, after saying what it costs", async () => {
    // docs-command: npx sprf grid deposit 1 --devnet --account 5 --yes
    expect(await run("npx sprf grid deposit 1 --devnet --account 5 --yes")).to.match(/^balance: 1 ether$/m);
    // docs-command: npx sprf grid deploy workload.yaml --devnet --quote
    expect(await run("npx sprf grid deploy workload.yaml --devnet --quote")).to.match(/^on node 1 +USD an hour/);
    expect((await fail("npx sprf grid deploy workload.yaml --devnet --account 5")).stderr).to.include("--yes");
    // docs-command: npx sprf grid deploy workload.yaml --devnet --account 5 --yes
    const shown = await run("npx sprf grid deploy workload.yaml --devnet --account 5 --yes");
    expect(shown).to.match(/contract 1 is deployed/);
    expect(shown).not.to.include("secret-token");
    await until(async () => (await page()) === `${PAGE} secret-token`, {
      timeoutMs: PUBLISHED_TIMEOUT_MS,
      what: "the page",
    });
  });

  it("tells how it stands, what it wrote and what it costs", async () => {
    // docs-command: npx sprf grid status --devnet --account 5
    expect(await run("npx sprf grid status --devnet --account 5")).to.match(
      /^ *1 +node +hello +deployed +1 +running /m,
    );
    const reserved = await fail(`npx sprf grid farm remove-ip 1 ${PUBLIC_IP} --devnet --account 3`);
    expect(reserved.stderr, "it is reserved").to.match(/^error CHAIN_REVERTED: GridRegistry_/m);
    // docs-command: npx sprf grid logs 1 web --devnet --account 5
    expect(await run("npx sprf grid logs 1 web --devnet --account 5")).to.equal("started\n");
    const following = startCommand("npx sprf grid logs 1 -f --devnet --account 5", environment());
    await following.until(/started/);
    expect((await following.end("SIGINT")).code).to.equal(130);
    // docs-command: npx sprf grid bill --devnet --account 5
    const bill = await run("npx sprf grid bill --devnet --account 5");
    expect(bill)
      .to.match(/^ *1 +node +deployed /m)
      .and.match(/^it lasts until +\d{4}-/m);
    expect(await run("npx sprf grid watch --rounds 1 --devnet --account 5")).to.include("contract 1 is well");
  });

  it("finishes with the next command what a kill -9 interrupted, without buying again", async () => {
    const other = fileOf(image, "other")
      .replace(`public-0:${PORT}`, `127.0.0.1:${PORT}`)
      .replace("public_ips: 1", "public_ips: 0");
    const path = join(folder, "other.yaml");
    await writeFile(path, other);
    const line = `npx sprf grid deploy ${path} --devnet --account 5 --yes`;
    // While the node is down, so that it cannot be done before it is killed.
    await worker.end("SIGTERM");
    // Without the bootstrap in between, which alone would be killed.
    const killed = startCommand(line.replace("npx sprf", "npx node src/cli/sprf.ts"), environment());
    await killed.until(/contract 2: sent to node/);
    await killed.end("SIGKILL");
    const away = await run("npx sprf grid recover --devnet --account 5 --out recovered");
    expect(away).to.match(
      /contract 1: its node cannot be reached now .*Try again later, or cancel 1 and deploy \S+\.yaml/,
    );
    expect(away).not.to.include("lost");
    worker = startNode();
    await worker.until(/is node 1 of the grid/);
    expect(await run(line)).to.match(/contract 2 is deployed; it was begun before/);
    const lines = (await run("npx sprf grid status --all --devnet --account 5 --json")).trim().split("\n");
    expect(lines.map((each) => (JSON.parse(each) as { contract: { state: string } }).contract.state)).to.deep.equal([
      "deployed",
      "deployed",
    ]);
    expect(await run("npx sprf grid cancel 2 --devnet --account 5")).to.equal("contract 2 is cancelled\n");
  });

  it("updates in place", async () => {
    await writeFile(join(folder, "workload.yaml"), fileOf(image, "updated"));
    // docs-command: npx sprf grid update 1 workload.yaml --devnet --account 5
    await run("npx sprf grid update 1 workload.yaml --devnet --account 5");
    await until(async () => (await page()) === "updated secret-token", {
      timeoutMs: PUBLISHED_TIMEOUT_MS,
      what: "the page",
    });
  });

  it("gets everything back with the words alone, and cancels", async () => {
    await rm(join(devnet.file.replace(/\.json$/, "-data"), "client-5"), { recursive: true, force: true });
    // docs-command: npx sprf grid recover --devnet --account 5 --out recovered
    expect(await run("npx sprf grid recover --devnet --account 5 --out recovered")).to.match(/contract 1: runs/);
    const recovered = join(folder, "recovered", "contract-1.yaml");
    expect(await readFile(recovered, "utf8")).to.include("updated");
    expect(await readFile(join(folder, "recovered", "contract-1.token.secret"), "utf8")).to.equal("secret-token");
    expect(await run(`npx sprf grid deploy ${recovered} --quote --devnet --account 5 --json`).catch(String)).to.include(
      "NO_NODE",
    );
    // docs-command: npx sprf grid cancel 1 --devnet --account 5
    expect(await run("npx sprf grid cancel 1 --devnet --account 5")).to.equal("contract 1 is cancelled\n");
    await until(async () => (await page()) === "", { timeoutMs: PUBLISHED_TIMEOUT_MS, what: "the end of the page" });
    expect(await run("npx sprf grid name my-shop --devnet --account 5 --yes")).to.include("holds the name my-shop");
    expect(await run("npx sprf grid rent 1 --devnet --account 5 --yes")).to.include("rents node 1");
    expect(await run("npx sprf grid withdraw 0.1 --devnet --account 5")).to.match(/^balance: 0\.\d+ ether$/m);
  });
});
