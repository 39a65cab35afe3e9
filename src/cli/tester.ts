import type { Command } from "commander";

import { createTester } from "../create-tester.ts";
import {
  daemonInit,
  withAdminOptions,
  withDaemonOptions,
  withEngineOption,
  type DaemonOptions,
} from "./daemon-options.ts";
import { runDaemon } from "./run-daemon.ts";
import { runCommand } from "./run-command.ts";

interface TesterOptions extends DaemonOptions {
  readonly fee?: string;
}

/** Options and work of `sprf tester`. */
export function defineTester(command: Command): void {
  withAdminOptions(withEngineOption(withDaemonOptions(command)))
    .option("--fee <wei>", "least fee for an epoch, when it registers")
    .action(async (options: TesterOptions) => {
      await runCommand(async (signal) => await serve(options, signal), options);
    });
}

async function serve(options: TesterOptions, signal: AbortSignal): Promise<void> {
  const { settings, peer, engines, admin } = await daemonInit("tester", options, {
    "tester.feePerEpochWei": options.fee,
  });
  const { stakeWei, ...terms } = settings.tester;
  const tester = await createTester({
    ...peer,
    engines,
    registration: { ...terms, ...(stakeWei === undefined ? {} : { stakeWei }) },
    onReport: ({ agreement, epoch, round, verdicts }) => {
      const what = round === "panel" ? "appeals of epoch" : "epoch";
      if (options.json) console.log(JSON.stringify({ agreement, epoch, round, verdicts }));
      else console.log(`${what} ${epoch} of ${agreement}: ${verdicts.join(", ")}`);
    },
  });
  await runDaemon(admin.around(tester), signal, () => {
    const { testerId, account, detection } = tester;
    if (options.json) console.log(JSON.stringify({ testerId, account, detection, adminUrl: admin.url }));
    else console.log(`tester ${testerId} (${account}) waits for its draws; Ctrl-C ends it`);
  });
}
