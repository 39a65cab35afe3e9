import { join } from "node:path";

import type { Command } from "commander";

import { devnetDataDirectory, devnetFilePath } from "../config/devnet-file.ts";
import { loadIndexSettings, type IndexSettings } from "../config/index-settings.ts";

/** Where indexes rest, relative to the working directory. */
export const DATA_DIRECTORY = ".sprf/data";
const FOLDER = "index";

/** Options of every command that has to do with an index. */
export interface IndexOptions {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly data?: string;
  readonly logLevel?: string;
  readonly adminHost?: string;
  readonly adminPort?: string;
  readonly json: boolean;
}

export function withIndexOptions(command: Command): Command {
  return command
    .option("--config <file>", "settings as JSON")
    .option(
      "--devnet [file]",
      "take the chain from what `npx sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)",
    )
    .option("--data <directory>", "where the index rests (default: a folder below .sprf)")
    .option("--log-level <level>", "silent, error, warn, info or debug; on stderr")
    .option("--json", "JSON on stdout", false);
}

/** Settings of the options, and the folder of the index. */
export async function indexInit(
  options: IndexOptions,
): Promise<{ readonly settings: IndexSettings; readonly dataDirectory: string }> {
  const devnetFile = options.devnet === true ? devnetFilePath() : options.devnet || undefined;
  const settings = await loadIndexSettings({
    flags: {
      dataDirectory: options.data,
      logLevel: options.logLevel,
      "admin.host": options.adminHost,
      "admin.port": options.adminPort,
    },
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  });
  const base = devnetFile === undefined ? DATA_DIRECTORY : devnetDataDirectory(devnetFile);
  return { settings, dataDirectory: settings.dataDirectory ?? join(base, FOLDER) };
}
