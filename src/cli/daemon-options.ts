import { Command } from "commander";

import { loadSettings } from "../config/load.ts";
import type { Settings } from "../config/schema.ts";
import { createKeys } from "../create-keys.ts";
import { createLogger } from "../create-logger.ts";
import type { EngineSettings } from "../create-engines.ts";
import type { NetworkSettings, PeerInit } from "../create-peer.ts";
import type { ProgramReference } from "../ports/engine.ts";

/** Options that every daemon has. */
export interface DaemonOptions {
  readonly config?: string;
  readonly devnet?: string;
  readonly account?: string;
  readonly data?: string;
  readonly engines?: string;
  readonly logLevel?: string;
  readonly json: boolean;
}

/** A command with the options that every daemon has; settings that have none are set in the environment or a file. */
export function daemonCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--config <file>", "settings as JSON")
    .option("--devnet <file>", "take networks and accounts from what `npm run devnet` has written")
    .option("--account <index>", "which account of the mnemonic")
    .option("--data <directory>", "where state and content rest")
    .option("--engines <kinds>", "wasi, docker, or both with a comma")
    .option("--log-level <level>", "silent, error, warn, info or debug; on stderr")
    .option("--json", "one JSON object a line on stdout", false);
}

/** Settings of the options, and what every daemon is made of. */
export async function daemonInit(
  options: DaemonOptions,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly settings: Settings; readonly peer: PeerInit; readonly engines: EngineSettings }> {
  const settings = await loadSettings({
    flags: {
      "identity.accountIndex": options.account,
      dataDirectory: options.data,
      "engines.kinds": options.engines,
      logLevel: options.logLevel,
      ...flags,
    },
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(options.devnet === undefined ? {} : { devnetFile: options.devnet }),
  });
  return {
    settings,
    peer: {
      networks: networksOf(settings),
      keys: await createKeys(settings),
      dataDirectory: settings.dataDirectory,
      logger: createLogger(settings.logLevel),
    },
    engines: enginesOf(settings),
  };
}

function networksOf({ networks }: Settings): NetworkSettings {
  const { listen, ...waku } = networks.waku;
  return { ...networks, waku: listen === undefined ? waku : { ...waku, listen } };
}

function enginesOf({ engines }: Settings): EngineSettings {
  const { dockerSocket, dockerRuntime } = engines;
  const kinds: readonly ProgramReference["kind"][] = engines.kinds;
  return {
    kinds,
    docker: {
      ...(dockerSocket === undefined ? {} : { connection: { socketPath: dockerSocket } }),
      ...(dockerRuntime === undefined ? {} : { runtime: dockerRuntime }),
    },
  };
}
