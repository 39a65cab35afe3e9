import { rm, writeFile } from "node:fs/promises";

import type { Command } from "commander";
import { z } from "zod";

import { createChannelDaemon } from "../create-channel-daemon.ts";
import { apiFileOf, channelCommand, channelOf } from "./channel-session.ts";
import { daemonInit, withAdminOptions, type DaemonOptions } from "./daemon-options.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { runDaemon } from "./run-daemon.ts";

const MAX_PORT = 65_535;
const MAX_SECONDS = 1_000_000;
const MS = 1_000;

interface ChannelNodeOptions extends DaemonOptions {
  readonly port: string;
  readonly host: string;
  readonly settleEvery: string;
  readonly confirmations: string;
  readonly archive: boolean;
}

const optionsSchema = z.object({
  port: z.coerce.number().int().min(0).max(MAX_PORT),
  host: z.string().min(1),
  settleEvery: z.coerce.number().min(0).max(MAX_SECONDS),
  confirmations: z.coerce.number().int().min(0),
  archive: z.boolean(),
});

/** The daemon of a member. */
export function addNodeCommand(parent: Command): void {
  withAdminOptions(
    channelCommand(parent, "node <channel>", "Runs this account's node of a channel that it joined, until Ctrl-C."),
  )
    .option("--port <port>", "of the WebSocket API; 0 takes a free one", "0")
    .option("--host <address>", "on which the API listens", "127.0.0.1")
    .option("--settle-every <seconds>", "while it leads; 0: only when somebody leaves or the channel closes", "0")
    .option("--confirmations <blocks>", "on top of what it believes of the chain", "0")
    .option("--archive", "keep all records, so that the channel can be verified from its beginning on", false)
    .action(async (text: string, options: ChannelNodeOptions) => {
      await runCommand(async (signal) => await serve(channelOf(text), options, signal), options);
    });
}

async function serve(channel: bigint, options: ChannelNodeOptions, signal: AbortSignal): Promise<void> {
  const { port, host, settleEvery, confirmations, archive } = parseOptions(optionsSchema, options);
  const { peer, admin } = await daemonInit("channel", options);
  const dataDirectory = peer.dataDirectory ?? "";
  const daemon = await createChannelDaemon({
    ...peer,
    dataDirectory,
    channel,
    api: { host, port },
    settleEveryMs: settleEvery * MS,
    confirmations,
    archive,
  });
  const apiFile = apiFileOf(dataDirectory, channel);
  const started = Promise.withResolvers<void>();
  // Whoever waits for the line finds the file: this account's other commands look for the node there.
  const announce = async (): Promise<void> => {
    await writeFile(apiFile, `${daemon.apiUrl}\n`);
    const { account, apiUrl } = daemon;
    if (options.json)
      console.log(JSON.stringify({ channel: channel.toString(), account, apiUrl, adminUrl: admin.url }));
    else console.log(`node of ${account} in channel ${channel} serves ${apiUrl}; Ctrl-C ends it`);
  };
  try {
    await runDaemon(admin.around(daemon), signal, () => {
      announce().then(started.resolve, started.reject);
    });
    await started.promise;
  } finally {
    await rm(apiFile, { force: true });
  }
}
