// hardhat run scripts/run-tester.ts --network devnet: registers the tester of account SPRF_ACCOUNT_INDEX where it is none yet, and
// answers its draws until Ctrl-C, or until it has reported SPRF_EPOCHS epochs.
import { existsSync } from "node:fs";

import { daemonInit } from "../src/cli/daemon-options.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { runDaemon } from "../src/cli/run-daemon.ts";
import { DEVNET_FILE } from "../src/config/devnet-file.ts";
import { createTester } from "../src/create-tester.ts";

const epochs = Number(process.env["SPRF_EPOCHS"] ?? Number.POSITIVE_INFINITY);

await runCommand(async (signal) => {
  const { settings, peer, engines } = await daemonInit({
    json: false,
    logLevel: process.env["SPRF_LOG_LEVEL"] ?? "warn",
    ...(existsSync(DEVNET_FILE) ? { devnet: DEVNET_FILE } : {}),
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
