import { createSimulatedEngine } from "./engine.ts";
import type { Endpoints } from "./network.ts";
import { createSimulatedWorker, type SimulatedWorker } from "./worker.ts";
import type { World } from "./world.ts";

/** Steps of a worker within which it is killed: about three executions. */
const MOST_STEPS = 120;
const LEAST_DOWN_MS = 100;
const DOWN_MS = 15_000;
const LOOK_MS = 1_000;

/** The workers of a simulation, who are killed and started again as its plan says. */
export interface Fleet {
  readonly workers: readonly SimulatedWorker[];
  readonly endpoints: Endpoints;
  readonly kills: number;
  /** Kills all once more and resolves when all are up, to stay so. */
  restartAll(): Promise<void>;
  stop(): void;
}

export async function startFleet(world: World): Promise<Fleet> {
  const { plan, clock, trace, faults, watch } = world;
  const workers: SimulatedWorker[] = [];
  let kills = 0;
  let isOver = false;

  async function add(n: number): Promise<void> {
    const deals = world.fork();
    const who = `worker ${n}`;
    const isLiar = n <= plan.liars;
    let killsLeft = plan.workerKills[n - 1] ?? 0;
    let losesStore = !isLiar && n <= plan.liars + plan.lostStores;

    const start = (hasLostStore: boolean): void => {
      const isDoomed = killsLeft-- > 0 && !faults.areOver;
      worker.start({ stepsLeft: isDoomed ? deals.below(MOST_STEPS) : undefined, hasLostStore });
    };
    const restart = async (): Promise<void> => {
      await clock.sleep(LEAST_DOWN_MS + deals.below(DOWN_MS));
      trace.event(who, losesStore ? "started without its store" : "started");
      start(losesStore);
      losesStore = false;
    };
    const worker = createSimulatedWorker({
      ...world,
      n,
      isLiar,
      ledger: world.linkTo(who),
      content: await world.content(),
      engine: createSimulatedEngine({ worker: n, isLiar, clock, faults, watch, random: deals }),
      onKilled(why) {
        if (isOver) return;
        kills += 1;
        trace.event(who, `killed ${why}`);
        restart().catch((error: unknown) => watch.breach(`${who} did not start: ${String(error)}`));
      },
      onAnswer: (answer) => watch.answered(n, answer),
    });
    workers.push(worker);
    world.serve(worker.content, () => worker.endpoint() !== undefined);
    start(false);
  }

  async function untilAllAreUp(): Promise<void> {
    while (workers.some((worker) => worker.endpoint() === undefined)) await clock.sleep(LOOK_MS);
  }

  for (let n = 1; n <= plan.workers; n += 1) await add(n);
  return {
    workers,
    endpoints: (url) => workers.find((worker) => worker.url === url)?.endpoint(),
    get kills() {
      return kills;
    },
    async restartAll() {
      await untilAllAreUp();
      for (const worker of workers) worker.kill("with all others");
      await untilAllAreUp();
    },
    stop() {
      isOver = true;
      for (const worker of workers) worker.kill("at the end");
    },
  };
}
