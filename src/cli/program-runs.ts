import { closeSync, existsSync, fsyncSync, openSync, writeSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

import type { Command } from "commander";

import type { ExecuteOptions, ExecuteStep, ExecutionResult } from "../client/land-paid.ts";
import { timeOf } from "../domain/read-model/csv.ts";
import { SprfError, messageOf } from "../errors.ts";
import { decodeKeptRequest, encodeKeptRequest } from "../wire/kept-request.ts";
import { confirm } from "./confirm.ts";
import { printJson } from "./market-views.ts";
import { programOf, wholeOf, withProgram, withProgramOptions } from "./program-options.ts";
import type { ProgramOptions, ProgramSession } from "./program-options.ts";
import { printRows } from "./program-views.ts";
import { formatRows } from "./text-table.ts";

interface OutputOptions extends ProgramOptions {
  readonly output?: string;
}

interface RunOptions extends OutputOptions {
  readonly input?: string;
  readonly maxGas: string;
  readonly ifState?: string;
}

const STDIO = "-";
const SHORT_CID = 16;
const OWNER_ONLY = 0o600;

/** Commands that run a program and read what it has come to. */
export function addRunCommands(program: Command): void {
  command(program, "run <program>", "Runs an input: pays, asks all workers, and anchors what a majority signed.")
    .option("--input <file>", "what the program reads on its standard input; - is this one (default: nothing)")
    .option("--output <file>", "where to write what the program wrote; - is stdout", STDIO)
    .option("--max-gas <units>", "the most that the run may use", "1000000")
    .option("--if-state <cid>", "run on no other state")
    .action(async (id: string, options: RunOptions) => {
      await withProgram(options, async (session) => await run(programOf(id), session, options));
    });
  command(program, "resume <program>", "Goes on with a run that was paid for when `sprf program run` was killed.")
    .option("--output <file>", "where to write what the program wrote; - is stdout", STDIO)
    .action(async (id: string, options: OutputOptions) => {
      await withProgram(options, async (session) => {
        const path = pendingPath(session, programOf(id));
        const kept = decodeKeptRequest(await readBytes(path, `there is no run of ${id} to go on with`));
        await finish(await session.client.resume(kept, progressOf(session, options)), path, options);
      });
    });
  command(program, "state <program>", "The state that the ledger names, fetched and checked.")
    .option("--output <file>", "where to write it; - is stdout (default: say its CID and size)")
    .action(async (id: string, options: OutputOptions) => {
      await withProgram(options, async ({ client, signal }) => {
        const { cid, bytes, sequence, ledger } = await client.readState(programOf(id), { signal });
        if (options.output !== undefined) return await writeBytes(options.output, bytes);
        if (options.json) return printJson({ state: cid, bytes: bytes.length, sequence, ledger });
        printRows("state", [
          ["CID", cid],
          ["size", `${bytes.length} bytes`],
          ["anchored in ledger", String(ledger)],
        ]);
      });
    });
  command(program, "history <program>", "Its transactions and what each changed, the newest first.")
    .option("--limit <number>", "how many", "50")
    .action(async (id: string, options: ProgramOptions & { readonly limit: string }) => {
      await withProgram(options, async (session) => await printHistory(programOf(id), session, options));
    });
}

function command(program: Command, name: string, description: string): Command {
  return withProgramOptions(program.command(name).description(description));
}

async function run(program: string, session: ProgramSession, options: RunOptions): Promise<void> {
  const { client, signal } = session;
  const maxGas = wholeOf("--max-gas", options.maxGas);
  const bytes = new Uint8Array(options.input === undefined ? [] : await readInput(options.input));
  const { baseFeeStroops, gasPriceStroops } = await client.program(program, { signal });
  if (!options.json && !options.yes) {
    printRows("cost", [
      ["base fee", `${baseFeeStroops} stroops`],
      ["gas", `at most ${(maxGas * gasPriceStroops + 999n) / 1_000n} stroops, if the state changes`],
    ]);
  }
  const path = pendingPath(session, program);
  if (existsSync(path)) {
    throw new SprfError("INVALID_INPUT", `a run was begun and not finished: \`sprf program resume ${program}\``);
  }
  await confirm(options, signal);
  const parts = {
    program,
    input: { bytes },
    maxGas,
    ...(options.ifState === undefined ? {} : { ifState: options.ifState }),
  };
  await finish(await client.execute(parts, progressOf(session, options, path)), path, options);
}

/** Tells how far it is, on stderr; with a path, keeps what `resume` needs there before anything is paid. */
function progressOf(
  { signal }: ProgramSession,
  { json }: ProgramOptions,
  path?: string,
): ExecuteOptions & { readonly signal: AbortSignal } {
  return {
    signal,
    onProgress: (step) => {
      if (step.step === "paying" && path !== undefined) writeSynced(path, encodeKeptRequest(step));
      if (!json) console.error(stepText(step));
    },
  };
}

function stepText(step: ExecuteStep): string {
  switch (step.step) {
    case "waiting":
      return `waiting: ${step.reason}`;
    case "paying":
      return "paying";
    case "paid":
      return `paid in ledger ${step.ledger}`;
    case "answered":
      return `${step.majority} of ${step.workers} workers signed the same`;
    case "contended":
      return `another run landed first; once more on its state (${step.attempt})`;
    case "anchored":
      return `anchored in ledger ${step.ledger}`;
  }
}

async function finish(result: ExecutionResult, path: string, options: OutputOptions): Promise<void> {
  await rm(path, { force: true });
  const { output, answer, transition, requestHash } = result;
  const to = options.output ?? STDIO;
  if (options.json) {
    const text = to === STDIO ? { output: new TextDecoder().decode(output) } : {};
    printJson({ requestHash, gas: answer.gas, state: answer.newState, transition, ...text });
    if (to === STDIO) return;
  } else if (transition === undefined) console.error("nothing changed, so nothing was anchored");
  await writeBytes(to, output);
}

async function printHistory(
  program: string,
  { client, signal }: ProgramSession,
  { limit, json }: ProgramOptions & { readonly limit: string },
): Promise<void> {
  const most = Number(wholeOf("--limit", limit));
  const rows: string[][] = [];
  for await (const { record: _, envelope: _envelope, ...entry } of client.history(program, { signal })) {
    if (rows.length >= most) break;
    if (json) printJson(entry);
    const { kind, time, runs, state, recordCid, sequence } = entry;
    rows.push([
      sequence?.toString() ?? "",
      time === 0n ? "" : timeOf({ timeSeconds: Number(time) }),
      kind,
      runs === 0 ? "" : String(runs),
      `...${state.slice(-SHORT_CID)}`,
      recordCid,
    ]);
  }
  if (!json) console.log(formatRows(["sequence", "time", "what", "runs", "state", "record"], rows));
}

/** Rests on the disk when it returns: the payment is submitted right after. */
function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "w", OWNER_ONLY);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function pendingPath({ dataDirectory }: ProgramSession, program: string): string {
  return join(dataDirectory, `pending-${program}.cbor`);
}

async function readInput(path: string): Promise<Uint8Array> {
  return path === STDIO ? await buffer(process.stdin) : await readBytes(path, "--input");
}

async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `${what}: ${messageOf(error)}`, { cause: error });
  }
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  if (path === STDIO) process.stdout.write(bytes);
  else await writeFile(path, bytes);
}
