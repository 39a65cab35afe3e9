import { createSimulatedEngine } from "./engine.ts";
import { simulatedWorkerApi, type Endpoints } from "./network.ts";
import { workerName } from "./plan.ts";
import { createSimulatedWorker, type SimulatedWorker } from "./worker.ts";
import type { World } from "./world.ts";

/** Steps of a worker within which it is killed: about three executions, or some looks at what waits for a batch. */
const MOST_STEPS = 240;
const LEAST_DOWN_MS = 100;
const DOWN_MS = 15_000;
const LOOK_MS = 1_000;
/** Nobody's at first; an owner may put it in the place of another. */
export const SPARE_WORKERS = 1;

/** The workers of a simulation, who are killed and started again as its plan says. */
export interface Fleet {
  /** The spare one, which no program names at first, is the last. */
  readonly workers: readonly SimulatedWorker[];
  readonly endpoints: Endpoints;
  readonly kills: number;
  /** Binds all workers to these programs. */
  serve(programs: readonly string[]): void;
  /** Kills all once more and resolves when all but the dead are up, to stay so. */
  restartAll(): Promise<void>;
  stop(): void;
}

export async function startFleet(world: World): Promise<Fleet> {
  const { plan, clock, trace, faults, watch } = world;
  const workers: SimulatedWorker[] = [];
  const endpoints: Endpoints = (url) => workers.find((worker) => worker.url === url)?.endpoint();
  /** Those that will not come back. */
  const mortal = new Set<number>();
  let programs: readonly string[] = [];
  let kills = 0;
  let isOver = false;

  async function add(n: number): Promise<void> {
    const deals = world.fork();
    const who = workerName(n);
    const isLiar = n <= plan.liars;
    let killsLeft = plan.workerKills[n - 1] ?? 0;
    const staysDead = n <= plan.workers && n > plan.workers - plan.dead;
    if (staysDead) mortal.add(n);
    let losesStore = !isLiar && n <= plan.liars + plan.lostStores;

    const start = (hasLostStore: boolean): void => {
      const isDoomed = staysDead || (killsLeft-- > 0 && !faults.areOver);
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
        if (staysDead) return;
        restart().catch((error: unknown) => watch.breach(`${who} did not start: ${String(error)}`));
      },
      peers: simulatedWorkerApi(endpoints, faults),
      programs: () => programs,
      onBroken: (error) => watch.breach(`${who} did not start: ${String(error)}`),
      onAnswer: (answer) => watch.answered(n, answer),
      onEndorsed: (proposal) => watch.endorsed(n, proposal),
    });
    workers.push(worker);
    world.serve(worker.content, () => worker.endpoint() !== undefined);
    start(false);
  }

  async function untilAllAreUp(): Promise<void> {
    const isMissing = (worker: SimulatedWorker): boolean => !mortal.has(worker.n) && worker.endpoint() === undefined;
    while (workers.some(isMissing)) await clock.sleep(LOOK_MS);
  }

  for (let n = 1; n <= plan.workers + SPARE_WORKERS; n += 1) await add(n);
  await untilAllAreUp();
  return {
    workers,
    endpoints,
    serve(bound) {
      programs = bound;
      for (const worker of workers) for (const program of bound) worker.follow(program);
    },
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
