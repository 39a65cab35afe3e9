import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readContent } from "../../src/execution/read-content.ts";
import { planOf } from "../compliance/runs.ts";
import { startDaemon, type Daemon } from "../helpers/daemon.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { startQueueWorker, type QueueWorker } from "../helpers/queue-worker.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { seededRandom } from "../helpers/seeded-random.ts";
import { until } from "../helpers/until.ts";

const TIMEOUT_MS = 240_000;
const RUNNERS = 3;
const RUNS = 60;
const SEED = Number(process.env["SPRF_RUNNERS_SEED"] ?? "9");
/** Longer than a lease. */
const STOPPED_MS = 12_000;

describeWithPart(
  "postgres",
  postgresAbsent(),
  `runners that are killed and stopped at random, seed ${SEED}`,
  function () {
    this.timeout(TIMEOUT_MS);
    let folder: string;
    let server: PostgresServer;
    let worker: QueueWorker;
    const runners = new Map<string, Daemon>();

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "sprf-runners-"));
      server = await startPostgres();
      worker = await startQueueWorker(server.url, join(folder, "worker"), { oneIn: 10 });
      await Promise.all(Array.from({ length: RUNNERS }, async (_, n) => await start(`runner-${n}`)));
    });
    after(async () => {
      for (const runner of runners.values()) await runner.kill();
      await worker.stop();
      await server.remove();
      await rm(folder, { recursive: true, force: true });
    });

    async function start(name: string): Promise<void> {
      runners.set(
        name,
        await startDaemon("test/helpers/runner-process.ts", [server.url, join(folder, name), name, "2"]),
      );
    }

    it("should lose no run, make none into two results, and take no stale one", async () => {
      const random = seededRandom(SEED);
      const { content, runs, postgres } = worker;
      const plans = await Promise.all(
        Array.from(
          { length: RUNS },
          async (_, n) => await planOf(content, `sleep ${200 + (n % 7) * 150} ${n}`, "so ", n),
        ),
      );
      let ended = 0;
      const outcomes = plans.map(async (plan) => {
        const outcome = await runs.run(plan);
        ended += 1;
        return Buffer.from(await readContent(content, outcome.newState, { maxBytes: 1_000 })).toString();
      });
      const all = Promise.all(outcomes);
      all.catch(() => undefined);
      await until(() => ended > 0, { timeoutMs: 60_000, what: "a first result" });
      const names = [...runners.keys()];
      const stopped = random.pick(names);
      const killed = random.pick(names.filter((name) => name !== stopped));
      const frozen = runners.get(stopped)!;
      process.kill(frozen.pid, "SIGSTOP");
      const frozenAt = performance.now();
      await runners.get(killed)?.kill();
      const isLate = random.below(2) === 0;
      if (!isLate) await start(killed);
      await server.kill();
      await server.start();
      if (isLate) await start(killed);
      await until(() => performance.now() - frozenAt > STOPPED_MS, {
        timeoutMs: 2 * STOPPED_MS,
        what: "the lease's end",
      });
      // Now it reports what others have made.
      process.kill(frozen.pid, "SIGCONT");

      expect(await all).to.deep.equal(plans.map((_, n) => `so sleep ${200 + (n % 7) * 150} ${n}`));
      const { rows } = await postgres.pool.query<{ runs: string; different: string }>(
        "SELECT count(*) AS runs, count(DISTINCT run) AS different FROM sprf.run_results",
      );
      expect(rows[0]?.runs, "one result a run").to.equal(rows[0]?.different);
      const views = await worker.queue.runners();
      expect(views.filter(({ setAside }) => setAside !== undefined)).to.deep.equal([]);
      await runners.get(stopped)?.stop();
    });
  },
);
