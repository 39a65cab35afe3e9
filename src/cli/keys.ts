import type { Command } from "commander";
import { z } from "zod";

import { readText } from "../config/load.ts";
import { createKeystores, type Keystores } from "../create-keystores.ts";
import { deriveTwinKeys } from "../domain/identity/keys.ts";
import { toHex } from "../utils/bytes.ts";
import { askHidden, passwordOf, type PasswordOptions } from "./password.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { formatRows } from "./text-table.ts";

const DIRECTORY = ".sprf/keys";
const MAX_ACCOUNTS = 100;

interface KeysOptions extends PasswordOptions {
  readonly directory: string;
  readonly json: boolean;
}

const accountsSchema = z.object({ accounts: z.coerce.number().int().min(1).max(MAX_ACCOUNTS) });

/** The commands of `sprf keys`. */
export function defineKeys(keys: Command): void {
  withPassword(
    command(keys, "create <name>", "A keystore of new words. `sprf keys words` shows them for your backup."),
  ).action(async (name: string, options: KeysOptions) => {
    await make(name, options, async () => undefined);
  });
  withPassword(command(keys, "import <name>", "A keystore of words that you have, asked for without showing them."))
    .option("--words-file <file>", "read them there instead")
    .action(async (name: string, options: KeysOptions & { readonly wordsFile?: string }) => {
      const { wordsFile } = options;
      await make(name, options, async (signal) =>
        wordsFile === undefined ? await askHidden("Words: ", signal) : await readText(wordsFile),
      );
    });
  command(keys, "list", "The keystores, and the first account of each.").action(async (options: KeysOptions) => {
    await withKeystores(options, async (keystores) => {
      const found = await keystores.list();
      if (options.json) return console.log(JSON.stringify({ keystores: found }));
      if (found.length === 0) return console.log(`there are none in ${options.directory}: \`sprf keys create <name>\``);
      const rows = found.map(({ name, account, path }) => [name, account, path]);
      return console.log(formatRows(["name", "account", "file"], rows));
    });
  });
  withPassword(command(keys, "show <name>", "Its accounts: for Ethereum, for messages, for Stellar."))
    .option("--accounts <number>", "how many", "1")
    .action(async (name: string, options: KeysOptions & { readonly accounts: string }) => {
      await withKeystores(options, async (keystores, signal) => {
        const { accounts } = parseOptions(accountsSchema, options);
        const words = await keystores.open(name, await passwordOf(options, { isNew: false, signal }));
        const found = Array.from({ length: accounts }, (_, accountIndex) => {
          const { account, messageKey, ledgerKeypair } = deriveTwinKeys(words, { accountIndex });
          return { accountIndex, account, messageKey: `0x${toHex(messageKey)}`, ledgerKey: ledgerKeypair.publicKey() };
        });
        if (options.json) return console.log(JSON.stringify({ accounts: found }));
        const rows = found.map((each) => [String(each.accountIndex), each.account, each.ledgerKey]);
        return console.log(formatRows(["index", "Ethereum", "Stellar"], rows));
      });
    });
  withPassword(
    command(keys, "words <name>", "Its words, to write down. Whoever has them has all that it holds."),
  ).action(async (name: string, options: KeysOptions) => {
    await withKeystores(options, async (keystores, signal) => {
      const words = await keystores.open(name, await passwordOf(options, { isNew: false, signal }));
      console.log(options.json ? JSON.stringify({ words }) : words);
    });
  });
}

function command(keys: Command, name: string, description: string): Command {
  return keys
    .command(name)
    .description(description)
    .option("--directory <path>", "where keystores are", DIRECTORY)
    .option("--json", "JSON on stdout", false);
}

function withPassword(of: Command): Command {
  return of.option("--password-file <file>", "the password, instead of asking on the terminal");
}

async function make(
  name: string,
  options: KeysOptions,
  wordsOf: (signal: AbortSignal) => Promise<string | undefined>,
): Promise<void> {
  await withKeystores(options, async (keystores, signal) => {
    // Before anything is asked: a name that is taken is found out at once.
    const path = keystores.pathOf(name);
    const words = await wordsOf(signal);
    const entry = await keystores.create(name, await passwordOf(options, { isNew: true, signal }), words);
    if (options.json) return console.log(JSON.stringify(entry));
    console.log(`${path} holds ${entry.account}, encrypted; for daemons and commands:\n`);
    return console.log(`  export SPRF_KEYSTORE=${path} SPRF_PASSWORD_FILE=${options.passwordFile ?? "<file>"}`);
  });
}

async function withKeystores(
  options: KeysOptions,
  work: (keystores: Keystores, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => await work(createKeystores(options.directory), signal), options);
}
