import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

const MODULE = new URL("../../src/devnet/stellar/create-stellar-devnet.ts", import.meta.url).href;

/** A network in a process of its own that prints its URL and then only closes ledgers. */
const PROGRAM = `
  import { createStellarDevnet } from ${JSON.stringify(MODULE)};
  const log = () => undefined;
  const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const [databasePath, closeEveryMs] = process.argv.slice(1);
  const devnet = await createStellarDevnet({ logger, closeEveryMs: Number(closeEveryMs), databasePath });
  console.log(devnet.rpcUrl);
`;

/** A development ledger that can be killed. */
export interface LedgerProcess {
  readonly rpcUrl: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Starts a development ledger on a file in a process of its own. */
export async function startLedgerProcess(databasePath: string, closeEveryMs: number): Promise<LedgerProcess> {
  const child = spawn(
    process.execPath,
    ["--input-type=module-typescript", "-e", PROGRAM, databasePath, String(closeEveryMs)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  return { rpcUrl: await firstLine(child), kill: async () => void (child.kill("SIGKILL"), await exited) };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the process has no stdout");
  const ended = once(child, "exit").then(() => {
    throw new Error("the ledger's process ended before it was up");
  });
  const [line] = (await Promise.race([once(child.stdout, "data"), ended])) as [Buffer];
  return line.toString().trim();
}
