import { readFileSync } from "node:fs";

import { expect } from "chai";

import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import type { RunningCommand } from "../helpers/command.ts";
import { openGuide } from "../helpers/guide.ts";

const SUITE_TIMEOUT_MS = 300_000;
/** It lives as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };
const GUIDE = "docs/guides/rent-your-first-worker.md";

describe("the guide: rent your first worker", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let agreement = "";
  let program = "";
  const daemons: RunningCommand[] = [];
  const guide = openGuide(GUIDE, {
    environment: () => devnet.environment,
    named: (line) => line.replace("0x...", agreement).replace("G...", program),
  });

  before(async () => {
    // docs-command: npx sprf devnet
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
    guide.ran("npx sprf devnet");
  });
  after(async () => {
    await Promise.all(daemons.map(async (daemon) => await daemon.end("SIGTERM")));
    await devnet?.stop();
  });

  it("has everything looked at", async () => {
    // docs-command: npx sprf doctor --devnet
    expect(await guide.run("npx sprf doctor --devnet")).to.match(/^all is well$/m);
  });

  it("has workers and a tester register themselves", async () => {
    // docs-command: npx sprf worker --devnet --account 1
    // docs-command: npx sprf worker --devnet --account 2
    // docs-command: npx sprf worker --devnet --account 3
    for (const account of [1, 2, 3]) daemons.push(guide.start(`npx sprf worker --devnet --account ${account}`));
    // docs-command: npx sprf tester --devnet --account 4
    const tester = guide.start("npx sprf tester --devnet --account 4");
    await Promise.all(daemons.map(async (worker) => await worker.until(/^worker \d \(0x\w+\) serves /m)));
    daemons.push(tester);
    await tester.until(/^tester 1 \(0x\w+\) waits for its draws/m);
  });

  it("asks for the price, and buys for no more", async () => {
    // docs-command: npx sprf market quote --redundancy 3 --length 600 --devnet --account 5
    const quote = await guide.run("npx sprf market quote --redundancy 3 --length 600 --devnet --account 5");
    const [, cost = ""] = /^cost +at most (\S+) ether$/m.exec(quote) ?? [];
    // docs-command: npx sprf market buy --redundancy 3 --length 600 --devnet --account 5 --yes
    const bought = await guide.run("npx sprf market buy --redundancy 3 --length 600 --devnet --account 5 --yes");
    const [, address = "", paid] = /^agreement (0x\w{40})\npaid +(\S+) ether\n/.exec(bought) ?? [];
    agreement = address;
    expect(Number(paid)).to.be.greaterThan(0).and.at.most(Number(cost));
    // What the page shows of it.
    expect(readFileSync(GUIDE, "utf8")).to.include(`\npaid     ${paid} ether\n`);
  });

  it("makes a program and runs it, with the output that the page shows", async () => {
    // docs-command: npx sprf program create --devnet --account 5 --agreement 0x... --module examples/programs/bookkeeping-wasi/bookkeeping.wasm --yes
    const created = await guide.run(
      "npx sprf program create --devnet --account 5 --agreement 0x... --module examples/programs/bookkeeping-wasi/bookkeeping.wasm --yes",
    );
    program = /^created (G\w{55})$/m.exec(created)?.[1] ?? "";
    // docs-command: npx sprf program run G... --input examples/programs/bookkeeping-wasi/january.csv --devnet --account 5 --yes
    const output = await guide.run(
      "npx sprf program run G... --input examples/programs/bookkeeping-wasi/january.csv --devnet --account 5 --yes",
    );
    expect(output).to.match(/^account,balance_minor\n/);
    expect(readFileSync(GUIDE, "utf8")).to.include(output);
  });

  it("reads state and history, and audits them", async () => {
    // docs-command: npx sprf program state G... --devnet --account 5
    expect(await guide.run("npx sprf program state G... --devnet --account 5")).to.match(/^anchored in ledger +\d+$/m);
    // docs-command: npx sprf program history G... --devnet --account 5
    const history = await guide.run("npx sprf program history G... --devnet --account 5");
    expect([...history.matchAll(/ (transition|create) /g)].map(([, kind]) => kind)).to.deep.equal([
      "transition",
      "create",
    ]);
    // docs-command: npx sprf audit G... --devnet
    expect(await guide.run("npx sprf audit G... --devnet")).to.match(/^clean: G\w{55} at ledger \d+$/m);
  });

  it("asks an index what the market did", async () => {
    // docs-command: npx sprf indexer --devnet
    expect(await guide.run("npx sprf indexer --devnet")).to.match(/^indexed up to block \d+/);
    // docs-command: npx sprf market agreements --devnet
    expect(await guide.run("npx sprf market agreements --devnet")).to.include(agreement);
    // docs-command: npx sprf market workers --devnet
    expect(await guide.run("npx sprf market workers --devnet")).to.match(/^ *3 +active /m);
  });

  it("does it all from a script, which is what the README shows", async () => {
    // docs-command: npx sprf tester --devnet --account 6
    // docs-command: npx sprf tester --devnet --account 7
    for (const account of [6, 7]) {
      const tester = guide.start(`npx sprf tester --devnet --account ${account}`);
      daemons.push(tester);
      await tester.until(/^tester \d \(0x\w+\) waits for its draws/m);
    }
    // docs-command: npx node examples/sdk/first-program.ts
    const printed = await guide.run("npx node examples/sdk/first-program.ts");
    expect(printed)
      .to.match(/^account,balance_minor\nAssets:Bank,150000\n/)
      .and.match(/^anchored in ledger \d+$/m);
    const [, snippet = ""] = /```ts\nimport .*\n\n(.*?)```/s.exec(readFileSync("README.md", "utf8")) ?? [];
    expect(snippet).to.include("await sprf.execute(");
    expect(readFileSync("examples/sdk/first-program.ts", "utf8")).to.include(snippet);
  });

  it("shows nothing else", () => guide.expectWhole());
});
