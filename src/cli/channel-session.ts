import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Abi } from "abitype";
import type { Command } from "commander";

import type {
  ChannelCallOptions,
  ChannelCallResult,
  ChannelClient,
  ChannelViewResult,
} from "../create-channel-client.ts";
import { channelLogDirectory } from "../create-channel-node.ts";
import { connectChannels, type SprfChannels } from "../create-channels.ts";
import { SprfError, messageOf } from "../errors.ts";
import { daemonInit, withDaemonOptions, type DaemonOptions } from "./daemon-options.ts";
import { runCommand } from "./run-command.ts";

/** Where a node of this machine says how its clients reach it, while it runs. */
const API_FILE = "api-url";

/** Options of every command that goes to a node. */
export interface NodeOptions extends DaemonOptions {
  readonly url?: string;
  readonly abi?: string;
}

/** What a command works with. */
export interface ChannelSession {
  readonly channels: SprfChannels;
  /** Where this account's nodes keep what they know. */
  readonly dataDirectory: string;
  readonly signal: AbortSignal;
}

/** A client of whatever program. */
export type AnyClient = Pick<ChannelClient<Abi>, "subscribe" | "settle"> & {
  call(name: string, args: readonly unknown[], options: ChannelCallOptions): Promise<ChannelCallResult<unknown>>;
  read(
    name: string,
    args: readonly unknown[],
    options: ChannelCallOptions & { readonly height?: number },
  ): Promise<ChannelViewResult<unknown>>;
};

/** A command of channels on the chain. */
export function channelCommand(parent: Command, name: string, description: string): Command {
  return withDaemonOptions(parent.command(name).description(description));
}

/** A command that goes to a member's node. */
export function nodeCommand(parent: Command, name: string, description: string): Command {
  return channelCommand(parent, name, description)
    .option("--url <url>", "ws:// of a member's node (default: this account's own, when it runs here)")
    .option("--abi <file>", "the program's ABI as JSON; those of SPRF's own apps are known");
}

/** Connects as the account of the options. */
export async function withChannels(
  options: DaemonOptions,
  work: (session: ChannelSession) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => {
    const { peer } = await daemonInit("channel", { logLevel: "error", ...options });
    const channels = await connectChannels(peer, { signal });
    try {
      await work({ channels, dataDirectory: peer.dataDirectory ?? "", signal });
    } finally {
      await channels.close();
    }
  }, options);
}

/** Connects to a channel through a node. */
export async function withClient(
  text: string,
  options: NodeOptions,
  work: (
    session: ChannelSession & { readonly client: AnyClient; readonly abi: Abi; readonly channel: bigint },
  ) => Promise<void>,
): Promise<void> {
  await withChannels(options, async (session) => {
    const channel = channelOf(text);
    const { channels, dataDirectory, signal } = session;
    const url = options.url ?? (await ownUrl(dataDirectory, channel));
    if (url === undefined) {
      throw new SprfError("INVALID_INPUT", `--url: no node of this account runs here for channel ${channel}`);
    }
    const abi = options.abi === undefined ? await knownAbi(channels, channel, signal) : await readAbi(options.abi);
    const client = await channels.connect({ url, channel, abi }, { signal });
    try {
      // Names and arguments are what somebody typed: there are no types to hold them against.
      await work({ ...session, client, abi, channel });
    } finally {
      await client.disconnect();
    }
  });
}

/** A channel's number. @throws SprfError `INVALID_INPUT` */
export function channelOf(text: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text);
  throw new SprfError("INVALID_INPUT", `channel: expected a number from 1 on, got ${JSON.stringify(text)}`);
}

/** Where the node's own API is written down. */
export function apiFileOf(dataDirectory: string, channel: bigint): string {
  return join(channelLogDirectory(dataDirectory, channel), API_FILE);
}

/** The API of this account's own node; undefined when none runs here. */
export async function ownUrl(dataDirectory: string, channel: bigint): Promise<string | undefined> {
  return (await readFile(apiFileOf(dataDirectory, channel), "utf8").catch(() => undefined))?.trim();
}

async function knownAbi(channels: SprfChannels, channel: bigint, signal: AbortSignal): Promise<Abi> {
  const abi = await channels.programAbi(channel, { signal });
  if (abi !== undefined) return abi;
  throw new SprfError("INVALID_INPUT", `--abi: the program of channel ${channel} is none that SPRF brings`);
}

async function readAbi(path: string): Promise<Abi> {
  try {
    const json: unknown = JSON.parse(await readFile(path, "utf8"));
    const abi = Array.isArray(json) ? json : (json as { readonly abi?: unknown }).abi;
    if (Array.isArray(abi)) return abi as Abi;
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `--abi: cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  throw new SprfError("INVALID_INPUT", `--abi: ${path} has no ABI, nor an artifact with one`);
}
