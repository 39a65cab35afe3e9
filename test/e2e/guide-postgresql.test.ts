import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import type { RunningCommand } from "../helpers/command.ts";
import { gridAbsence, postgresImage } from "../helpers/debian-image.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { openGuide } from "../helpers/guide.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

/** The image may have to be built first. */
const SUITE_TIMEOUT_MS = 300_000;
/** It lives as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };
const DATABASE_TIMEOUT_MS = 120_000;
/** Of their own, since others test on this machine as well. */
const PORT = String(20_000 + (process.pid % 20_000));
const PUBLIC_IP = `127.0.11.${(process.pid % 200) + 20}`;
const PASSWORD = "only-the-user-knows";
const NO_IMAGE = `registry.example/postgresql@sha256:${"0".repeat(64)}`;
const run = promisify(execFile);

describeWithPart("grid", await gridAbsence(), "the guide: deploy PostgreSQL on a node", function (this: Mocha.Suite) {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;
  let workload: string;
  let worker: RunningCommand;
  const guide = openGuide("docs/guides/deploy-postgresql.md", {
    environment: () => ({ ...devnet.environment, DB_PASSWORD: PASSWORD }),
    named: (line) => line.replace("postgresql.yaml", workload).replace("127.0.10.1/8", `${PUBLIC_IP}/8`),
  });
  const psql = async (query: string, password = PASSWORD): Promise<string> => {
    const { stdout } = await run("psql", ["-h", PUBLIC_IP, "-p", PORT, "-U", "postgres", "-At", "-c", query], {
      env: { PATH: process.env["PATH"], PGPASSWORD: password, PGCONNECT_TIMEOUT: "20" },
    });
    return stdout.trim();
  };
  const answers = async (): Promise<boolean> => {
    try {
      return (await psql("select 1")) === "1";
    } catch {
      return false;
    }
  };
  const answersAgain = async (): Promise<void> =>
    await until(answers, { timeoutMs: DATABASE_TIMEOUT_MS, what: "the database" });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-guide-"));
    workload = join(folder, "postgresql.yaml");
    const image = await postgresImage();
    const example = await readFile("examples/deployments/postgresql.yaml", "utf8");
    await writeFile(workload, example.replace(NO_IMAGE, image).replace("public-0:5432:", `public-0:${PORT}:`));
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
    guide.ran("npx sprf devnet");
  });
  after(async () => {
    await worker?.end("SIGTERM");
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("makes a farm and its node", async () => {
    await guide.run("npx sprf grid farm create home --devnet --account 3");
    await guide.run("npx sprf grid farm add-ip 1 127.0.10.1/8 127.0.0.1 --devnet --account 3");
    worker = guide.start("npx sprf worker --devnet --account 3 --node --farm 1", {
      SPRF_NODE_FIREWALL: "managed-elsewhere",
      SPRF_NODE_POLL_MS: "1000",
      SPRF_NODE_CORES: "2",
      SPRF_NODE_LABEL: `guide-${process.pid}`,
    });
    await worker.until(/is node 1 of the grid/);
    expect(await guide.run("npx sprf grid node list --devnet")).to.match(/^ *1 +home +up /m);
  });

  it("deploys a database that answers from outside to who has the password", async () => {
    await guide.run("npx sprf grid deposit 1 --devnet --account 5 --yes");
    // docs-command: npx sprf grid deploy postgresql.yaml --devnet --quote
    expect(await guide.run("npx sprf grid deploy postgresql.yaml --devnet --quote")).to.match(/^on node 1 /m);
    // docs-command: npx sprf grid deploy postgresql.yaml --devnet --account 5 --yes
    const deployed = await guide.run("npx sprf grid deploy postgresql.yaml --devnet --account 5 --yes");
    expect(deployed).to.match(/contract 1 is deployed/);
    expect(deployed).not.to.include(PASSWORD);
    await answersAgain();
    // docs-command: psql -h 127.0.10.1 -p 5432 -U postgres -c "create table kept (line text)"
    guide.ran('psql -h 127.0.10.1 -p 5432 -U postgres -c "create table kept (line text)"');
    await psql("create table kept (line text)");
    await psql("insert into kept values ('before the update')");
    const refused = await psql("select 1", "a-guess").catch((error: unknown) => String(error));
    expect(refused).to.include("password authentication failed");
  });

  it("has its password on the chain sealed alone", async () => {
    const block = async (method: string, params: readonly unknown[]): Promise<unknown> => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const headers = { "content-type": "application/json" };
      const response = await fetch(devnet.environment["SPRF_CHAIN_URL"] ?? "", { method: "POST", headers, body });
      return ((await response.json()) as { result: unknown }).result;
    };
    const count = Number(await block("eth_blockNumber", []));
    const written = await Promise.all(
      Array.from({ length: count + 1 }, async (_, number) =>
        JSON.stringify(await block("eth_getBlockByNumber", [`0x${number.toString(16)}`, true])),
      ),
    );
    const contracts = (await devnet.read()).networks.chain.grid?.contracts.toLowerCase() ?? "none";
    expect(written.join("\n").toLowerCase(), "the contract was bought in one of these").to.include(contracts);
    expect(written.join("\n")).not.to.include(Buffer.from(PASSWORD).toString("hex"));
  });

  it("tells how it stands, and keeps its data through an update", async () => {
    expect(await guide.run("npx sprf grid status --devnet --account 5")).to.match(/^ *1 +node +database +deployed /m);
    // docs-command: npx sprf grid logs 1 db --devnet --account 5
    const logs = await guide.run("npx sprf grid logs 1 db --devnet --account 5");
    expect(logs).not.to.include(PASSWORD);
    expect(await guide.run("npx sprf grid bill --devnet --account 5")).to.match(/^ *1 +node +deployed /m);
    await writeFile(
      workload,
      (await readFile(workload, "utf8")).replace("PGDATA: /data/db", "PGDATA: /data/db\n      LANG: C.UTF-8"),
    );
    // docs-command: npx sprf grid update 1 postgresql.yaml --devnet --account 5
    await guide.run("npx sprf grid update 1 postgresql.yaml --devnet --account 5");
    await answersAgain();
    expect(await psql("select line from kept")).to.equal("before the update");
  });

  it("ends it", async () => {
    expect(await guide.run("npx sprf grid cancel 1 --devnet --account 5")).to.equal("contract 1 is cancelled\n");
    await until(async () => !(await answers()), { timeoutMs: DATABASE_TIMEOUT_MS, what: "the end of the database" });
    guide.expectWhole();
  });
});
