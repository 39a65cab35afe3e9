// hardhat run scripts/run-tester.ts --network devnet: registers the tester of account SPRF_ACCOUNT_INDEX where it is none yet, and
// answers its draws until Ctrl-C, or until it has reported SPRF_EPOCHS epochs.
import hre from "hardhat";
import { z } from "zod";

import { daemonInit } from "../src/cli/daemon-options.ts";
import { parseEnvironment } from "../src/cli/parse-options.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { runDaemon } from "../src/cli/run-daemon.ts";
import { scriptSettings } from "../src/config/script-settings.ts";
import { createTester } from "../src/create-tester.ts";

const shape = { SPRF_EPOCHS: z.coerce.number().int().positive().default(Number.MAX_SAFE_INTEGER) };

await runCommand(async (signal) => {
  const { SPRF_EPOCHS: epochs } = parseEnvironment(shape, process.env);
  const { devnetFile } = scriptSettings(hre.globalOptions.network);
  const { settings, peer, engines } = await daemonInit("tester", {
    json: false,
    logLevel: process.env["SPRF_LOG_LEVEL"] ?? "warn",
    ...(devnetFile === undefined ? {} : { devnet: devnetFile }),
  });
  const { stakeWei, ...terms } = settings.tester;
  const reported = new AbortController();
  let count = 0;
  const tester = await createTester({
    ...peer,
    engines,
    registration: { ...terms, ...(stakeWei === undefined ? {} : { stakeWei }) },
    onReport: ({ agreement, epoch, verdicts }) => {
      console.log(`epoch ${epoch} of ${agreement}: ${verdicts.join(", ")}`);
      count += 1;
      if (count >= epochs) reported.abort();
    },
  });
  await runDaemon(tester, AbortSignal.any([signal, reported.signal]), () => {
    console.log(`tester ${tester.testerId} (${tester.account}) waits for its draws; Ctrl-C ends it`);
  });
});
// Hardhat's own connections would keep the process; everything of ours is closed here.
process.exit();
