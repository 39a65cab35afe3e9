import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { startCommand, type Ended, type Environment, type RunningCommand } from "./command.ts";

/** `npx sprf devnet` with a file of its own, so that a developer's devnet is left alone. */
export interface DevnetCommand {
  readonly file: string;
  /** What other commands need to find it. */
  readonly environment: Environment;
  readonly command: RunningCommand;
  read(): Promise<DevnetFile>;
  /** Ends it if it is up, and removes the folder. */
  stop(): Promise<Ended>;
}

/** Runs the command line and waits until devnet is up. */
export async function startDevnetCommand(
  line: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<DevnetCommand> {
  const folder = await mkdtemp(join(tmpdir(), "sprf-commands-"));
  const file = join(folder, "devnet.json");
  const command = startCommand(line, { SPRF_DEVNET_FILE: file }, options);
  await command.until(/written to .*; Ctrl-C ends it/);
  const read = async (): Promise<DevnetFile> => await readDevnetFile(file);
  const { networks } = await read();
  return {
    file,
    command,
    environment: { SPRF_DEVNET_FILE: file, SPRF_CHAIN_URL: networks.chain.rpcUrl },
    read,
    async stop() {
      const ended = await command.end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
      return ended;
    },
  };
}
