import { open, rename, rm, type FileHandle } from "node:fs/promises";

import { STATEMENT_HEADER, statementRecord, timeOf } from "../domain/read-model/csv.ts";
import type { LineRow } from "../domain/read-model/rows.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { ReadModel } from "../indexer/read-model.ts";
import { etherOf, formatRows } from "./text-table.ts";
import { printJson } from "./market-views.ts";

interface StatementOptions {
  readonly json: boolean;
  readonly csv?: string;
}

const STDOUT = "-";

/** Prints a statement, or writes it as CSV; a file is written whole or not at all. */
export async function printStatement(model: ReadModel, account: string, options: StatementOptions): Promise<void> {
  if (options.csv === undefined) {
    await printLines(model, account, options);
  } else if (options.csv === STDOUT) {
    process.stdout.write(STATEMENT_HEADER);
    for await (const page of model.statement(account)) process.stdout.write(page.map(statementRecord).join(""));
  } else {
    await writeCsv(model, account, options.csv, options);
  }
}

async function printLines(model: ReadModel, account: string, { json }: StatementOptions): Promise<void> {
  const header = ["block", "time", "kind", "agreement", "epoch", "in", "out", "wallet", "balance", "held"];
  for await (const page of model.statement(account)) {
    if (json) for (const line of page) printJson(line);
    else console.log(formatRows(header, page.map(cellsOf)));
  }
}

async function writeCsv(model: ReadModel, account: string, path: string, { json }: StatementOptions): Promise<void> {
  const draft = `${path}.${process.pid}`;
  const file = await openToWrite(draft);
  let lines = 0;
  try {
    try {
      await file.write(STATEMENT_HEADER);
      for await (const page of model.statement(account)) {
        await file.write(page.map(statementRecord).join(""));
        lines += page.length;
      }
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  if (json) printJson({ account, lines, file: path });
  else console.log(`${lines} lines of ${account} are in ${path}`);
}

async function openToWrite(path: string): Promise<FileHandle> {
  try {
    return await open(path, "w");
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `--csv: cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function cellsOf(line: LineRow): string[] {
  return [
    String(line.block),
    timeOf(line),
    line.kind,
    line.agreement ?? "",
    line.epoch === undefined ? "" : String(line.epoch),
    etherOf(line.inWei),
    etherOf(line.outWei),
    etherOf(line.walletWei),
    etherOf(line.balanceWei),
    etherOf(line.heldWei),
  ];
}
