import { readFile, writeFile } from "node:fs/promises";

import type { Command } from "commander";

import type { AccountChange } from "../domain/program/change-transaction.ts";
import type { SmartAccountWorker } from "../domain/program/smart-account.ts";
import { imageOf } from "../domain/program/smart-account.ts";
import { SprfError, messageOf } from "../errors.ts";
import { recoveryFromJson, recoveryToJson, type KeptRecovery } from "../wire/kept-recovery.ts";
import { confirm } from "./confirm.ts";
import {
  codeOf,
  programOf,
  recoveryPath,
  stroopsOf,
  wholeOf,
  withCodeOptions,
  withProgram,
  withProgramOptions,
  xlmOf,
  type CodeOptions,
  type ProgramOptions,
  type ProgramSession,
} from "./program-options.ts";
import { addProjectCommands } from "./program-project.ts";
import { addRunCommands } from "./program-runs.ts";
import { printCost, printLanded, printRows, printStanding } from "./program-views.ts";

interface TermOptions {
  readonly baseFee: string;
  readonly gasPrice: string;
}

interface RecoveryOptions {
  /** False: opted out. */
  readonly recovery: string | boolean;
}

/** The commands of `sprf program`. */
export function defineProgram(program: Command): void {
  addProjectCommands(program);
  addGovernanceCommands(program);
  addRunCommands(program);
}

function addGovernanceCommands(program: Command): void {
  withCodeOptions(
    command(program, "create", "Makes a program of an agreement's workers and binds the agreement to it."),
  )
    .requiredOption("--agreement <address>", "a running agreement that this account bought")
    .option("--base-fee <stroops>", "what a run costs", "1000")
    .option("--gas-price <stroops>", "per 1,000 gas", "1000")
    .option("--endow <xlm>", "what its account can spend at first", "0")
    .option("--no-owner", "nobody shall ever change it")
    .option("--recovery <file>", "where its recovery is kept (default: in the data folder)")
    .option("--no-recovery", "have the workers sign no recovery")
    .action(
      async (
        options: ProgramOptions &
          CodeOptions &
          TermOptions &
          Partial<RecoveryOptions> & { readonly agreement: string; readonly endow: string; readonly owner: boolean },
      ) => {
        await withProgram(options, async (session) => await create(session, options));
      },
    );

  command(program, "inspect <program>", "What its account says.").action(
    async (id: string, options: ProgramOptions) => {
      await withProgram(options, async ({ client, signal }) => {
        printStanding(await client.programs.inspect(programOf(id), { signal }), options);
      });
    },
  );

  command(program, "workers <program>", "Gives it the workers of another agreement, which is bound to it first.")
    .requiredOption("--agreement <address>", "a running agreement that this account bought")
    .option("--recovery <file>", "where its new recovery is kept (default: in the data folder)")
    .option("--no-recovery", "have the new workers sign no recovery")
    .action(async (id: string, options: ProgramOptions & Partial<RecoveryOptions> & { readonly agreement: string }) => {
      await withProgram(options, async (session) => {
        const { agreement } = options;
        const workers = await workersOf(agreement, session);
        const change = { kind: "workers", workers, agreement: agreement.toLowerCase() } as const;
        await changeIt(session, { program: programOf(id), change, bind: agreement }, options);
        await keepRecovery(session, programOf(id), options);
      });
    });

  withCodeOptions(command(program, "image <program>", "Gives it other code; its state stays.")).action(
    async (id: string, options: ProgramOptions & CodeOptions) => {
      await withProgram(options, async (session) => {
        const image = imageOf(await codeOf(options, session));
        await changeIt(session, { program: programOf(id), change: { kind: "program", image } }, options);
      });
    },
  );

  command(program, "terms <program>", "Changes what runs cost.")
    .requiredOption("--base-fee <stroops>", "what a run costs")
    .requiredOption("--gas-price <stroops>", "per 1,000 gas")
    .action(async (id: string, options: ProgramOptions & TermOptions) => {
      await withProgram(options, async (session) => {
        await changeIt(
          session,
          { program: programOf(id), change: { kind: "terms", terms: termsOf(options) } },
          options,
        );
      });
    });

  command(program, "top-up <program>", "Pays to its account.")
    .requiredOption("--xlm <amount>", "how much")
    .action(async (id: string, options: ProgramOptions & { readonly xlm: string }) => {
      await withProgram(options, async ({ client, signal }) => {
        const stroops = stroopsOf("--xlm", options.xlm);
        if (!options.json) printRows("cost", [["you pay", xlmOf(stroops)]]);
        await confirm(options, signal);
        const { hash, ledger } = await client.programs.topUp({ program: programOf(id), stroops }, { signal });
        printLanded("topped up", { transaction: hash, ledger, stroops }, options);
      });
    });

  command(program, "payout <program>", "Pays what it has earned to its workers, in equal parts.").action(
    async (id: string, options: ProgramOptions) => {
      await withProgram(options, async ({ client, signal }) => {
        const { payoutShareStroops, account } = await client.programs.inspect(programOf(id), { signal });
        if (!options.json && payoutShareStroops !== undefined) {
          printRows("payout", [[`to each of ${account.workers.length} workers`, xlmOf(payoutShareStroops)]]);
        }
        if (payoutShareStroops !== undefined) await confirm(options, signal);
        const paid = await client.programs.payOut({ program: programOf(id) }, { signal });
        const { transactionHash, ledger, recordCid, shareStroops } = paid;
        printLanded("paid out", { transaction: transactionHash, ledger, record: recordCid, shareStroops }, options);
      });
    },
  );

  command(program, "recover <program>", "Hands a program that was silent for 30 days to its owner.")
    .option("--recovery <file>", "where its recovery is kept (default: in the data folder)")
    .action(async (id: string, options: ProgramOptions & { readonly recovery?: string }) => {
      await withProgram(options, async (session) => {
        const kept = await readRecovery(recoveryPath(session, programOf(id), options.recovery));
        if (kept.program !== id) throw new SprfError("INVALID_INPUT", `that is the recovery of ${kept.program}`);
        const { transactionHash, ledger, recordCid } = await session.client.programs.recover(
          { kept },
          { signal: session.signal },
        );
        const landed = { transaction: transactionHash, ledger, record: recordCid };
        printLanded("recovered: give it workers with `npx sprf program workers`", landed, options);
      });
    });
}

