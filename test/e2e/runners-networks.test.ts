import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isSprfError } from "../../src/errors.ts";
import { readContent } from "../../src/execution/read-content.ts";
import type { RunOutcome, RunPlan } from "../../src/ports/runs.ts";
import { planOf } from "../compliance/runs.ts";
import { startDaemon, type Daemon } from "../helpers/daemon.ts";
import { readDeskEvents, type DeskEvent } from "../helpers/deaf-desk.ts";
import { createTestNetwork, namespacesAbsence, type Namespace, type TestNetwork } from "../helpers/namespaces.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { startQueueWorker, type QueueWorker } from "../helpers/queue-worker.ts";
import { recordReports, type TakenReport } from "../helpers/report-record.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { seededRandom, type SeededRandom } from "../helpers/seeded-random.ts";
import { until } from "../helpers/until.ts";

const SEEDS = process.env["SPRF_RUNNERS_SEED"]?.split(",").map(Number) ?? [1, 2, 3];
const TIMEOUT_MS = 180_000;
/** The lease, the time in which it is seen that it ran out, and what a loaded machine adds. */
const TAKEN_OVER_MS = 60_000;
const RUNNERS = 3;
const RUNS = 24;
const SLOW_KBIT = 96;

describeWithPart(
  "netns",
  (await namespacesAbsence()) ?? postgresAbsent(),
  "runners in networks of their own that are killed, cut off, slowed and stopped at random",
  function () {
    this.timeout(TIMEOUT_MS);
    let folder: string;
    let network: TestNetwork;
    let server: PostgresServer;
    let worker: QueueWorker;
    let reports: () => Promise<readonly TakenReport[]>;
    let runners: readonly Runner[] = [];
    /** How runners ended that nobody had killed. */
    const problems: string[] = [];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "sprf-networks-"));
      network = await createTestNetwork();
      server = await startPostgres(network);
      const listen = [`/ip4/${network.host}/tcp/0`];
      // What runners make has their names in it, so that they cannot be compared.
      worker = await startQueueWorker(server.url, join(folder, "worker"), { isChecked: false, listen });
      reports = await recordReports(worker.postgres);
      runners = await Promise.all(
        Array.from({ length: RUNNERS }, async (_, n) => await startRunner(`runner-${n}`, await network.add())),
      );
    });
    after(async () => {
      for (const runner of runners) await runner.kill();
      await worker.stop();
      await server.remove();
      await network.remove();
      await rm(folder, { recursive: true, force: true });
    });

    interface Runner {
      readonly name: string;
      readonly link: Namespace;
      /** What it has done in all its lives. */
      events(): readonly DeskEvent[];
      signal(name: "SIGSTOP" | "SIGCONT"): void;
      kill(): Promise<void>;
      start(): Promise<void>;
    }

    async function startRunner(name: string, link: Namespace): Promise<Runner> {
      const options = [server.url, join(folder, name), name, "2", "deaf"];
      const logFile = join(folder, `${name}.log`);
      const killed = new Set<Daemon>();
      const begin = async (): Promise<Daemon> => {
        const life = await startDaemon("test/helpers/runner-process.ts", options, { within: link.command, logFile });
        void life.ended.then(({ how, log }) => {
          if (!killed.has(life)) problems.push(`${name} ended by itself with ${how}:\n${log}`);
        });
        return life;
      };
      const lives: Daemon[] = [await begin()];
      const last = (): Daemon => lives.at(-1)!;
      return {
        name,
        link,
        events: () => readDeskEvents(logFile),
        signal: (signal) => void process.kill(last().pid, signal),
        async kill() {
          killed.add(last());
          await last().kill();
        },
        start: async () => void lives.push(await begin()),
      };
    }

    /** Waits until it has just taken a run; resolves with what it has. */
    async function busy(runner: Runner): Promise<readonly DeskEvent[]> {
      const countTaken = (): number => runner.events().filter(({ what }) => what === "taken").length;
      const before = countTaken();
      await until(() => countTaken() > before, { timeoutMs: TAKEN_OVER_MS, what: `${runner.name} takes a run` });
      const events = runner.events();
      const over = events.filter(({ what }) => what !== "taken").map(keyOf);
      return events.filter((event) => event.what === "taken" && !over.includes(keyOf(event)));
    }

    /** Waits until all of these were given to others. */
    async function takenOver(held: readonly DeskEvent[]): Promise<void> {
      const { pool, patiently } = worker.postgres;
      const sql = `SELECT count(*) FROM sprf_queue.job, unnest($1::uuid[], $2::int[]) AS held (run, attempt)
        WHERE id = held.run AND retry_count = held.attempt AND state IN ('active', 'retry')`;
      const isOver = async (): Promise<boolean> => {
        const values = [held.map(({ run }) => run), held.map(({ attempt }) => attempt)];
        const { rows } = await patiently(async () => await pool.query<{ count: string }>(sql, values));
        return rows[0]?.count === "0";
      };
      await until(isOver, { timeoutMs: TAKEN_OVER_MS, everyMs: 200, what: "others have its runs" });
    }

    const faults: readonly ((runner: Runner, random: SeededRandom) => Promise<void>)[] = [
      async function cutOff(runner) {
        const held = await busy(runner);
        await runner.link.cut();
        await takenOver(held);
        await runner.link.mend();
      },
      async function stop(runner) {
        const held = await busy(runner);
        runner.signal("SIGSTOP");
        await takenOver(held);
        runner.signal("SIGCONT");
      },
      async function killAndSlow(runner, random) {
        await busy(runner);
        await runner.kill();
        await runner.link.slow(SLOW_KBIT * (1 + random.below(4)));
        await pause(random.below(4_000));
        await runner.start();
      },
    ];

    async function pause(ms: number): Promise<void> {
      const untilMs = performance.now() + ms;
      await until(() => performance.now() >= untilMs, { timeoutMs: 2 * ms + 1_000, what: "the next fault" });
    }

    /** As a client does, that asks again for what every runner lost. */
    async function runPatiently(plan: RunPlan): Promise<RunOutcome> {
      for (;;) {
        try {
          return await worker.runs.run(plan);
        } catch (error) {
          if (!isSprfError(error, "RUN_LOST")) throw error;
        }
      }
    }

    for (const seed of SEEDS) {
      it(`should lose no run, make none into two results, and take no stale one, with seed ${seed}`, async () => {
        const random = seededRandom(seed);
        const { content } = worker;
        const earlier = new Set((await reports()).map(({ run }) => run));
        const countRefused = (): number =>
          runners.flatMap((runner) => runner.events()).filter(({ what }) => what === "refused").length;
        const refusedEarlier = countRefused();
        for (const { link } of runners) await link.hasten();
        const inputs = Array.from({ length: RUNS }, (_, n) => `sleep ${2_000 + random.below(1_500)} ${n}`);
        const plans = await Promise.all(inputs.map(async (input, n) => await planOf(content, input, "so ", n)));
        const all = Promise.all(plans.map(runPatiently));
        all.catch(() => undefined);
        const order = random.shuffle(runners);
        const delays = faults.map(() => random.below(4_000));
        const outageAtMs = random.below(15_000);
        await Promise.all([
          ...faults.map(async (fault, n) => {
            await pause(delays[n]!);
            await fault(order[n]!, random);
          }),
          pause(outageAtMs).then(async () => {
            await server.kill();
            await server.start();
          }),
        ]);

        const outcomes = await all;
        const taken = await reports();
        expect(new Set(taken.map(({ run }) => run)).size, "one result a run").to.equal(taken.length);
        for (const { attempt, jobAttempt, jobState } of taken) {
          expect({ attempt, jobState }, "of the last attempt").to.deep.equal({
            attempt: jobAttempt,
            jobState: "completed",
          });
        }
        for (const [n, { newState }] of outcomes.entries()) {
          const makers = taken.flatMap(({ claim, runner }) =>
            claim.kind === "done" && claim.newState === newState ? [runner] : [],
          );
          const text = Buffer.from(await readContent(content, newState, { maxBytes: 1_000 })).toString();
          expect(makers.map((maker) => `so ${inputs[n]} by ${maker}`)).to.include(text);
        }
        expect(problems, "runners that ended by themselves").to.deep.equal([]);
        const tookOver = taken.filter(({ run, attempt }) => attempt > 0 && !earlier.has(run)).length;
        expect(tookOver, "runs that were lost and made by another").to.be.at.least(1);
        // The last of them may still be on its way.
        const wereStale = (): boolean => countRefused() > refusedEarlier;
        await until(wereStale, { timeoutMs: TAKEN_OVER_MS, what: "a stale report" });
        const views = await worker.queue.runners();
        expect(views.filter(({ setAside }) => setAside !== undefined)).to.deep.equal([]);
      });
    }
  },
);

function keyOf({ run, attempt }: DeskEvent): string {
  return `${run} ${attempt}`;
}
