import type { Command } from "commander";

import { SprfError } from "../errors.ts";
import type { ChannelApps, ChannelAsset } from "../ports/channel-apps.ts";
import { channelCommand, channelOf, ownUrl, withChannels, type ChannelSession } from "./channel-session.ts";
import { printHeads, printStanding } from "./channel-views.ts";
import { confirm } from "./confirm.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { printJson } from "./grid-views.ts";
import { etherOf } from "./text-table.ts";

const APPS = ["chat", "editor", "land"] as const;

/** Commands about channels and their members, all of them on the chain. */
export function addMemberCommands(parent: Command): void {
  channelCommand(
    parent,
    "create <app> [title]",
    "Opens a channel: of the app chat, editor or land; a land has its name.",
  )
    .option("--number <number>", "of the group, document or land, one channel at a time each", "1")
    .option("--text <text>", "what a document begins with, at most 64 characters", "")
    .action(
      async (app: string, title: string | undefined, options: DaemonOptions & { number: string; text: string }) => {
        await withChannels(options, async ({ channels: { apps }, signal }) => {
          const channel = await open(apps, app, { title, ...options }, signal);
          if (options.json) printJson({ channel });
          else console.log(`channel ${channel} is open`);
        });
      },
    );

  channelCommand(parent, "join <channel>", "Joins a channel with this account, and with the stake that it asks for.")
    .option("--from-pool", "take the stake from the pool instead of sending it", false)
    .option("--yes", "stake without asking", false)
    .action(async (text: string, options: DaemonOptions & { fromPool: boolean; yes: boolean }) => {
      await withChannels(options, async ({ channels, signal }) => {
        const channel = channelOf(text);
        const { stakeWei } = (await channels.standing(channel, { signal })).info.config;
        if (stakeWei > 0n && !options.yes) {
          if (!options.json) console.log(`the channel asks for a stake of ${etherOf(stakeWei)} ether`);
          await confirm(options, signal);
        }
        const { joinNumber, signer } = await channels.join(channel, { fromPool: options.fromPool, signal });
        if (options.json) printJson({ channel, account: channels.account, joinNumber, signer, stakeWei });
        else console.log(`joined channel ${channel} as member ${joinNumber}`);
      });
    });

  channelCommand(
    parent,
    "leave <channel>",
    "Asks for this account's leave; the next settlement makes it final.",
  ).action(async (text: string, options: DaemonOptions) => {
    await withChannels(options, async ({ channels, signal }) => {
      const channel = channelOf(text);
      await channels.leave(channel, { signal });
      if (options.json) printJson({ channel });
      else console.log(`asked to leave channel ${channel}; once that is settled, \`claim\` sends what is yours`);
    });
  });

  channelCommand(
    parent,
    "delegate <channel> [account]",
    "Lets a member speak for this account, in a channel of more than five; without an account nobody any more.",
  ).action(async (text: string, account: string | undefined, options: DaemonOptions) => {
    await withChannels(options, async ({ channels, signal }) => {
      const channel = channelOf(text);
      const candidate = account === undefined ? undefined : accountOf(account);
      await channels.delegate(channel, candidate, { signal });
      if (options.json) printJson({ channel, candidate });
      else console.log(`${candidate ?? "nobody else"} speaks for ${channels.account} in channel ${channel}`);
    });
  });

  channelCommand(
    parent,
    "close <channel>",
    "Ends a channel that this account opened; a settlement makes it final.",
  ).action(async (text: string, options: DaemonOptions) => {
    await withChannels(options, async ({ channels, signal }) => {
      const channel = channelOf(text);
      await channels.closeChannel(channel, { signal });
      if (options.json) printJson({ channel });
      else console.log(`channel ${channel} is closing; once that is settled, \`claim\` sends each member what is its`);
    });
  });

  channelCommand(
    parent,
    "status <channel>",
    "Members, who leads, and what is final; with heights where a node is near.",
  )
    .option("--url <url>", "ws:// of a member's node (default: this account's own, when it runs here)")
    .action(async (text: string, options: DaemonOptions & { url?: string }) => {
      await withChannels(options, async (session) => await showStatus(session, channelOf(text), options));
    });

  channelCommand(parent, "claim <channel>", "Sends this account its ether, assets and free stake out of a channel.")
    .option("--asset <token[:id]...>", "tokens besides ether")
    .option(
      "--file <file>",
      "of `export`, for the proofs of a channel that settles roots (default: what the node here has kept)",
    )
    .action(async (text: string, options: DaemonOptions & { asset?: readonly string[]; file?: string }) => {
      await withChannels(options, async ({ channels, dataDirectory, signal }) => {
        const channel = channelOf(text);
        const assets = (options.asset ?? []).map(assetOf);
        const claims = await channels.claim(channel, { assets, dataDirectory, file: options.file, signal });
        if (options.json) return printJson({ channel, ...claims });
        const [ether, ...tokens] = claims.assets;
        console.log(`stake: ${etherOf(claims.stakeWei)} ether\nether: ${etherOf(ether?.amount ?? 0n)}`);
        for (const { token, id, amount } of tokens) console.log(`${token}${id === 0n ? "" : `:${id}`}: ${amount}`);
      });
    });
}

async function open(
  apps: ChannelApps,
  app: string,
  options: { readonly title: string | undefined; readonly number: string; readonly text: string },
  signal: AbortSignal,
): Promise<bigint> {
  const number = numberOf("--number", options.number);
  const title = (): string => {
    if (options.title !== undefined) return options.title;
    throw new SprfError("INVALID_INPUT", `title: ${app} needs one`);
  };
  switch (app) {
    case "chat":
      return await apps.openChat({ group: number, title: title() }, { signal });
    case "editor":
      return await apps.openDocument({ file: number, title: title(), text: options.text }, { signal });
    case "land":
      return await apps.openLand(number, { signal });
    default:
      throw new SprfError("INVALID_INPUT", `app: expected ${APPS.join(" or ")}, got ${JSON.stringify(app)}`);
  }
}

async function showStatus(
  { channels, dataDirectory, signal }: ChannelSession,
  channel: bigint,
  options: DaemonOptions & { readonly url?: string },
): Promise<void> {
  const standing = await channels.standing(channel, { signal });
  const url = options.url ?? (await ownUrl(dataDirectory, channel));
  const client = url === undefined ? undefined : await channels.connect({ url, channel, abi: [] }, { signal });
  try {
    const head = client?.description.head;
    if (options.json) return printJson({ ...standing, ...(head === undefined ? {} : { node: head }) });
    printStanding(standing);
    if (head !== undefined) printHeads(head);
  } finally {
    await client?.disconnect();
  }
}

function accountOf(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase();
  throw new SprfError("INVALID_INPUT", `account: expected an address, got ${JSON.stringify(text)}`);
}

function assetOf(text: string): ChannelAsset {
  const match = /^(0x[0-9a-fA-F]{40})(?::(\d{1,78}))?$/.exec(text);
  if (match?.[1] === undefined) {
    throw new SprfError(
      "INVALID_INPUT",
      `--asset: expected a token's address, and :id for one of its kind; got ${text}`,
    );
  }
  return { token: match[1].toLowerCase(), id: BigInt(match[2] ?? 0) };
}

function numberOf(name: string, text: string): bigint {
  if (/^\d{1,77}$/.test(text)) return BigInt(text);
  throw new SprfError("INVALID_INPUT", `${name}: expected a number, got ${JSON.stringify(text)}`);
}
