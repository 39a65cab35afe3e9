import type { Command } from "commander";

import { loadRunnerSettings } from "../config/runner-settings.ts";
import { createLogger } from "../create-logger.ts";
import { readRuns } from "../create-run-view.ts";
import { SprfError } from "../errors.ts";
import type { RunQueueView, RunnerView } from "../ports/run-queue.ts";
import { runCommand } from "./run-command.ts";
import { formatRows } from "./text-table.ts";

const MS_PER_SECOND = 1_000;

/** What waits, and how each runner does: `sprf runner status`. */
export function addRunnerStatus(runner: Command): void {
  runner
    .command("status")
    .description("Shows what waits in the worker's database, and how each runner does.")
    // Those of `sprf runner` are before it.
    .action(async (_options: unknown, command: Command) => {
      const { database, config, json } = command.optsWithGlobals<{
        database?: string;
        config?: string;
        json: boolean;
      }>();
      await runCommand(
        async () => {
          const settings = await loadRunnerSettings({
            flags: { "database.url": database },
            ...(config === undefined ? {} : { file: config }),
          });
          if (settings.database.url === undefined) {
            throw new SprfError(
              "CONFIG_INVALID",
              "database.url is not set; --database or DATABASE_URL says where to look",
            );
          }
          const view = await readRuns(settings.database.url, { logger: createLogger("silent") });
          console.log(json ? JSON.stringify(view) : textOf(view));
        },
        { json },
      );
    });
}

function textOf({ waiting, running, oldestMs, runners }: RunQueueView): string {
  const oldest = waiting === 0 ? "" : `, the oldest for ${(oldestMs / MS_PER_SECOND).toFixed(1)} s`;
  const rows = runners.map((runner) => [
    runner.id,
    standOf(runner),
    runner.engines.join(" "),
    String(runner.capacity),
    String(runner.done),
    String(runner.failed),
    runner.done + runner.failed === 0 ? "-" : String(Math.round(runner.busyMs / (runner.done + runner.failed))),
  ]);
  const table = formatRows(["runner", "stands", "engines", "at once", "done", "failed", "ms each"], rows);
  return `${waiting} waiting${oldest}; ${running} running\n${rows.length === 0 ? "no runner was here lately" : table}`;
}

function standOf({ isLive, setAside }: RunnerView): string {
  if (setAside !== undefined) return `set aside: ${setAside}`;
  return isLive ? "up" : "away";
}
