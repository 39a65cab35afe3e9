import { expect } from "chai";

import { startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
const STARTED_MS = 60_000;
const OK = 200;
const UNAVAILABLE = 503;

interface Ready {
  readonly ready: boolean;
  readonly phase: string;
  readonly parts: Readonly<Record<string, { readonly ready: boolean; readonly problem?: string }>>;
}

describe("daemons as those see them who run them", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  const daemons = new Map<string, { readonly command: RunningCommand; readonly adminUrl: string }>();

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet --admin-port 9460");
    const lines = {
      // docs-command: npx sprf worker --devnet --account 3 --admin-port 9464
      worker: "npx sprf worker --devnet --account 3 --admin-port 9464",
      // docs-command: npx sprf tester --devnet --account 6 --admin-port 9465
      tester: "npx sprf tester --devnet --account 6 --admin-port 9465",
      // docs-command: npx sprf indexer --devnet --follow --admin-port 9466
      indexer: "npx sprf indexer --devnet --follow --admin-port 9466",
      // docs-command: npx sprf dashboard --devnet --admin-port 9468
      dashboard: "npx sprf dashboard --devnet --port 0 --admin-port 9468",
    };
    const starting = Object.entries(lines).map(async ([name, line]) => {
      const command = startCommand(`${line.replace(/--admin-port \d+/, "--admin-port 0")} --json`, devnet.environment);
      const [, adminUrl = ""] = await command.until(/"adminUrl":"([^"]+)"/);
      daemons.set(name, { command, adminUrl });
    });
    await Promise.all(starting);
  });
  after(async () => {
    await Promise.all([...daemons.values()].map(async ({ command }) => await command.end("SIGTERM")));
    await devnet?.stop();
  });

  it("should say that they are alive, and ready with each part", async () => {
    const wanted = {
      worker: ["chain", "ledger", "messages", "content", "store", "engine", "queue"],
      tester: ["chain", "ledger", "messages", "content", "store", "engine"],
      indexer: ["index", "store"],
      dashboard: ["index", "store"],
    };
    for (const [name, parts] of Object.entries(wanted)) {
      const health = await get(name, "health");
      expect([health.status, await health.json()]).to.deep.include.members([OK]);
      await until(async () => (await readyOf(name)).status === OK, { timeoutMs: STARTED_MS });
      const { body } = await readyOf(name);
      expect(Object.keys(body.parts)).to.have.members(parts);
    }
  });

  it("should serve their metrics", async () => {
    const worker = await metricsOf("worker");
    expect(worker).to.match(/^sprf_worker_open_agreements\{part="worker"\} 0$/m);
    expect(worker).to.match(/^sprf_daemon_ready_parts\{part="chain"\} 1$/m);
    expect(await metricsOf("indexer")).to.match(/^sprf_indexer_block_number\{of="indexed",part="indexer"\} \d+$/m);
    expect(await metricsOf("dashboard")).to.match(/^sprf_indexer_block_number\{of="indexed",part="dashboard"\} \d+$/m);
    expect(await metricsOf("tester")).to.match(/^process_open_fds/m);
  });

  it("should tell `sprf worker status` what waits, where that knows whom to ask", async () => {
    const line = "npx sprf worker status --devnet --account 3";
    const asking = `${line} --admin-port ${new URL(adminOf("worker")).port}`;
    const { stdout } = await succeed(asking, devnet.environment);
    expect(stdout).to.match(/^queue +0 waiting; 0 running$/m);
    const { queue } = JSON.parse((await succeed(`${asking} --json`, devnet.environment)).stdout) as { queue: unknown };
    expect(queue).to.deep.equal({ waiting: 0, running: 0, oldestMs: 0 });
    expect((await succeed(line, devnet.environment)).stdout).to.match(/^queue +not known: --admin-port /m);
  });

  it("should not be ready, but alive, while their networks are away, and end with 0 all the same", async () => {
    await devnet.command.end("SIGTERM");
    for (const name of daemons.keys()) {
      await until(async () => (await readyOf(name)).status === UNAVAILABLE, { timeoutMs: STARTED_MS });
      expect((await get(name, "health")).status).to.equal(OK);
    }
    const { parts } = (await readyOf("worker")).body;
    expect(parts["chain"]?.problem).to.match(/^CHAIN_UNREACHABLE|^TIMEOUT/);
    expect(parts["ledger"]?.problem).to.match(/^LEDGER_UNREACHABLE|^TIMEOUT/);
    expect(parts["store"]?.ready).to.equal(true);
    const ended = await Promise.all([...daemons.values()].map(async ({ command }) => await command.end("SIGTERM")));
    expect(ended.map(({ code, stderr }) => [code, code === 0 ? "" : stderr])).to.deep.equal(ended.map(() => [0, ""]));
  });

  function adminOf(name: string): string {
    return daemons.get(name)?.adminUrl ?? "";
  }

  /** On a connection of its own: one that was idle may be closed in the moment in which it is used again. */
  async function get(name: string, path: string): Promise<Response> {
    return await fetch(`${adminOf(name)}/${path}`, { headers: { connection: "close" } });
  }

  async function readyOf(name: string): Promise<{ readonly status: number; readonly body: Ready }> {
    const answer = await get(name, "ready");
    return { status: answer.status, body: (await answer.json()) as Ready };
  }

  async function metricsOf(name: string): Promise<string> {
    return await (await get(name, "metrics")).text();
  }
});
