import type { Command } from "commander";

import { devnetFilePath } from "../config/devnet-file.ts";
import { explainSettings, settingsJsonSchema } from "../config/explain.ts";
import { runCommand } from "./run-command.ts";
import { formatRows } from "./text-table.ts";

interface ShowOptions {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly all: boolean;
  readonly json: boolean;
}

/** The commands of `sprf config`. */
export function defineConfig(config: Command): void {
  config
    .command("show")
    .description("The settings, and where each came from: options over the environment over a file over defaults.")
    .option("--config <file>", "settings as JSON")
    .option("--devnet [file]", "with what `sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)")
    .option("--all", "also those that are not set", false)
    .option("--json", "JSON on stdout", false)
    .action(async (options: ShowOptions) => {
      await runCommand(async () => await show(options), options);
    });
  config
    .command("schema")
    .description("JSON Schema of a settings file, with the variable of the environment for each field.")
    .option("--json", "on one line", false)
    .action(async (options: Pick<ShowOptions, "json">) => {
      const indent = options.json ? undefined : 2;
      await runCommand(async () => console.log(JSON.stringify(settingsJsonSchema(), undefined, indent)), options);
    });
}

async function show({ config, devnet, all, json }: ShowOptions): Promise<void> {
  const devnetFile = devnet === true ? devnetFilePath() : devnet || undefined;
  const explained = await explainSettings({
    ...(config === undefined ? {} : { file: config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  });
  const settings = explained.filter(({ value }) => all || value !== undefined);
  if (json) {
    console.log(JSON.stringify({ settings }));
    return;
  }
  const rows = settings.map(({ path, value, from, variable }) => [path, value ?? "-", from, variable ?? "-"]);
  console.log(formatRows(["setting", "value", "from", "variable"], rows));
}
