import type { Command } from "commander";

import { loadRunnerSettings } from "../config/runner-settings.ts";
import { createLogger } from "../create-logger.ts";
import { readRuns } from "../create-run-view.ts";
import { SprfError } from "../errors.ts";
import { queueText, runnersText } from "./queue-views.ts";
import { runCommand } from "./run-command.ts";

interface RunnerStatusOptions {
  readonly database?: string;
  readonly config?: string;
  readonly json: boolean;
}

/** What waits, and how each runner does: `sprf runner status`. */
export function addRunnerStatus(runner: Command): void {
  runner
    .command("status")
    .description("Shows what waits in the worker's database, and how each runner does.")
    .option("--database <url>", "the worker's: postgres://user:password@host:port/database (better in DATABASE_URL)")
    .option("--config <file>", "settings as JSON")
    .option("--json", "one JSON object on stdout", false)
    .action(async ({ database, config, json }: RunnerStatusOptions) => {
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
          console.log(json ? JSON.stringify(view) : `${queueText(view)}\n${runnersText(view.runners)}`);
        },
        { json },
      );
    });
}
