import type { Command } from "commander";
import { z } from "zod";

import { createChannelDaemon } from "../create-channel-daemon.ts";
import { SprfError } from "../errors.ts";
import type { ChannelWatch } from "../ports/channel-watch.ts";
import { channelCommand, channelOf, withChannels, type ChannelSession } from "./channel-session.ts";
import { daemonInit, type DaemonOptions } from "./daemon-options.ts";
import { printJson } from "./grid-views.ts";
import { parseOptions } from "./parse-options.ts";
import { runCommand } from "./run-command.ts";
import { runDaemon } from "./run-daemon.ts";
import { etherOf } from "./text-table.ts";

const WEI_DIGITS = 18;
const NOBODY = "none";
const optionsSchema = z.object({ confirmations: z.coerce.number().int().min(0) });

/** Commands about who watches channels for members that are offline. */
export function addGuardCommands(parent: Command): void {
  channelCommand(
    parent,
    "guard <channel>",
    "Watches a channel for members that named this account's node, and undoes what is false, until Ctrl-C.",
  )
    .option("--confirmations <blocks>", "on top of what it believes of the chain", "0")
    .action(async (text: string, options: DaemonOptions & { readonly confirmations: string }) => {
      await runCommand(async (signal) => await serve(channelOf(text), options, signal), options);
    });

  channelCommand(
    parent,
    "appoint <channel> <signer>",
    `Lets a node follow the channel for this member, and guard it; ${NOBODY} takes that back.`,
  ).action(async (text: string, signer: string, options: DaemonOptions) => {
    await withChannels(options, async (session) => {
      const channel = channelOf(text);
      const named = signerOf(signer);
      await watchOf(session).appoint(channel, named, { signal: session.signal });
      if (options.json) printJson({ channel, watcher: named ?? NOBODY });
      else console.log(named === undefined ? "nobody watches for this member" : `${named} watches for this member`);
    });
  });

  channelCommand(parent, "fund <channel> <ether>", "Adds to what those are paid of who watch a channel.").action(
    async (text: string, ether: string, options: DaemonOptions) => {
      await withChannels(options, async (session) => {
        const { signal } = session;
        const channel = channelOf(text);
        const watch = watchOf(session);
        await watch.give(channel, weiOf(ether), { signal });
        const fundWei = await watch.fundWei(channel, { signal });
        if (options.json) printJson({ channel, fundWei });
        else console.log(`the fund of channel ${channel} has ${etherOf(fundWei)} ether`);
      });
    },
  );

  channelCommand(parent, "reward", "Sends this account what it has earned by watching channels.").action(
    async (options: DaemonOptions) => {
      await withChannels(options, async (session) => {
        const { signal } = session;
        const watch = watchOf(session);
        const earnedWei = await watch.creditWei({ signal });
        if (earnedWei > 0n) await watch.withdraw({ signal });
        if (options.json) printJson({ earnedWei });
        else console.log(`${etherOf(earnedWei)} ether`);
      });
    },
  );
}

async function serve(
  channel: bigint,
  options: DaemonOptions & { readonly confirmations: string },
  signal: AbortSignal,
): Promise<void> {
  const { confirmations } = parseOptions(optionsSchema, options);
  const { peer } = await daemonInit("channel", options);
  const daemon = await createChannelDaemon({
    ...peer,
    dataDirectory: peer.dataDirectory ?? "",
    channel,
    api: {},
    confirmations,
    watches: true,
  });
  await runDaemon(daemon, signal, () => {
    const { account, signer } = daemon;
    if (options.json) console.log(JSON.stringify({ channel: channel.toString(), account, signer }));
    else console.log(`${account} watches channel ${channel} for members that appoint ${signer}; Ctrl-C ends it`);
  });
}

function watchOf({ channels }: ChannelSession): ChannelWatch {
  if (channels.watch !== undefined) return channels.watch;
  throw new SprfError("CONFIG_INVALID", "the settings name nobody who pays watchers (SPRF_CHANNEL_WATCH)");
}

function signerOf(text: string): string | undefined {
  if (text === NOBODY) return undefined;
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  throw new SprfError(
    "INVALID_INPUT",
    `signer: expected an address, as \`guard\` prints it, or ${NOBODY}; got ${text}`,
  );
}

function weiOf(text: string): bigint {
  const match = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(text);
  if (match?.[1] === undefined) throw new SprfError("INVALID_INPUT", `ether: expected an amount, got ${text}`);
  return BigInt(match[1] + (match[2] ?? "").padEnd(WEI_DIGITS, "0"));
}