function command(program: Command, name: string, description: string): Command {
  return withProgramOptions(program.command(name).description(description));
}

async function create(
  session: ProgramSession,
  options: ProgramOptions &
    CodeOptions &
    TermOptions &
    Partial<RecoveryOptions> & { readonly agreement: string; readonly endow: string; readonly owner: boolean },
): Promise<void> {
  const { client, signal } = session;
  const endowmentStroops = stroopsOf("--endow", options.endow);
  const fees = termsOf(options);
  const workers = await workersOf(options.agreement, session);
  const code = await codeOf(options, session);
  const owner = options.owner ? { owner: client.wallet.account } : {};
  const state = await client.putFile(new Uint8Array(0), { signal });
  const terms = { program: code, state, ...fees, ...owner, workers };
  const cost = client.programs.costOfCreating(terms);
  if (options.json)
    console.log(JSON.stringify({ cost: { ...stringsOf(cost), endowmentStroops: String(endowmentStroops) } }));
  else {
    printRows("cost", [
      ["the account holds back", xlmOf(cost.reserveStroops)],
      ["it can spend at first", xlmOf(endowmentStroops)],
      ["fee of the ledger", `at most ${xlmOf(cost.maxFeeStroops)}`],
      ["workers", workers.map(({ address }) => address).join(" ")],
    ]);
  }
  await confirm(options, signal);
  const created = await client.createProgram({ terms, endowmentStroops, agreement: options.agreement }, { signal });
  const { program: id, transactionHash, ledger, recordCid } = created;
  printLanded(`created ${id}`, { program: id, transaction: transactionHash, ledger, record: recordCid }, options);
  if (options.owner) await keepRecovery(session, id, options);
}

async function changeIt(
  { client, signal }: ProgramSession,
  parts: { readonly program: string; readonly change: AccountChange; readonly bind?: string },
  options: ProgramOptions,
): Promise<void> {
  const { bind, ...wanted } = parts;
  printCost(await client.programs.costOfChange(wanted, { signal }), options);
  await confirm(options, signal);
  if (bind !== undefined) await client.programs.bind({ program: wanted.program, agreement: bind }, { signal });
  const { transactionHash, ledger, recordCid } = await client.programs.change(wanted, { signal });
  printLanded("changed", { transaction: transactionHash, ledger, record: recordCid }, options);
}

async function workersOf(
  agreement: string,
  { client, signal }: ProgramSession,
): Promise<{ address: string; ledgerKey: string }[]> {
  const found = await client.findWorkers(agreement, { signal });
  return found.map(({ apiUrl, ledgerKey }): SmartAccountWorker => ({ address: apiUrl, ledgerKey }));
}

/** Has the workers sign a recovery and writes it where its owner finds it again; a program that was made is made without it too. */
async function keepRecovery(
  session: ProgramSession,
  id: string,
  options: ProgramOptions & Partial<RecoveryOptions>,
): Promise<void> {
  if (options.recovery === false) return;
  const { client, signal } = session;
  const kept = await client.programs.askForRecovery({ program: id }, { signal });
  const path = recoveryPath(session, id, typeof options.recovery === "string" ? options.recovery : undefined);
  await writeFile(path, `${JSON.stringify(recoveryToJson(kept), undefined, 2)}\n`, { mode: 0o600 });
  printLanded("recovery signed; keep the file", { recovery: path }, options);
}

async function readRecovery(path: string): Promise<KeptRecovery> {
  try {
    return recoveryFromJson(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `--recovery: ${messageOf(error)}`, { cause: error });
  }
}

function termsOf({ baseFee, gasPrice }: TermOptions): { baseFeeStroops: bigint; gasPriceStroops: bigint } {
  return { baseFeeStroops: wholeOf("--base-fee", baseFee), gasPriceStroops: wholeOf("--gas-price", gasPrice) };
}

function stringsOf(amounts: Readonly<Record<string, bigint>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount.toString()]));
}
