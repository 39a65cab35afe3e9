import { expect } from "chai";

import { createPostgres } from "../../../../src/adapters/postgres/connect.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { migrate } from "../../../../src/adapters/postgres/migrate.ts";
import { createPostgresRunDesk } from "../../../../src/adapters/run-queue/postgres-desk.ts";
import { readRunQueue } from "../../../../src/adapters/run-queue/read-view.ts";
import { RUN_TABLES } from "../../../../src/adapters/run-queue/tables.ts";
import { readContent } from "../../../../src/execution/read-content.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import type { RunDesk, RunResultClaim, TakenRun } from "../../../../src/ports/run-queue.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { planOf } from "../../../compliance/runs.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createPlainEngine } from "../../../helpers/plain-engine.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { createRunFleet, type RunFleet } from "../../../helpers/run-fleet.ts";
import { until } from "../../../helpers/until.ts";

const TIMEOUT_MS = 60_000;
const OTHER_PROGRAM = "GBZXN7PIRZGNMHGA7MUUUF4GWPY5AYPV6LY4UV2GL6VJGIQRXFDNMADI";

describeWithPart("postgres", postgresAbsent(), "adapters/run-queue/postgres: runners that fail", function () {
  this.timeout(TIMEOUT_MS);
  let server: PostgresServer;
  let fleet: RunFleet;
  const desks: RunDesk[] = [];

  before(async () => {
    server = await startPostgres();
  });
  after(async () => await server.remove());
  beforeEach(async () => {
    fleet = await createRunFleet(server.url);
  });

  /** Runners at whose desks the test sits make no runs to compare with. */
  async function withoutChecks(): Promise<void> {
    await fleet.stop();
    fleet = await createRunFleet(server.url, { isChecked: false });
  }
  afterEach(async () => {
    for (const desk of desks.splice(0)) await desk.stop();
    await fleet.stop();
  });

  /** A desk at which the test itself sits. */
  async function sitAt(runner: string): Promise<RunDesk> {
    const parts = { postgres: fleet.postgres, runner, engines: ["wasi" as const], capacity: 1, version: "0" };
    const desk = createPostgresRunDesk({ ...parts, clock: systemClock, logger: createMemoryLogger() });
    desks.push(desk);
    await desk.start();
    return desk;
  }

  const takeOne = async (desk: RunDesk): Promise<TakenRun> => {
    const [run] = await desk.take(1, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return run!;
  };
  /** As if it had said nothing for a minute. */
  const loseLease = async ({ id }: TakenRun): Promise<void> => {
    const sql = "UPDATE sprf_queue.job SET heartbeat_on = now() - interval '1 minute' WHERE id = $1";
    await fleet.postgres.pool.query(sql, [id]);
  };
  const textOf = async (cid: string): Promise<string> =>
    Buffer.from(await readContent(fleet.content, cid, { maxBytes: 1_000_000 })).toString();
  const claimOf = async (state: string, output: string, gas: bigint): Promise<RunResultClaim> => ({
    kind: "done",
    status: "accepted",
    outputCid: await fleet.content.putFile(utf8(output)),
    newState: await fleet.content.putFile(utf8(state)),
    state: "file",
    gas,
    seconds: 1,
    detail: "",
  });

  it("should have another make what a silent runner had, and take nothing of that one any more", async () => {
    await withoutChecks();
    const silent = await sitAt("silent");
    const running = fleet.runs.run(await planOf(fleet.content, "more"));
    const stale = await takeOne(silent);
    await fleet.addRunner("other", createPlainEngine());
    const outcome = await running;
    expect(await textOf(outcome.newState)).to.equal("more");
    const late = await silent.report(stale, await claimOf("stale", "stale", 2_000n), { tookMs: 1 });
    expect(late, "the stale result").to.equal(false);
    expect((await silent.renew([stale])).lost).to.deep.equal([stale]);
    expect(stale.attempt).to.equal(0);
  });

  it("should take nothing of an attempt that was given to somebody else, while that one has it", async () => {
    await withoutChecks();
    const silent = await sitAt("first");
    const second = await sitAt("second");
    const running = fleet.runs.run(await planOf(fleet.content, "m"));
    const stale = await takeOne(silent);
    const held = await takeOne(second);
    expect(held).to.include({ id: stale.id, attempt: 1 });
    expect(await silent.report(stale, await claimOf("x", "x", 2_000n), { tookMs: 1 })).to.equal(false);
    expect(await second.report(held, await claimOf("m", "m", 2_012n), { tookMs: 1 })).to.equal(true);
    expect(await textOf((await running).newState)).to.equal("m");
    expect(await second.report(held, await claimOf("m", "m", 2_012n), { tookMs: 1 }), "again").to.equal(true);
    const sql = "SELECT attempt, runner FROM sprf.run_results WHERE run = $1";
    const { rows } = await fleet.postgres.pool.query<{ attempt: number; runner: string }>(sql, [stale.id]);
    expect(rows).to.deep.equal([{ attempt: 1, runner: "second" }]);
  });

  it("should take what a program says in any characters, and reports of a lot each for itself", async () => {
    await withoutChecks();
    const desk = await sitAt("full");
    const plans = await Promise.all([0, 1, 2].map(async (n) => await planOf(fleet.content, "x", "as it was", n)));
    const running = Promise.all(plans.map(async (plan) => await fleet.runs.run(plan)));
    const taken: TakenRun[] = [];
    while (taken.length < plans.length) taken.push(await takeOne(desk));
    const claim = {
      kind: "done",
      status: "rejected",
      outputCid: await fleet.content.putFile(utf8("no")),
      newState: await fleet.content.putFile(utf8("as it was")),
      state: "file",
      gas: 2_013n,
      seconds: 1,
      detail: "exit 3: a NUL \u0000 and half a pair \ud800",
    } as const;
    const [first] = taken;
    const stale = { ...first!, attempt: 7 };
    const reports = [...taken, stale].map(async (run) => await desk.report(run, claim, { tookMs: 1 }));
    expect(await Promise.all(reports)).to.deep.equal([true, true, true, false]);
    for (const { detail } of await running) expect(detail).to.equal(claim.detail);
  });

  it("should set a runner aside that claims what no honest run comes to, and have the run made by another", async () => {
    await withoutChecks();
    const odd = await sitAt("odd");
    const running = fleet.runs.run(await planOf(fleet.content, "more"));
    const run = await takeOne(odd);
    await odd.report(run, await claimOf("more", "more", 1n), { tookMs: 1 });
    await until(async () => (await odd.renew([])).setAside !== undefined, { what: "it is set aside" });
    await fleet.addRunner("honest", createPlainEngine());
    expect(await textOf((await running).newState)).to.equal("more");
    const views = await fleet.queue.runners();
    expect(views.find(({ id }) => id === "odd")).to.include({ isLive: false });
    // What it takes all the same is not taken from it.
    const next = fleet.runs.run(await planOf(fleet.content, "sleep 1"), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    expect(await textOf((await next).newState)).to.equal("sleep 1");
  });

  it("should set a runner aside that names other CPU seconds than the program does, and charge by the program's", async () => {
    await fleet.stop();
    fleet = await createRunFleet(server.url, { isChecked: false, engines: new Map([["wasi", createPlainEngine()]]) });
    const dear = await sitAt("dear");
    const running = fleet.runs.run(await planOf(fleet.content, "more"));
    const run = await takeOne(dear);
    await dear.report(run, { ...(await claimOf("more", "more", 9_018n)), seconds: 8 } as RunResultClaim, { tookMs: 1 });
    await until(async () => (await dear.renew([])).setAside !== undefined, { what: "it is set aside" });
    await fleet.addRunner("fair", createPlainEngine());
    expect(await running).to.include({ gas: 2_018n, seconds: 1 });
  });

  it("should find out by a third which of two runners is odd", async () => {
    const liar = createPlainEngine({ lie: () => "lie" });
    await fleet.addRunner("liar", liar);
    const running = fleet.runs.run(await planOf(fleet.content, "sleep 1500"));
    await until(() => liar.begun === 1, { what: "the odd run" });
    await fleet.addRunner("good", createPlainEngine());
    await fleet.addRunner("better", createPlainEngine());
    expect(await textOf((await running).newState)).to.equal("sleep 1500");
    const views = await fleet.queue.runners();
    expect(views.find(({ id }) => id === "liar")?.setAside).to.match(/not that of two others/);
    expect(views.filter(({ isLive }) => isLive).map(({ id }) => id)).to.have.members(["better", "good"]);
    expect(await textOf((await fleet.runs.run(await planOf(fleet.content, "on"))).newState)).to.equal("on");
    expect(liar.begun, "it gets nothing any more").to.equal(1);
  });

  it("should sign nothing when two runners differ and there is no third", async () => {
    await fleet.addRunner("left", createPlainEngine({ lie: () => "l" }));
    await fleet.addRunner("right", createPlainEngine({ lie: () => "r" }));
    expect(await codeOf(fleet.runs.run(await planOf(fleet.content, "more")))).to.equal("NON_DETERMINISTIC");
    const views = await fleet.queue.runners();
    expect(views.filter(({ id }) => id === "left" || id === "right").every(({ isLive }) => isLive)).to.equal(true);
  });

  it("should wait for a database that is restarted in the middle of a run, and go on", async () => {
    const engine = createPlainEngine();
    await fleet.addRunner("patient", engine);
    const running = fleet.runs.run(await planOf(fleet.content, "sleep 3000"));
    await until(() => engine.begun === 1, { what: "the run" });
    await server.kill();
    await server.start();
    expect(await textOf((await running).newState)).to.equal("sleep 3000");
    expect(await textOf((await fleet.runs.run(await planOf(fleet.content, "on"))).newState)).to.equal("on");
  });

  it("should end what it has begun when it is stopped, take no more, and keep results until they are here", async () => {
    const engine = createPlainEngine();
    const runner = await fleet.addRunner("drained", engine, { capacity: 1 });
    const first = fleet.runs.run(await planOf(fleet.content, "sleep 1000"));
    await until(() => engine.begun === 1, { what: "the run" });
    const second = fleet.runs.run(await planOf(fleet.content, "later"), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await runner.stop();
    expect(await textOf((await first).newState)).to.equal("sleep 1000");
    expect(engine.begun).to.equal(1);
    const held: string[] = [];
    for await (const { cid } of runner.content.held("run/")) held.push(cid);
    expect(held, "nothing is kept that is here").to.deep.equal([]);
    await fleet.addRunner("next", createPlainEngine());
    expect(await textOf((await second).newState)).to.equal("later");
  });

  it("should give up a run that one runner after the other lost, and go on with the next", async () => {
    await withoutChecks();
    const dying = await sitAt("dying");
    const lost = codeOf(fleet.runs.run(await planOf(fleet.content, "lost")));
    let last: TakenRun | undefined;
    for (let attempt = 0; attempt < 4; attempt++) {
      last = await takeOne(dying);
      expect(last.attempt).to.equal(attempt);
      await loseLease(last);
    }
    expect(await lost).to.equal("RUN_LOST");
    expect(await dying.report(last!, await claimOf("lost", "lost", 2_009n), { tookMs: 1 }), "too late").to.equal(false);
    await fleet.addRunner("living", createPlainEngine());
    expect(await textOf((await fleet.runs.run(await planOf(fleet.content, "next"))).newState)).to.equal("next");
    const { rowCount } = await fleet.postgres.pool.query("SELECT FROM sprf_queue.job WHERE state < 'completed'");
    expect(rowCount, "nothing of it is left to do").to.equal(0);
  });

  it("should take back what runs when the worker stops, and have its runner end it", async () => {
    const engine = createPlainEngine();
    await fleet.addRunner("busy", engine);
    const stopped = codeOf(fleet.runs.run(await planOf(fleet.content, "sleep 60000")));
    await until(() => engine.begun === 1, { what: "the run" });
    await fleet.queue.stop();
    expect(await stopped).to.equal("ABORTED");
    await until(() => engine.ended === 1, { what: "its end" });
    const { waiting, running } = await readRunQueue(fleet.postgres.pool);
    expect({ waiting, running }).to.deep.equal({ waiting: 0, running: 0 });
  });

  it("should let a program with one run go before most of another's many", async () => {
    const ended: string[] = [];
    const many = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => await planOf(fleet.content, `many ${n}`, "", n)),
    );
    const runs = many.map(async (plan) => await fleet.runs.run(plan).then(() => ended.push("many")));
    await until(async () => (await readRunQueue(fleet.postgres.pool)).waiting === many.length, { what: "they wait" });
    const one = { ...(await planOf(fleet.content, "one")), program: OTHER_PROGRAM };
    const last = fleet.runs.run(one).then(() => ended.push("one"));
    await until(async () => (await readRunQueue(fleet.postgres.pool)).waiting === many.length + 1, {
      what: "it waits",
    });
    await fleet.addRunner("single", createPlainEngine(), { capacity: 1 });
    await Promise.all([...runs, last]);
    expect(ended.indexOf("one")).to.be.lessThan(8);
    const view = await readRunQueue(fleet.postgres.pool);
    expect(view).to.include({ waiting: 0, running: 0, oldestMs: 0 });
    expect(view.runners.find(({ id }) => id === "single")).to.include({ done: 31, failed: 0 });
  });

  it("should show what waits here and in the worker, and what runners did in the last minutes", async () => {
    await fleet.stop();
    fleet = await createRunFleet(server.url, { requests: () => ({ waiting: 7, oldestMs: 90_000 }) });
    const { pool } = fleet.postgres;
    await pool.query("INSERT INTO sprf.runner_minutes VALUES ('quick', now() - interval '1 hour', 1000, 1000)");
    const engine = createPlainEngine();
    await fleet.addRunner("quick", engine);
    const plans = await Promise.all(
      ["a", "b", "c", "fail"].map(async (input, n) => await planOf(fleet.content, input, "", n)),
    );
    await Promise.allSettled(plans.map(async (plan) => await fleet.runs.run(plan)));
    const running = fleet.runs.run(await planOf(fleet.content, "sleep 1000"));
    await until(() => engine.begun === 5, { what: "the fifth" });
    const docker = { kind: "docker", image: "localhost/none:1", digest: "0".repeat(64) } as const;
    const abort = new AbortController();
    const plan = { ...(await planOf(fleet.content, "nobody's")), reference: docker };
    const given = codeOf(fleet.runs.run(plan, { signal: abort.signal }));
    await until(async () => (await fleet.queue.view()).waiting === 1, { what: "one that nobody makes" });
    const view = await fleet.queue.view();
    expect(view).to.deep.include({ waiting: 1, running: 1 });
    expect(view.oldestMs).to.be.within(0, TIMEOUT_MS);
    const quick = view.runners.find(({ id }) => id === "quick");
    expect(quick).to.include({ done: 3, failed: 1 });
    // Of four minutes to five.
    expect(quick?.donePerMinute).to.be.within(3 / 5, 3 / 4);
    expect(quick?.failedPerMinute).to.be.within(1 / 5, 1 / 4);
    await until(async () => (await fleet.queue.view()).requests.waiting === 7, { what: "the worker's word" });
    expect((await fleet.queue.view()).requests.oldestMs).to.be.within(90_000, 90_000 + TIMEOUT_MS);
    const old = "SELECT FROM sprf.runner_minutes WHERE minute < now() - interval '30 minutes'";
    await until(async () => (await pool.query(old)).rowCount === 0, { what: "old minutes are forgotten" });
    abort.abort();
    expect(await given).to.equal("ABORTED");
    await running;
  });

  it("should let nobody begin again under a name that is set aside", async () => {
    const odd = await sitAt("aside");
    await fleet.queue.setAside("aside", "its results are odd");
    await odd.stop();
    expect(await codeOf(sitAt("aside"))).to.equal("RUNNER_SET_ASIDE");
  });

  it("should take a database of the version before to its own, with what is in it", async () => {
    const { pool } = fleet.postgres;
    await pool.query("CREATE DATABASE earlier");
    const url = server.url.replace(/\/[^/]*$/, "/earlier");
    const earlier = createPostgres({ url, clock: systemClock, logger: createMemoryLogger() });
    try {
      await migrate(earlier.pool, { ...RUN_TABLES, steps: RUN_TABLES.steps.slice(0, -1) });
      await earlier.pool.query(
        `INSERT INTO sprf.runners (id, engines, capacity, version, done) VALUES ('known', '{wasi}', 2, '0', 41);
         INSERT INTO sprf.run_workers (worker, multiaddrs, gateway) VALUES ('0xworker', '{}', 'http://127.0.0.1:1');`,
      );
      const next = await createRunFleet(url);
      await next.addRunner("known", createPlainEngine());
      expect(await next.runs.run(await planOf(next.content, "more"))).to.include({ status: "accepted" });
      const view = await next.queue.view();
      expect(view.requests).to.deep.equal({ waiting: 0, oldestMs: 0 });
      expect(view.runners).to.have.length(1);
      expect(view.runners[0]).to.include({ id: "known", done: 42 });
      await next.stop();
      const { rows } = await earlier.pool.query("SELECT version FROM sprf.versions WHERE part = 'runs'");
      expect(rows).to.deep.equal([{ version: RUN_TABLES.steps.length }]);
    } finally {
      await earlier.close();
    }
  });

  it("should let that run of a program go first that ends first", async () => {
    const began: string[] = [];
    const engine = createPlainEngine();
    const noting: Engine = {
      ...engine,
      run: async (run, options) => {
        began.push(Buffer.from(run.input).toString());
        return await engine.run(run, options);
      },
    };
    const minutes = [9, 3, 8, 1, 2].map(async (n) => ({ n, plan: await planOf(fleet.content, `${n}`, "", n) }));
    const runs: Promise<unknown>[] = [];
    for (const { n, plan } of await Promise.all(minutes)) {
      runs.push(fleet.runs.run(plan, { deadlineMs: Date.now() + n * 15_000 }));
      await until(async () => (await readRunQueue(fleet.postgres.pool)).waiting === runs.length, { what: "it waits" });
    }
    const other = { ...(await planOf(fleet.content, "other")), program: OTHER_PROGRAM };
    runs.push(fleet.runs.run(other));
    await until(async () => (await readRunQueue(fleet.postgres.pool)).waiting === runs.length, { what: "all wait" });
    await fleet.addRunner("single", noting, { capacity: 1 });
    await Promise.all(runs);
    expect(began.filter((input) => input !== "other")).to.deep.equal(["1", "2", "3", "8", "9"]);
    expect(began.indexOf("other"), "and another program waits for one of these").to.be.lessThan(2);
  });

  it("should refuse a database that a newer program has used", async () => {
    const { pool } = fleet.postgres;
    await pool.query("UPDATE sprf.versions SET version = 99 WHERE part = 'runs'");
    try {
      const postgres = createPostgres({ url: server.url, clock: systemClock, logger: createMemoryLogger() });
      const parts = { postgres, runner: "old", engines: ["wasi" as const], capacity: 1, version: "0" };
      const desk = createPostgresRunDesk({ ...parts, clock: systemClock, logger: createMemoryLogger() });
      expect(await codeOf(desk.start())).to.equal("DATABASE_NEWER");
      await postgres.close();
    } finally {
      await pool.query("UPDATE sprf.versions SET version = $1 WHERE part = 'runs'", [RUN_TABLES.steps.length]);
    }
  });
});
