import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { runCommandLine, startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { readEvents } from "../helpers/event-reader.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 300_000;
/** Daemons live as long as the suite. */
const DAEMON = { timeoutMs: 600_000 };
const PATIENT = { timeoutMs: 60_000 };
const USER = 2;
const PROGRAM = 3;

describe("the commands of channels", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;
  /** Of the node of account 2. */
  let port = "";
  /** Of the nodes that play a land, in the place of 8104 and 8105. */
  const landPorts: string[] = [];
  const nodes: RunningCommand[] = [];

  /** A command as a document shows it, with the test's own ports and files in place of the document's. */
  const lineOf = (line: string): string =>
    line
      // Any free one: what was free a moment ago may be somebody else's now.
      .replace(/--port 810[2-5]/, "--port 0")
      .replace(":8102", `:${port}`)
      .replace(/:810([45])/, (_, last: string) => `:${landPorts[Number(last) - 4]}`)
      .replace("gardeners.channel", join(folder, "gardeners.channel"));
  const run = async (line: string): Promise<string> => (await succeed(lineOf(line), devnet.environment)).stdout;
  const json = async (line: string): Promise<Record<string, unknown>> =>
    JSON.parse(await run(`${line} --json`)) as Record<string, unknown>;
  const fail = async (line: string) => await runCommandLine(lineOf(line), devnet.environment);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-channel-"));
    devnet = await startDevnetCommand("npx sprf devnet", DAEMON);
  });
  after(async () => {
    await Promise.all(nodes.map(async (node) => await node.end("SIGTERM")));
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("should open a channel, and join it with each member's node", async () => {
    // docs-command: npx sprf channel create chat Gardeners --devnet --account 2
    expect(await run("npx sprf channel create chat Gardeners --devnet --account 2")).to.equal("channel 1 is open\n");
    // docs-command: npx sprf channel join 1 --devnet --account 2
    expect(await run("npx sprf channel join 1 --devnet --account 2")).to.equal("joined channel 1 as member 1\n");
    // docs-command: npx sprf channel join 1 --devnet --account 3
    expect(await run("npx sprf channel join 1 --devnet --account 3")).to.equal("joined channel 1 as member 2\n");
    const again = await fail("npx sprf channel create chat Gardeners --devnet --account 2");
    expect([again.code, again.stderr]).to.deep.equal([USER, again.stderr]);
    expect(again.stderr).to.match(/^error CHAIN_REVERTED: .*Chat_Open/);
    const stranger = await fail("npx sprf channel node 1 --devnet --account 4 --json");
    expect(stranger.code).to.equal(USER);
    expect(stranger.stdout).to.contain("CHANNEL_NOT_MEMBER");
    // docs-command: npx sprf channel node 1 --devnet --account 2 --port 8102 --archive
    // docs-command: npx sprf channel node 1 --devnet --account 3 --port 8103
    for (const line of [
      "npx sprf channel node 1 --devnet --account 2 --port 8102 --archive",
      "npx sprf channel node 1 --devnet --account 3 --port 8103",
    ]) {
      nodes.push(startCommand(lineOf(line), devnet.environment, DAEMON));
    }
    const serves = /^node of 0x[0-9a-f]{40} in channel 1 serves ws:\/\/127\.0\.0\.1:(\d+); Ctrl-C/m;
    const [first] = await Promise.all(nodes.map(async (node) => await node.until(serves)));
    port = first?.[1] ?? "";
  });

  it("should call, read and watch through the nodes, and say what is wrong with a call", async () => {
    const watching = startCommand("npx sprf channel watch 1 --devnet --account 3", devnet.environment);
    // docs-command: npx sprf channel watch 1 --devnet --account 3
    await watching.until(/^height \d+: \d+ slots, root [0-9a-f]{12}$/m);
    // docs-command: npx sprf channel call 1 say hello --devnet --account 3
    const said = await run("npx sprf channel call 1 say hello --devnet --account 3");
    expect(said).to.match(/^height \d+: committed; it returned 1\n {2}Said: number 1, author 0x.*, text hello\n$/);
    await watching.until(/Said: number 1, .* text hello$/m);
    await watching.end("SIGINT");
    // docs-command: npx node examples/channels/chat.ts 1 ws://127.0.0.1:8102 --account 2
    const chat = await run("npx node examples/channels/chat.ts 1 ws://127.0.0.1:8102 --account 2");
    expect(chat).to.match(/^-- Gardeners; .* --\n\d\d:\d\d:\d\d 0x[0-9a-fA-F]{6} {2}hello\n$/);
    // docs-command: npx sprf channel read 1 lineCount --devnet --account 2
    expect(await run("npx sprf channel read 1 lineCount --devnet --account 2")).to.equal("1\n");
    // docs-command: npx sprf channel status 1 --devnet --account 2
    const status = await run("npx sprf channel status 1 --devnet --account 2");
    expect(status).to.match(/^channel 1 +open\n/);
    expect(status).to.match(/^committed +3$/m);
    const refused = await fail(`npx sprf channel call 1 say ${"x".repeat(513)} --devnet --account 3`);
    expect(refused.code).to.equal(PROGRAM);
    expect(refused.stderr).to.match(/^error CHANNEL_CALL_FAILED: .*ChatProgram_BadLength\(512, 513\)/);
    for (const line of ["call 1 shout hello", "call 1 say", "read x lineCount", "watch 2"]) {
      expect((await fail(`npx sprf channel ${line} --devnet --account 3`)).code, line).to.equal(USER);
    }
  });

  it("should show the channel in the dashboard, live by a member's node", async () => {
    // docs-command: npx sprf dashboard --devnet --account 2 --channel-node ws://127.0.0.1:8102
    const line = lineOf("npx sprf dashboard --devnet --account 2 --channel-node ws://127.0.0.1:8102");
    const dashboard = startCommand(`${line} --port 0`, devnet.environment);
    const [, url = ""] = await dashboard.until(/the dashboard is at (http:\S+); Ctrl-C ends it/);
    const reader = await readEvents(`${url}events?topics=channel/1`);
    await until(() => JSON.stringify(reader.events.at(-1)?.data ?? "").includes('"kind":"call"'), PATIENT);
    reader.close();
    await dashboard.end("SIGINT");
    const wrong = await fail("npx sprf dashboard --devnet --channel-node http://127.0.0.1:1");
    expect([wrong.code, wrong.stderr]).to.deep.equal([USER, wrong.stderr]);
    expect(wrong.stderr).to.match(/^error INVALID_INPUT: --channel-node/);
  });

  it("should have another account guard the channel for a member, and be paid by a fund", async () => {
    const guarding = startCommand("npx sprf channel guard 1 --devnet --account 5", devnet.environment, DAEMON);
    // docs-command: npx sprf channel guard 1 --devnet --account 5
    const [, signer] = await guarding.until(
      /^0x[0-9a-f]{40} watches channel 1 for members that appoint (0x[0-9a-f]{40}); /m,
    );
    expect(await run(`npx sprf channel appoint 1 ${signer} --devnet --account 2`)).to.equal(
      `${signer} watches for this member\n`,
    );
    // docs-command: npx sprf channel fund 1 0.5 --devnet --account 3
    const funded = await run("npx sprf channel fund 1 0.5 --devnet --account 3");
    expect(funded).to.equal("the fund of channel 1 has 0.5 ether\n");
    // docs-command: npx sprf channel reward --devnet --account 5
    expect(await run("npx sprf channel reward --devnet --account 5")).to.equal("0 ether\n");
    for (const line of ["appoint 1 me", "appoint 9 none", "fund 1 much", "fund 1 -1"]) {
      expect((await fail(`npx sprf channel ${line} --devnet --account 3`)).code, line).to.equal(USER);
    }
    expect((await guarding.end("SIGTERM")).code).to.equal(0);
  });

  it("should settle, let a member leave and claim, close, and show that all of it is true", async () => {
    // docs-command: npx sprf channel settle 1 --devnet --account 2
    expect(await run("npx sprf channel settle 1 --devnet --account 2")).to.match(
      /^channel 1 is final up to height 4\n$/,
    );
    // docs-command: npx sprf channel leave 1 --devnet --account 3
    expect(await run("npx sprf channel leave 1 --devnet --account 3")).to.match(/^asked to leave channel 1/);
    const membersOf = async () =>
      (await json("npx sprf channel status 1 --devnet --account 2"))["members"] as unknown[];
    await until(async () => (await membersOf()).length === 1, PATIENT);
    // docs-command: npx sprf channel claim 1 --devnet --account 3
    expect(await run("npx sprf channel claim 1 --devnet --account 3")).to.equal("stake: 0 ether\nether: 0\n");
    // docs-command: npx sprf channel close 1 --devnet --account 2
    expect(await run("npx sprf channel close 1 --devnet --account 2")).to.match(/^channel 1 is closing/);
    const infoOf = async () =>
      (await json("npx sprf channel status 1 --devnet --account 2"))["info"] as { readonly isClosed: boolean };
    await until(async () => (await infoOf()).isClosed, PATIENT);
    // docs-command: npx sprf channel verify 1 --devnet --account 2
    const verified = await run("npx sprf channel verify 1 --devnet --account 2");
    expect(verified).to.match(/^from +the beginning$/m);
    expect(verified).to.match(/^settled heads compared +4, /m);
    // docs-command: npx sprf channel export 1 gardeners.channel --devnet --account 2
    expect(await run("npx sprf channel export 1 gardeners.channel --devnet --account 2")).to.match(/: \d+ bytes\n$/);
    // docs-command: npx sprf channel import gardeners.channel --devnet --account 4
    const imported = await run("npx sprf channel import gardeners.channel --devnet --account 4");
    expect(imported).to.match(/^channel 1 is imported$/m);
    const [node] = nodes;
    expect((await node?.end("SIGTERM"))?.code).to.equal(0);
    const gone = await fail("npx sprf channel read 1 lineCount --devnet --account 2");
    expect(gone.stderr).to.match(/^error INVALID_INPUT: --url: no node of this account runs here/);
  });

  it("should take a land out of its world, play it, and bring it back with what is everybody's paid", async () => {
    // docs-command: npx sprf channel create land --number 1 --devnet --account 2
    const opened = await run("npx sprf channel create land --number 1 --devnet --account 2");
    expect(opened).to.equal("channel 2 is open\n");
    const early = await fail("npx sprf channel join 2 --devnet --account 3 --yes");
    expect([early.code, early.stderr]).to.deep.equal([USER, early.stderr]);
    expect(early.stderr).to.match(/^error CHAIN_REVERTED: .*LandCraft_LordFirst/);
    // docs-command: npx sprf channel join 2 --devnet --account 2 --yes
    // docs-command: npx sprf channel join 2 --devnet --account 3 --yes
    for (const account of [2, 3]) {
      const joined = await run(`npx sprf channel join 2 --devnet --account ${account} --yes`);
      expect(joined).to.match(/^joined channel 2 as member \d$/m);
    }
    // An account has one node at a time: its messages come to one only.
    await Promise.all(nodes.splice(0).map(async (node) => await node.end("SIGTERM")));
    // docs-command: npx sprf channel node 2 --devnet --account 2 --port 8104
    // docs-command: npx sprf channel node 2 --devnet --account 3 --port 8105
    const playing = [
      "npx sprf channel node 2 --devnet --account 2 --port 8104",
      "npx sprf channel node 2 --devnet --account 3 --port 8105",
    ].map((line) => startCommand(lineOf(line), devnet.environment, DAEMON));
    nodes.push(...playing);
    const serves = /^node of 0x[0-9a-f]{40} in channel 2 serves ws:\/\/127\.0\.0\.1:(\d+); Ctrl-C/m;
    for (const node of playing) landPorts.push((await node.until(serves))[1] ?? "");

    // docs-command: npx node examples/channels/landcraft.ts 2 ws://127.0.0.1:8105 --account 3 --keys DDss.e... --json
    const json3 = await run(
      "npx node examples/channels/landcraft.ts 2 ws://127.0.0.1:8105 --account 3 --keys DDss.e... --json",
    );
    const sights = json3
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; tick: number; fields: string[]; heroes: unknown[] });
    const ticks = sights.map(({ tick }) => tick);
    expect(ticks.length).to.be.at.least("DDss.e...".length);
    expect(ticks).to.deep.equal(ticks.toSorted((a, b) => a - b));
    expect(sights.at(-1)).to.include({ name: "Valley" });
    expect(sights.at(-1)?.fields[0]).to.equal("#".repeat(32));
    expect(sights.at(-1)?.heroes).to.have.length(2);
    // docs-command: npx node examples/channels/landcraft.ts 2 ws://127.0.0.1:8104 --account 2
    const drawn = await run("npx node examples/channels/landcraft.ts 2 ws://127.0.0.1:8104 --account 2 --ticks 5");
    expect(drawn).to.match(/^Valley {3}tick \d+ {3}2 heroes\n\+-{64}\+\n\|(██){32}\| you carry\n/);
    expect(drawn).to.match(/@[<>^v]/);
    expect(drawn).not.to.include("\u001b");

    expect(await run("npx sprf channel close 2 --devnet --account 2")).to.match(/^channel 2 is closing/);
    const isClosed = async (): Promise<boolean> => {
      const { info } = await json("npx sprf channel status 2 --devnet --account 2");
      return (info as { readonly isClosed: boolean }).isClosed;
    };
    await until(isClosed, PATIENT);
    const claimed = await run("npx sprf channel claim 2 --devnet --account 2");
    expect(claimed).to.match(/^stake: 1 ether\nether: 0\n0x[0-9a-f]{40}:\d+: 1\n/);
    const other = await json("npx sprf channel claim 2 --devnet --account 3");
    // Its hero, and what is left of what it began with.
    const [, hero, wood] = other["assets"] as { readonly amount: string }[];
    expect([hero?.amount, Number(wood?.amount) >= 4]).to.deep.equal(["1", true]);
    expect(await run("npx sprf channel create land --number 1 --devnet --account 2")).to.equal("channel 3 is open\n");
  });
});
