import { expect } from "chai";

import { runCommandLine, startCommand, succeed } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { readEvents } from "../helpers/event-reader.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
const USER = 2;

describe("sprf dashboard", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet");
  });
  after(async () => {
    await devnet?.stop();
  });

  it("should serve the app and the chain's state, and end on Ctrl-C", async () => {
    // docs-command: npx sprf dashboard --devnet
    const command = startCommand("npx sprf dashboard --devnet", devnet.environment);
    const [, url = ""] = await command.until(/the dashboard is at (http:\S+); Ctrl-C ends it/);
    expect(await (await fetch(url)).text()).to.contain('<div id="app">');
    const reader = await readEvents(`${url}events?topics=status`);
    await until(() => reader.events.length > 1);
    expect(reader.events[0]?.data).to.have.nested.property("view.chainId", 31_337);
    const { code, stderr } = await command.end("SIGINT");
    expect(code, stderr).to.equal(0);
  });

  it("should take a port that is given, and refuse one that is taken", async () => {
    const first = startCommand("npx sprf dashboard --devnet --port 0 --json", devnet.environment);
    const [, url = ""] = await first.until(/"url":"([^"]+)"/);
    const { port } = new URL(url);
    const data = { ...devnet.environment, SPRF_DATA_DIRECTORY: `${devnet.file}-other` };
    const second = await runCommandLine(`npx sprf dashboard --devnet --port ${port}`, data);
    expect(second.code).to.equal(USER);
    expect(second.stderr).to.match(/^error CONFIG_INVALID: cannot listen on /);
    const third = await runCommandLine("npx sprf dashboard --devnet --port 0", devnet.environment);
    expect(third.stderr).to.match(/^error DIRECTORY_IN_USE: /);
    await first.end("SIGTERM");
  });

  it("should be built ahead for images without development packages", async () => {
    // docs-command: npx node scripts/build-dashboard.ts
    await succeed("npx node scripts/build-dashboard.ts");
  });

  it("should refuse options that are none", async () => {
    const { code, stderr } = await runCommandLine("npx sprf dashboard --devnet --port 70000", devnet.environment);
    expect(code).to.equal(USER);
    expect(stderr).to.match(/^error INVALID_INPUT: --port/);
  });
});
