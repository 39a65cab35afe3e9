import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createPostgres } from "../../src/adapters/postgres/connect.ts";
import { runCommandLine, startCommand, succeed, type Environment, type RunningCommand } from "../helpers/command.ts";
import { startDaemon } from "../helpers/daemon.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { wasiSdkAbsence } from "../helpers/wasi-sdk.ts";

const SUITE_TIMEOUT_MS = 300_000;
const absent = postgresAbsent() ?? (await wasiSdkAbsence());

describeWithPart("postgres", absent, "a worker whose executions runners make", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let server: PostgresServer;
  let devnet: DevnetCommand;
  let environment: Environment;
  let home: string;
  const daemons: RunningCommand[] = [];
  const start = async (line: string, up: RegExp, own: Environment = {}): Promise<RunningCommand> => {
    const moved = line.replace(/\.sprf\//, `${home}/`);
    const daemon = startCommand(moved, { ...environment, ...own }, { timeoutMs: SUITE_TIMEOUT_MS });
    daemons.push(daemon);
    await daemon.until(up);
    return daemon;
  };
  const run = async (line: string): Promise<string> =>
    (await succeed(line.replaceAll(/(?<= )hello/g, join(home, "hello")), environment)).stdout;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-scale-"));
    server = await startPostgres();
    devnet = await startDevnetCommand("npx sprf devnet", { timeoutMs: SUITE_TIMEOUT_MS });
    environment = { ...devnet.environment, DATABASE_URL: server.url };
    await Promise.all([
      start("npx sprf worker --devnet --account 3", /^worker \d+ /m, {
        SPRF_RUNS: "0",
        SPRF_DATA_DIRECTORY: join(home, "w"),
      }),
      start("npx sprf tester --devnet --account 7", /^tester \d+ /m, { SPRF_DATA_DIRECTORY: join(home, "t") }),
    ]);
  });
  after(async () => {
    for (const daemon of daemons) await daemon.end("SIGTERM");
    await devnet?.stop();
    await server?.remove();
    await rm(home, { recursive: true, force: true });
  });

  it("should run programs on runners, go on when one is killed, and show what each did", async () => {
    // docs-command: npx sprf runner --name first --data .sprf/first --runs 2
    const options = [
      "--name",
      "first",
      "--data",
      join(home, "first"),
      "--runs",
      "2",
      "--json",
      "--database",
      server.url,
      "--admin-port",
      "0",
    ];
    const first = await startDaemon("runner", options);
    const { adminUrl, ...info } = first.info as { readonly adminUrl: string };
    expect(info).to.deep.equal({ runner: "first", engines: ["wasi"], runs: 2 });
    // docs-command: npx sprf runner --name second --data .sprf/second --runs 2
    await start("npx sprf runner --name second --data .sprf/second --runs 2", /^runner second takes /m);
    await run("npx sprf program init hello");
    const built = await run("npx sprf program build hello");
    const cid = /^CID +(baf\w+)/m.exec(built)?.[1] ?? "";
    await run("npx sprf program push hello --devnet --account 5");
    const bought = await run("npx sprf market buy --redundancy 1 --length 600 --devnet --account 5 --yes");
    const agreement = /^agreement (0x\w{40})$/m.exec(bought)?.[1] ?? "";
    const create = `npx sprf program create --agreement ${agreement} --cid ${cid} --devnet --account 5 --yes`;
    const account = /^created (G[A-Z2-7]{55})$/m.exec(await run(create))?.[1] ?? "";
    const again = `npx sprf program run ${account} --input hello/input.txt --devnet --account 5 --yes`;
    expect(await run(again)).to.equal("5\n");
    const ready = await fetch(`${adminUrl}/ready`);
    const { parts } = (await ready.json()) as { readonly parts: Readonly<Record<string, object>> };
    expect(ready.status, JSON.stringify(parts)).to.equal(200);
    expect(parts).to.have.all.keys("content", "store", "engine", "queue");
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).to.match(/^sprf_runner_queue_runs\{state="waiting",part="runner"\} 0$/m);
    expect(metrics).to.match(/^sprf_runner_runs_total\{runner="first",outcome="failed",part="runner"\} 0$/m);
    await first.kill();
    expect(await run(again)).to.equal("10\n");
    expect(await run(`npx sprf audit ${account} --devnet`)).to.match(/clean/);
    // docs-command: npx sprf runner status
    const status = await run("npx sprf runner status");
    expect(status).to.match(/^0 waiting; 0 running$/m);
    expect(status).to.match(/^second +up +wasi +2 +[1-9]\d* +0 +\d+ +[\d.]+ +0\.0$/m);
    // docs-command: npx sprf worker status --devnet --account 3
    const worker = await run("npx sprf worker status --devnet --account 3");
    expect(worker).to.match(/^queue +0 waiting; 0 running$/m);
    expect(worker).to.match(/^second +up /m);
    const { code, stderr } = await runCommandLine("npx sprf runner status", { DATABASE_URL: "mysql://x" });
    expect(stderr).to.match(/^error CONFIG_INVALID: /);
    expect(code).to.equal(2);
  });

  it("should end in order", async () => {
    const second = daemons.at(-1)!;
    expect((await second.end("SIGTERM")).code).to.equal(0);
    expect(await run("npx sprf runner status")).to.match(/^second +away/m);
  });

  it("should let no runner begin that is set aside, and no program that is older than the database", async () => {
    const postgres = createPostgres({ url: server.url, clock: systemClock, logger: createMemoryLogger() });
    const refusalOf = async (line: string): Promise<{ readonly stderr: string; readonly code: number | string }> => {
      const { stderr, code } = await runCommandLine(line, environment);
      expect(stderr.trim().split("\n")).to.have.length.at.most(2);
      return { stderr, code };
    };
    await postgres.pool.query(
      "UPDATE sprf.runners SET set_aside_at = now(), set_aside_why = 'odd' WHERE id = 'second'",
    );
    const aside = await refusalOf(`npx sprf runner --name second --data ${join(home, "second")}`);
    expect(aside.stderr).to.match(/^error RUNNER_SET_ASIDE: runner second is set aside: odd/m);
    expect(aside.code).to.equal(2);
    await postgres.pool.query("UPDATE sprf.versions SET version = version + 1 WHERE part = 'runs'");
    const older = await refusalOf("npx sprf runner status");
    expect(older.stderr).to.match(
      /^error DATABASE_NEWER: its runs tables are of version \d+, this program knows up to \d+/m,
    );
    expect(older.code).to.equal(2);
    await postgres.pool.query("UPDATE sprf.versions SET version = version - 1 WHERE part = 'runs'");
    await postgres.close();
  });

  it("should refuse a second worker of the account on this database", async () => {
    const line = "npx sprf worker --devnet --account 3";
    const { code, stderr } = await runCommandLine(line, { ...environment, SPRF_DATA_DIRECTORY: join(home, "other") });
    expect(stderr).to.match(/^error STORE_IN_USE: /m);
    expect(code).to.equal(2);
  });
});
