import { join } from "node:path";

import type { Command } from "commander";

import { devnetDataDirectory, devnetFilePath } from "../config/devnet-file.ts";
import { loadSettings } from "../config/load.ts";
import type { Settings } from "../config/schema.ts";
import { secretsOf } from "../config/secrets-of.ts";
import { createAdmin, type Admin } from "../create-admin.ts";
import { createKeys } from "../create-keys.ts";
import { createLogger } from "../create-logger.ts";
import type { EngineSettings } from "../create-engines.ts";
import type { NetworkSettings, PeerInit } from "../create-peer.ts";
import type { ProgramReference } from "../ports/engine.ts";

const MIB = 1024 * 1024;
/** Where daemons keep their data, relative to the working directory. */
export const DATA_DIRECTORY = ".sprf/data";

/** Options that every daemon has. */
export interface DaemonOptions {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly account?: string;
  readonly data?: string;
  readonly engines?: string;
  readonly logLevel?: string;
  readonly adminHost?: string;
  readonly adminPort?: string;
  readonly json: boolean;
}

/** The option of a daemon that runs programs. */
export function withEngineOption(command: Command): Command {
  return command.option("--engines <kinds>", "wasi, docker, or both with a comma");
}

/** The options of a daemon that says how it is. */
export function withAdminOptions(command: Command): Command {
  return command
    .option(
      "--admin-port <port>",
      "of the listener for metrics, health and readiness; 0 takes a free one (default: off)",
    )
    .option("--admin-host <host>", "on which it listens (default: 127.0.0.1)");
}

/** The options of a command that takes part in the networks as one account; settings without one are set in the environment or a file. */
export function withDaemonOptions(command: Command): Command {
  return command
    .option("--config <file>", "settings as JSON")
    .option(
      "--devnet [file]",
      "take networks and accounts from what `npx sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)",
    )
    .option("--account <index>", "which account of the mnemonic")
    .option("--data <directory>", "where state and content rest (default: a folder below .sprf)")
    .option("--log-level <level>", "silent, error, warn, info or debug; on stderr")
    .option("--json", "one JSON object a line on stdout", false);
}

/** Settings of the options, and what every daemon is made of. */
export async function daemonInit(
  role: "worker" | "tester" | "client" | "channel",
  options: DaemonOptions,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<{
  readonly settings: Settings;
  readonly peer: PeerInit;
  readonly engines: EngineSettings;
  readonly admin: Admin;
}> {
  const devnetFile = options.devnet === true ? devnetFilePath() : options.devnet || undefined;
  const settings = await loadSettings({
    flags: {
      "identity.accountIndex": options.account,
      dataDirectory: options.data,
      "engines.kinds": options.engines,
      logLevel: options.logLevel,
      "admin.host": options.adminHost,
      "admin.port": options.adminPort,
      ...flags,
    },
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  });
  const base = devnetFile === undefined ? DATA_DIRECTORY : devnetDataDirectory(devnetFile);
  const { admin: adminSettings, logLevel } = settings;
  const admin = createAdmin({
    part: role,
    // A client ends by itself: nobody looks after it.
    settings: role === "client" ? { ...adminSettings, port: undefined } : adminSettings,
    logger: createLogger(logLevel, secretsOf(settings)),
  });
  return {
    settings,
    admin,
    peer: {
      networks: networksOf(settings),
      keys: await createKeys(settings),
      content: settings.content,
      ...databaseOf(settings, role),
      dataDirectory: settings.dataDirectory ?? join(base, `${role}-${settings.identity.accountIndex}`),
      logger: admin.logger,
      metrics: admin.metrics,
    },
    engines: enginesOf(settings),
  };
}

/** The networks of the settings, as daemons take them. */
export function networksOf({ networks }: Settings): NetworkSettings {
  const { listen, ...waku } = networks.waku;
  return { ...networks, waku: listen === undefined ? waku : { ...waku, listen } };
}

/** Others keep little, and would each take a connection. */
function databaseOf({ database: { url } }: Settings, role: string): Pick<PeerInit, "database"> {
  return url === undefined || (role !== "worker" && role !== "tester") ? {} : { database: { url, role } };
}

/** What engines are made of. */
export function enginesOf({ engines }: Pick<Settings, "engines">): EngineSettings {
  const { dockerSocket, dockerRuntime, selfCheck, stateCacheMib, imageCacheMib } = engines;
  const kinds: readonly ProgramReference["kind"][] = engines.kinds;
  return {
    kinds,
    selfCheck,
    stateCacheBytes: stateCacheMib * MIB,
    docker: {
      imageCacheBytes: imageCacheMib * MIB,
      ...(dockerSocket === undefined ? {} : { connection: { socketPath: dockerSocket } }),
      ...(dockerRuntime === undefined ? {} : { runtime: dockerRuntime }),
    },
  };
}
