import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { runCommandLine, startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { dockerAbsence } from "../helpers/docker-programs.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { wasiSdkAbsence } from "../helpers/wasi-sdk.ts";

const SUITE_TIMEOUT_MS = 300_000;

describeWithPart("wasi-sdk", await wasiSdkAbsence(), "a program from an empty folder to its history", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand | undefined;
  let home: string;
  let daemons: readonly RunningCommand[] = [];
  /** What a reader puts in the places of the guide's names. */
  const names = new Map<string, string>();
  const run = async (line: string): Promise<string> => {
    const words = line.split(" ").map((word) => names.get(word) ?? word.replace(/^hello/, join(home, "hello")));
    return (await succeed(words.join(" "), devnet?.environment)).stdout;
  };

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "sprf-path-"));
  });
  after(async () => {
    await Promise.all(daemons.map(async (daemon) => await daemon.end("SIGTERM")));
    await devnet?.stop();
    await rm(home, { recursive: true, force: true });
  });

  it("should begin, build and try it", async () => {
    // docs-command: npx sprf program init hello
    expect(await run("npx sprf program init hello")).to.contain("main.c");
    // docs-command: npx sprf program build hello
    const built = await run("npx sprf program build hello");
    names.set("bafk...", /^CID +(baf\w+) \(twice the same\)$/m.exec(built)?.[1] ?? "");
    // docs-command: npx sprf program try hello --input hello/input.txt
    expect(await run("npx sprf program try hello --input hello/input.txt")).to.equal("5\n");
    expect(await run("npx sprf program try hello --input hello/input.txt")).to.equal("10\n");
    const refused = await runCommandLine(`npx sprf program try ${home}/hello --input ${home}/hello/main.c`);
    expect(refused.stderr).to.match(/^error PROGRAM_REJECTED: exit 1: line 1: expected a whole number$/m);
    expect(refused.code).to.equal(3);
    expect(await readFile(join(home, "hello/build/state"), "utf8")).to.equal("10\n");
  });

  it("should bring up a market to run it on", async () => {
    // docs-command: npx sprf devnet
    const network = await startDevnetCommand("npx sprf devnet", { timeoutMs: SUITE_TIMEOUT_MS });
    devnet = network;
    const lines = [
      // docs-command: npx sprf worker --devnet --account 3
      "npx sprf worker --devnet --account 3",
      // docs-command: npx sprf worker --devnet --account 4
      "npx sprf worker --devnet --account 4",
      // docs-command: npx sprf worker --devnet --account 6
      "npx sprf worker --devnet --account 6",
      // docs-command: npx sprf tester --devnet --account 7
      "npx sprf tester --devnet --account 7",
    ];
    daemons = lines.map((line) => startCommand(line, network.environment, { timeoutMs: SUITE_TIMEOUT_MS }));
    await Promise.all(daemons.map(async (daemon) => await daemon.until(/^(worker|tester) \d+ /m)));
  });

  it("should push it, buy workers, and make its account", async () => {
    // docs-command: npx sprf program push hello --devnet --account 5
    expect((await run("npx sprf program push hello --devnet --account 5")).trim()).to.equal(names.get("bafk..."));
    // docs-command: npx sprf market buy --redundancy 3 --length 600 --devnet --account 5 --yes
    const bought = await run("npx sprf market buy --redundancy 3 --length 600 --devnet --account 5 --yes");
    names.set("0x...", /^agreement (0x\w{40})$/m.exec(bought)?.[1] ?? "");
    // docs-command: npx sprf program create --agreement 0x... --cid bafk... --devnet --account 5 --yes
    const line = "npx sprf program create --agreement 0x... --cid bafk... --devnet --account 5 --yes";
    names.set("G...", /^created (G[A-Z2-7]{55})$/m.exec(await run(line))?.[1] ?? "");
    expect(names.get("G...")).to.have.length(56);
  });

  it("should run it twice on its workers, and show what came of it", async () => {
    // docs-command: npx sprf program run G... --input hello/input.txt --devnet --account 5 --yes
    const line = "npx sprf program run G... --input hello/input.txt --devnet --account 5 --yes";
    expect(await run(line)).to.equal("5\n");
    expect(await run(line)).to.equal("10\n");
    // docs-command: npx sprf program state G... --output - --devnet --account 5
    expect(await run("npx sprf program state G... --output - --devnet --account 5")).to.equal("10\n");
    // docs-command: npx sprf program history G... --devnet --account 5
    const history = (await run("npx sprf program history G... --devnet --account 5")).trim().split("\n");
    expect(history.filter((row) => row.includes("transition"))).to.have.length(2);
    // docs-command: npx sprf audit G... --devnet
    expect(await run("npx sprf audit G... --devnet")).to.match(/clean/);
  });

  it("should take no CID that is none", async () => {
    const line = `npx sprf program create --agreement ${names.get("0x...")} --cid Qm --devnet --account 5 --yes`;
    const { code, stderr } = await runCommandLine(line, devnet?.environment);
    expect(stderr).to.match(/^error INVALID_INPUT: --cid: /);
    expect(code).to.equal(2);
  });
});

describeWithPart("docker", await dockerAbsence(), "an image from an empty folder to a registry", function () {
  this.timeout(SUITE_TIMEOUT_MS);

  it("should begin, build, try and push it", async () => {
    const home = await mkdtemp(join(tmpdir(), "sprf-image-path-"));
    const run = async (line: string): Promise<string> => {
      const words = line.split(" ").map((word) => word.replace(/^hello/, join(home, "hello")));
      return (await succeed(words.join(" "))).stdout;
    };
    try {
      // docs-command: npx sprf program init hello-image --template docker-c
      await run("npx sprf program init hello-image --template docker-c");
      // docs-command: npx sprf program build hello-image
      expect(await run("npx sprf program build hello-image")).to.match(/^id +sha256:[0-9a-f]{64} \(twice the same\)$/m);
      // docs-command: npx sprf program try hello-image --input hello-image/input.txt
      expect(await run("npx sprf program try hello-image --input hello-image/input.txt")).to.equal("5\n");
      // docs-command: npx sprf program push hello-image --registry 127.0.0.1:5000
      const pushed = await run("npx sprf program push hello-image --registry 127.0.0.1:5000");
      expect(pushed).to.match(/^127\.0\.0\.1:5000\/sprf\/tally:1@sha256:[0-9a-f]{64}\n$/);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});
