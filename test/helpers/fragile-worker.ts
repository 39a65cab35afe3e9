import { startExecutionProcess, type ExecutionProcess, type ExecutionProcessInit } from "./execution-process.ts";

/** A worker in a process of its own that is killed and comes back on the same disk and port. */
export interface FragileWorker {
  readonly isDown: boolean;
  readonly kills: number;
  /** `kill -9`, and a new process at once. */
  killAndRestart(): void;
  /** Resolves when it is up; rejects when it would not start. */
  isUp(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFragileWorker(init: ExecutionProcessInit): Promise<FragileWorker> {
  let process: ExecutionProcess = await startExecutionProcess(init);
  let restarting: Promise<void> | undefined;
  let kills = 0;

  async function restart(): Promise<void> {
    await process.kill();
    process = await startExecutionProcess(init);
    restarting = undefined;
  }

  return {
    get isDown() {
      return restarting !== undefined;
    },
    get kills() {
      return kills;
    },
    killAndRestart() {
      kills += 1;
      restarting = restart();
      // Whoever waits for it hears of a failure.
      restarting.catch(() => undefined);
    },
    async isUp() {
      await restarting;
    },
    async stop() {
      await restarting?.catch(() => undefined);
      await process.kill();
    },
  };
}
