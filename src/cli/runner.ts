import { join } from "node:path";

import type { Command } from "commander";

import { loadRunnerSettings } from "../config/runner-settings.ts";
import { secretsOf } from "../config/secrets-of.ts";
import { createAdmin } from "../create-admin.ts";
import { createLogger } from "../create-logger.ts";
import { createRunner } from "../create-runner.ts";
import { SprfError } from "../errors.ts";
import { DATA_DIRECTORY, enginesOf, withAdminOptions, withEngineOption } from "./daemon-options.ts";
import { runCommand } from "./run-command.ts";
import { runDaemon } from "./run-daemon.ts";
import { addRunnerStatus } from "./runner-status.ts";

interface RunnerOptions {
  readonly database?: string;
  readonly engines?: string;
  readonly data?: string;
  readonly name?: string;
  readonly runs?: string;
  readonly config?: string;
  readonly logLevel?: string;
  readonly adminHost?: string;
  readonly adminPort?: string;
  readonly json: boolean;
}

/** Options and work of `sprf runner`. */
export function defineRunner(command: Command): void {
  command.enablePositionalOptions();
  withAdminOptions(withEngineOption(command))
    .option("--database <url>", "the worker's: postgres://user:password@host:port/database (better in DATABASE_URL)")
    .option("--data <directory>", "where content and states rest, of this runner alone (default: .sprf/data/runner)")
    .option("--name <name>", "what it is called in views and logs (default: made of the machine's name)")
    .option("--runs <count>", "how many executions it makes at once")
    .option("--config <file>", "settings as JSON")
    .option("--log-level <level>", "silent, error, warn, info or debug; on stderr")
    .option("--json", "one JSON object a line on stdout", false)
    .action(async (options: RunnerOptions) => {
      await runCommand(async (signal) => await serve(options, signal), options);
    });
  addRunnerStatus(command);
}

async function serve(options: RunnerOptions, signal: AbortSignal): Promise<void> {
  const settings = await loadRunnerSettings({
    flags: {
      "database.url": options.database,
      dataDirectory: options.data,
      "engines.kinds": options.engines,
      "runs.own": options.runs,
      logLevel: options.logLevel,
      "admin.host": options.adminHost,
      "admin.port": options.adminPort,
    },
    ...(options.config === undefined ? {} : { file: options.config }),
  });
  const databaseUrl = settings.database.url;
  if (databaseUrl === undefined) {
    throw new SprfError(
      "CONFIG_INVALID",
      "database.url is not set; --database or DATABASE_URL says where the runs are",
    );
  }
  if (settings.runs.own === 0)
    throw new SprfError("CONFIG_INVALID", "runs.own: a runner makes at least one run at once");
  const logger = createLogger(settings.logLevel, secretsOf(settings));
  const admin = createAdmin({ part: "runner", settings: settings.admin, logger });
  const runner = await createRunner({
    databaseUrl,
    dataDirectory: settings.dataDirectory ?? join(DATA_DIRECTORY, "runner"),
    engines: enginesOf(settings),
    capacity: settings.runs.own,
    name: options.name,
    logger: admin.logger,
    metrics: admin.metrics,
  });
  await runDaemon(admin.around(runner), signal, () => {
    const { kinds } = settings.engines;
    const { own: runs } = settings.runs;
    if (options.json) console.log(JSON.stringify({ runner: runner.name, engines: kinds, runs, adminUrl: admin.url }));
    else console.log(`runner ${runner.name} takes executions for ${kinds.join(" and ")}; Ctrl-C ends it in order`);
  });
}
