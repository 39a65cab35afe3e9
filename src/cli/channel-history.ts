import type { Command } from "commander";

import { SprfError } from "../errors.ts";
import { channelCommand, channelOf, withChannels } from "./channel-session.ts";
import { printVerified } from "./channel-views.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { printJson } from "./grid-views.ts";

/** Commands about what a node has kept. */
export function addHistoryCommands(parent: Command): void {
  channelCommand(
    parent,
    "verify <channel>",
    "Plays what this account's node has kept again, against the chain: signatures, records, roots, settled heads.",
  )
    .option("--file <file>", "a file of `export` instead")
    .action(async (text: string, options: DaemonOptions & { readonly file?: string }) => {
      await withChannels(options, async ({ channels, dataDirectory, signal }) => {
        const channel = channelOf(text);
        const { file } = options;
        const verified =
          file === undefined
            ? await channels.verify(channel, dataDirectory, { signal })
            : await channels.verifyFile(file, { signal });
        if ("channel" in verified && verified.channel !== channel) {
          throw new SprfError("INVALID_INPUT", `${file ?? ""} is of channel ${String(verified.channel)}`);
        }
        if (options.json) printJson({ ...verified, channel });
        else printVerified(verified);
      });
    });

  channelCommand(parent, "export <channel> <file>", "Writes what this account's node has kept into one file.").action(
    async (text: string, file: string, options: DaemonOptions) => {
      await withChannels(options, async ({ channels, dataDirectory, signal }) => {
        const channel = channelOf(text);
        const bytes = await channels.exportTo(file, channel, dataDirectory, { signal });
        if (options.json) printJson({ channel, file, bytes });
        else console.log(`channel ${channel} is in ${file}: ${bytes} bytes`);
      });
    },
  );

  channelCommand(
    parent,
    "import <file>",
    "Verifies a file of `export`, and has this account's node go on from it.",
  ).action(async (file: string, options: DaemonOptions) => {
    await withChannels(options, async ({ channels, dataDirectory, signal }) => {
      const verified = await channels.importFrom(file, dataDirectory, { signal });
      if (options.json) return printJson(verified);
      printVerified(verified);
      console.log(`channel ${verified.channel} is imported`);
    });
  });
}
