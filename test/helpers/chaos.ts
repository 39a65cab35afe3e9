import type { Chain } from "../../src/ports/chain.ts";
import type { FleetDaemon } from "./fleet-daemon.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A kill, and when the daemon was up again; times as `performance.now()` gives them. */
export interface Kill {
  readonly daemon: FleetDaemon;
  readonly block: number;
  readonly atMs: number;
  upAgainMs: number;
  /** Infinite while it is down. */
  upAgainBlock: number;
}

/** Kills daemons until it is stopped. */
export interface Chaos {
  readonly kills: readonly Kill[];
  /** Resolves when all daemons are up again; rejects when one would not start. */
  stop(): Promise<void>;
}

export interface ChaosInit {
  readonly chain: Chain;
  readonly daemons: readonly FleetDaemon[];
  readonly random: SeededRandom;
  /** Blocks between two kills. */
  readonly everyBlocks: { readonly min: number; readonly max: number };
  /** Daemons that may be down at the same time. */
  readonly maxDown: number;
}

/** Kills a random daemon with SIGKILL every few blocks and starts it again with the same data. */
export function startChaos({ chain, daemons, random, everyBlocks, maxDown }: ChaosInit): Chaos {
  const kills: Kill[] = [];
  const life = new AbortController();
  const restarts = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const { min, max } = everyBlocks;

  function killOne(block: number): void {
    const daemon = random.pick(daemons.filter((each) => each.isUp()));
    const never = Number.POSITIVE_INFINITY;
    const kill: Kill = { daemon, block, atMs: performance.now(), upAgainMs: never, upAgainBlock: never };
    kills.push(kill);
    const restart = daemon
      .killAndRestart()
      .then(async () => {
        kill.upAgainMs = performance.now();
        kill.upAgainBlock = await chain.blockNumber();
      })
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => restarts.delete(restart));
    restarts.add(restart);
  }

  async function run(): Promise<void> {
    let next = (await chain.blockNumber()) + min;
    for await (const block of chain.blocks({ signal: life.signal })) {
      if (block < next || restarts.size >= maxDown) continue;
      killOne(block);
      next = block + min + random.below(max - min + 1);
    }
  }

  const running = run().catch((error: unknown) => {
    if (!life.signal.aborted) failures.push(error);
  });
  return {
    kills,
    async stop() {
      life.abort();
      await running;
      await Promise.all(restarts);
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
    },
  };
}
