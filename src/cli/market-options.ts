import type { Command } from "commander";

import { devnetFilePath } from "../config/devnet-file.ts";
import type { LoadSettingsInit } from "../config/load.ts";

/** Options of a command that needs the market on the chain alone. */
export interface MarketOptions {
  readonly config?: string;
  /** True: where devnet writes unless it is told otherwise. */
  readonly devnet?: string | boolean;
  readonly account?: string;
  readonly json: boolean;
}

export function withMarketOptions(command: Command): Command {
  return command
    .option("--config <file>", "settings as JSON")
    .option(
      "--devnet [file]",
      "take networks and accounts from what `npx sprf devnet` has written (default: SPRF_DEVNET_FILE, or .sprf/devnet.json)",
    )
    .option("--account <index>", "which account of the mnemonic")
    .option("--json", "JSON on stdout", false);
}

/** Where the settings of such a command come from. */
export function marketSettingsOf({ config, devnet, account }: MarketOptions): LoadSettingsInit {
  const devnetFile = devnet === true ? devnetFilePath() : devnet || undefined;
  return {
    flags: { "identity.accountIndex": account },
    ...(config === undefined ? {} : { file: config }),
    ...(devnetFile === undefined ? {} : { devnetFile }),
  };
}
