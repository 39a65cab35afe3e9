import { expect } from "chai";

import type { RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { openGuide } from "../helpers/guide.ts";

const SUITE_TIMEOUT_MS = 180_000;
/** It lives as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };

describe("the guide: become a tester", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let tester: RunningCommand;
  const guide = openGuide("docs/guides/become-a-tester.md", { environment: () => devnet.environment });

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
    guide.ran("npx sprf devnet");
  });
  after(async () => {
    await tester?.end("SIGTERM");
    await devnet?.stop();
  });

  it("registers and waits to be drawn", async () => {
    tester = guide.start("npx sprf tester --devnet --account 4");
    await tester.until(/^tester 1 \(0x\w+\) waits for its draws; Ctrl-C ends it$/m);
  });

  it("tells from an index what is due", async () => {
    await guide.run("npx sprf indexer --devnet");
    await guide.run("npx sprf market agreements --devnet");
    // Nothing yet, which is said and no error.
    await guide.run("npx sprf market due 1 --devnet");
  });

  it("runs for a number of epochs by a script, as the tester that it is already", async () => {
    expect((await tester.end("SIGINT")).code).to.equal(0);
    tester = guide.start("SPRF_ACCOUNT_INDEX=4 SPRF_EPOCHS=1 npx hardhat run scripts/run-tester.ts --network devnet");
    await tester.until(/^tester 1 \(0x\w+\) waits for its draws/m);
  });

  it("shows nothing else", () => guide.expectWhole());
});
