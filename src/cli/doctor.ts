import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Command } from "commander";

import { devnetDataDirectory, devnetFilePath } from "../config/devnet-file.ts";
import { loadSettings } from "../config/load.ts";
import { settingsSchema } from "../config/schema.ts";
import { examineSetup } from "../create-doctor.ts";
import { createLogger } from "../create-logger.ts";
import type { Finding } from "../doctor/examine.ts";
import { SprfError } from "../errors.ts";
import { DATA_DIRECTORY, enginesOf, networksOf } from "./daemon-options.ts";
import { paint } from "./paint.ts";
import { runCommand } from "./run-command.ts";

interface DoctorOptions {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly account?: string;
  readonly data?: string;
  readonly engines?: string;
  readonly json: boolean;
}

/** What is amiss; a warning is not. */
const UNHEALTHY = 10;

const MARKS = {
  ok: ["green", "ok      "],
  warning: ["yellow", "warning "],
  failed: ["red", "FAILED  "],
  skipped: ["dim", "skipped "],
} as const;

/** Options and work of `sprf doctor`. */
export function defineDoctor(command: Command): void {
  command
    .option("--config <file>", "settings as JSON")
    .option("--devnet [file]", "with what `sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)")
    .option("--account <index>", "which account of the mnemonic")
    .option("--data <directory>", "where state and content are to rest (default: a folder below .sprf)")
    .option("--engines <kinds>", "those that must be there: wasi, docker, or both with a comma")
    .option("--json", "one JSON object on stdout", false)
    .addHelpText("after", `\nExit codes: 0 all is well, ${UNHEALTHY} something failed, 2 wrong use, 130 aborted.`)
    .action(async (options: DoctorOptions) => {
      await runCommand(async (signal) => await examine(options, signal), options);
    });
}

async function examine(options: DoctorOptions, signal: AbortSignal): Promise<void> {
  const devnetFile = options.devnet === true ? devnetFilePath() : options.devnet || undefined;
  const flags = {
    "identity.accountIndex": options.account,
    dataDirectory: options.data,
    "engines.kinds": options.engines,
  };
  const settings = await loadSettings({
    flags,
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  }).catch((error: unknown) => {
    if (error instanceof SprfError) return error;
    throw error;
  });
  const isComplete = !(settings instanceof SprfError);
  const engines = isComplete ? settings.engines : settingsSchema.shape.engines.parse({ kinds: options.engines });
  const base = devnetFile === undefined ? DATA_DIRECTORY : devnetDataDirectory(devnetFile);
  const findings = await examineSetup(
    {
      settings,
      networks: isComplete ? networksOf(settings) : undefined,
      engines: { ...enginesOf({ engines }), scratchDirectory: join(tmpdir(), `sprf-doctor-${process.pid}`) },
      dataDirectory: (isComplete ? settings.dataDirectory : options.data) ?? base,
      logger: createLogger("silent"),
    },
    { signal, ...(options.json ? {} : { onFinding: print }) },
  );
  const failed = findings.filter(({ health }) => health === "failed").length;
  if (options.json) console.log(JSON.stringify({ findings }));
  else console.log(failed === 0 ? "\nall is well" : `\n${failed} of ${findings.length} checks failed`);
  if (failed > 0) process.exitCode = UNHEALTHY;
}

function print({ part, health, detail, mend }: Finding): void {
  const [colour, mark] = MARKS[health];
  console.log(
    `${paint(colour, mark, "stdout")}${part.padEnd(9)} ${detail}${mend === undefined ? "" : `\n${" ".repeat(18)}${mend}`}`,
  );
}
