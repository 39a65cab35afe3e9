import { availableParallelism } from "node:os";
import { join } from "node:path";

import type { Command } from "commander";
import { StrKey } from "@stellar/stellar-sdk";
import { z } from "zod";

import type { AuditProgress } from "../audit/report.ts";
import { loadAuditSettings, type AuditSettings } from "../config/audit-settings.ts";
import { devnetDataDirectory, devnetFilePath } from "../config/devnet-file.ts";
import { createAuditor } from "../create-auditor.ts";
import { secretsOf } from "../config/secrets-of.ts";
import { createLogger } from "../create-logger.ts";
import { SprfError } from "../errors.ts";
import { exitCodeOf, reportToJson, reportToText } from "./audit-report.ts";
import { enginesOf } from "./daemon-options.ts";
import { parseOptions } from "./parse-options.ts";
import { createProgressBar } from "./progress-bar.ts";
import { runCommand } from "./run-command.ts";

const DATA_DIRECTORY = ".sprf/data";
const MAX_JOBS = 256;
const MS_PER_SECOND = 1_000;

interface Options {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly data?: string;
  readonly engines?: string;
  readonly logLevel?: string;
  readonly peer: readonly string[];
  readonly again: boolean;
  readonly json: boolean;
}

const numbersSchema = z.object({
  jobs: z.coerce.number().int().min(1).max(MAX_JOBS).default(availableParallelism()),
  last: z.coerce.number().int().min(0).optional(),
  since: z.coerce.date({ error: "expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z" }).optional(),
});

/** Options and work of `sprf audit`. */
export function defineAudit(command: Command): void {
  command
    .argument("<account>", "the program's smart account (G...)")
    .option("--jobs <number>", "transitions that are run at a time (default: one for each core)")
    .option("--last <number>", "run the last so many transitions alone; the chain of records is checked whole")
    .option("--since <time>", "run those alone that were paid for then or later (UTC)")
    .option("--again", "forget what earlier audits found right", false)
    .option(
      "--peer <multiaddr>",
      "ask this peer for content, besides the program's workers; may be repeated",
      gather,
      [],
    )
    .option("--config <file>", "settings as JSON")
    .option(
      "--devnet [file]",
      "take the ledger from what `npx sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)",
    )
    .option("--data <directory>", "where content and what was found right rest (default: a folder below .sprf)")
    .option("--engines <kinds>", "wasi, docker, or both with a comma (default: both)")
    .option("--log-level <level>", "silent, error, warn, info or debug; on stderr (default: warn)")
    .option("--json", "the report as JSON on stdout", false)
    .addHelpText(
      "after",
      "\nExit codes: 0 clean, 10 the history is wrong, 11 content is gone or a run failed here, 12 an image is gone;\n" +
        "2 wrong use, 4 network, 5 time-out, 70 a bug, 130 aborted.",
    )
    .action(async (account: string, options: Options) => {
      await runCommand(async (signal) => await audit(account, options, signal), options);
    });
}

async function audit(program: string, options: Options, signal: AbortSignal): Promise<void> {
  if (!StrKey.isValidEd25519PublicKey(program)) {
    throw new SprfError("INVALID_INPUT", `${program} is not a Stellar address (G...)`);
  }
  const { jobs, last, since } = parseOptions(numbersSchema, options);
  const { settings, dataDirectory } = await settingsOf(options);
  const auditor = await createAuditor({
    program,
    ledger: settings.networks.ledger,
    engines: enginesOf(settings),
    peers: options.peer,
    dataDirectory: join(dataDirectory, program),
    again: options.again,
    logger: createLogger(settings.logLevel, secretsOf(settings)),
  });
  const bar = createProgressBar(process.stderr);
  try {
    await auditor.start({ signal });
    const selection = {
      ...(last === undefined ? {} : { last }),
      ...(since === undefined ? {} : { since: BigInt(Math.floor(since.getTime() / MS_PER_SECOND)) }),
    };
    const onProgress = (progress: AuditProgress): void => {
      if (progress.phase === "records") bar.show("records found", progress.done);
      else bar.show("transitions checked", progress.done, progress.total);
    };
    const report = await auditor.audit({ jobs, ...selection }, { signal, onProgress });
    bar.clear();
    console.log(options.json ? reportToJson(report) : reportToText(report));
    process.exitCode = exitCodeOf(report);
  } finally {
    bar.clear();
    await auditor.stop();
  }
}

async function settingsOf(
  options: Options,
): Promise<{ readonly settings: AuditSettings; readonly dataDirectory: string }> {
  const devnetFile = options.devnet === true ? devnetFilePath() : options.devnet || undefined;
  const settings = await loadAuditSettings({
    flags: {
      dataDirectory: options.data,
      "engines.kinds": options.engines,
      logLevel: options.logLevel,
    },
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  });
  const base = devnetFile === undefined ? DATA_DIRECTORY : devnetDataDirectory(devnetFile);
  return { settings, dataDirectory: settings.dataDirectory ?? join(base, "audit") };
}

function gather(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
