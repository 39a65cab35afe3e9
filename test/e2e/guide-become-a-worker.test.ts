import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { openGuide } from "../helpers/guide.ts";

const SUITE_TIMEOUT_MS = 180_000;
/** It lives as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };

describe("the guide: become a worker", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;
  let worker: RunningCommand;
  const guide = openGuide("docs/guides/become-a-worker.md", {
    environment: () => devnet.environment,
    named: (line) =>
      line.includes(" keys ")
        ? line.replace("--password-file password", `--directory ${folder} --password-file ${join(folder, "password")}`)
        : line,
  });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-guide-"));
    await writeFile(join(folder, "password"), "for this test alone\n", { mode: 0o600 });
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
    guide.ran("npx sprf devnet");
  });
  after(async () => {
    await worker?.end("SIGTERM");
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("makes keys and shows their accounts", async () => {
    // docs-command: npx sprf keys create home --password-file password
    const created = await guide.run("npx sprf keys create home --password-file password");
    const [, account = ""] = / holds (0x[0-9a-f]{40}), encrypted/.exec(created) ?? [];
    expect(created).to.include("export SPRF_KEYSTORE=");
    // docs-command: npx sprf keys show home --password-file password
    const shown = await guide.run("npx sprf keys show home --password-file password");
    expect(shown.toLowerCase()).to.include(account);
    expect(shown).to.match(/ G[A-Z2-7]{55}$/m);
  });

  it("looks at the machine", async () => {
    // docs-command: npx sprf doctor --devnet --account 3
    expect(await guide.run("npx sprf doctor --devnet --account 3")).to.match(/^ok +account +0x\w{40}, no twin yet; /m);
  });

  it("serves, and tells from an index what it earned", async () => {
    worker = guide.start("npx sprf worker --devnet --account 3");
    const [, url] = await worker.until(/^worker 1 \(0x\w+\) serves (\S+); /m);
    expect((await fetch(`${url}/health`)).status).to.equal(200);
    await guide.run("npx sprf indexer --devnet");
    expect(await guide.run("npx sprf market worker 1 --devnet")).to.match(/^agreements completed +0$/m);
    await guide.run("npx sprf market due 1 --devnet");
    expect(await guide.run("npx sprf market statement 1 --devnet --csv -")).to.match(/,stake,/);
  });

  it("stops, and with nothing left to serve drains at once", async () => {
    expect((await worker.end("SIGINT")).code).to.equal(0);
    // docs-command: npx sprf worker --devnet --account 3 --drain
    expect(await guide.run("npx sprf worker --devnet --account 3 --drain")).to.include("ends when its agreements do");
  });

  it("shows nothing else", () => guide.expectWhole());
});
