import type { Command } from "commander";

import { backUp, restore, type BackupMark } from "../create-backup.ts";
import { runCommand } from "./run-command.ts";

interface BackupOptions {
  readonly data: string;
  readonly json: boolean;
}

const MIB = 1024 * 1024;

/** Options and work of `sprf backup`. */
export function defineBackup(command: Command): void {
  command
    .argument("<file>", "that is made; one that is there is left alone")
    .requiredOption("--data <directory>", "of the worker or tester, which may be at work")
    .option("--json", "one JSON object on stdout", false)
    .action(async (file: string, options: BackupOptions) => {
      await runCommand(async (signal) => {
        const backup = await backUp(options.data, file, { signal });
        print(backup, options, `${file} has ${sizeOf(backup)} of ${options.data}, and was read back`);
      }, options);
    });
}

/** Options and work of `sprf restore`. */
export function defineRestore(command: Command): void {
  command
    .argument("<file>", "that `sprf backup` has made")
    .requiredOption("--data <directory>", "that is made; one with something in it is left alone")
    .option("--json", "one JSON object on stdout", false)
    .action(async (file: string, options: BackupOptions) => {
      await runCommand(async (signal) => {
        const backup = await restore(file, options.data, { signal });
        const taken = new Date(backup.takenAtMs).toISOString();
        print(backup, options, `${options.data} has ${sizeOf(backup)}, as they were at ${taken}`);
      }, options);
    });
}

function print(backup: BackupMark, { json }: BackupOptions, text: string): void {
  console.log(json ? JSON.stringify(backup) : text);
}

function sizeOf({ entries, files, fileBytes }: BackupMark): string {
  return `${entries} entries and ${files} files (${(fileBytes / MIB).toFixed(1)} MiB)`;
}
