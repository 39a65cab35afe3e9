import type { Command } from "commander";

import { connectGrid, connectGridOnChain, type SprfGrid, type SprfGridOnChain } from "../create-grid.ts";
import { SprfError } from "../errors.ts";
import { daemonInit, withDaemonOptions, type DaemonOptions } from "./daemon-options.ts";
import { runCommand } from "./run-command.ts";

const ETHER_DIGITS = 18;

/** Options of every command of the grid. */
export interface GridOptions extends DaemonOptions {
  readonly yes: boolean;
}

/** A command of the grid; what costs money asks before, unless it is told `--yes`. */
export function gridCommand(parent: Command, name: string, description: string): Command {
  return withDaemonOptions(parent.command(name).description(description)).option("--yes", "pay without asking", false);
}

/** Connects to the grid on the chain alone, as the account of the options. */
export async function withGridOnChain(
  options: GridOptions,
  work: (grid: SprfGridOnChain, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => {
    const { peer } = await daemonInit("client", { logLevel: "error", ...options });
    const grid = await connectGridOnChain(peer, { signal });
    try {
      await work(grid, signal);
    } finally {
      await grid.close();
    }
  }, options);
}

/** What a command works with that speaks to nodes. */
export interface GridSession {
  readonly grid: SprfGrid;
  readonly signal: AbortSignal;
}

/** Connects to the grid with a way to its nodes. */
export async function withGrid(options: GridOptions, work: (session: GridSession) => Promise<void>): Promise<void> {
  await runCommand(async (signal) => {
    const { peer } = await daemonInit("client", { logLevel: "error", ...options });
    const grid = await connectGrid(peer, { signal });
    try {
      await work({ grid, signal });
    } finally {
      await grid.close();
    }
  }, options);
}

/** An amount in ether as wei. @throws SprfError `INVALID_INPUT` */
export function weiOf(name: string, ether: string): bigint {
  const match = /^(\d{1,12})(?:\.(\d{1,18}))?$/.exec(ether);
  if (match === null) {
    throw new SprfError(
      "INVALID_INPUT",
      `${name}: expected ether with at most 18 decimals, got ${JSON.stringify(ether)}`,
    );
  }
  const [, whole = "", fraction = ""] = match;
  return BigInt(whole + fraction.padEnd(ETHER_DIGITS, "0"));
}

/** A number from 1 on. @throws SprfError `INVALID_INPUT` */
export function idOf(name: string, text: string): number {
  const id = Number(text);
  if (/^\d{1,12}$/.test(text) && id > 0) return id;
  throw new SprfError("INVALID_INPUT", `${name}: expected a number from 1 on, got ${JSON.stringify(text)}`);
}
