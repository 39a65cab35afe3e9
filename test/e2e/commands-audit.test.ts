import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { lockDirectory } from "../../src/adapters/store/directory-lock.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { writeDevnetFile } from "../../src/config/devnet-file.ts";
import { readContent } from "../../src/execution/read-content.ts";
import { readChainRecord } from "../../src/execution/read-record.ts";
import { findTip } from "../../src/execution/tip.ts";
import { previousOf, stateAfter } from "../../src/domain/program/chain-record.ts";
import { createSceneAuditor, type SceneAuditor } from "../helpers/auditor.ts";
import { runCommandLine, startCommand, type Ended } from "../helpers/command.ts";
import { createExecutionScene, type ExecutionScene } from "../helpers/execution-scene.ts";
import { startHeliaNode, type HeliaNode } from "../helpers/helia-node.ts";
import { createHistoryMaker, type HistoryMaker } from "../helpers/history.ts";

const MAX_BYTES = 1024 * 1024;
/** More than it takes for the first of them to be on disk for certain. */
const TRANSITIONS = 12;

describe("npx sprf audit", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  let folder: string;
  /** Holds what workers would: the command asks it over bitswap. */
  let peer: HeliaNode;
  let environment: Readonly<Record<string, string>>;
  before(async function () {
    this.timeout(30_000);
    scene = await createExecutionScene({ workers: 3 });
    auditor = await createSceneAuditor(scene);
    wallet = await scene.user();
    folder = await mkdtemp(join(tmpdir(), "sprf-audit-"));
    await mkdir(join(folder, "peer"));
    peer = await startHeliaNode("audit peer", join(folder, "peer"), []);
    const file = join(folder, "devnet.json");
    const { rpcUrl, networkPassphrase, friendbotUrl } = scene.devnet;
    const nobody = `0x${"0".repeat(40)}`;
    const contracts = { twins: nobody, dispatcher: nobody, testers: nobody, disputes: nobody, records: nobody };
    await writeDevnetFile(file, {
      networks: {
        chain: { rpcUrl: "http://127.0.0.1:1", contracts, pollingIntervalMs: 1_000 },
        ledger: { rpcUrl, networkPassphrase },
        waku: { peers: [], clusterId: 1, shard: 0, messenger: "relay", serviceNodes: [] },
      },
      friendbotUrl,
      contentMultiaddrs: [],
      mnemonic: "none",
    });
    environment = { SPRF_DEVNET_FILE: file };
  });
  after(async () => {
    await peer.stop();
    await auditor.close();
    await scene.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const newHistory = async (): Promise<{ readonly program: string; readonly history: HistoryMaker }> => {
    const program = await scene.program("probe");
    return { program, history: createHistoryMaker(scene, auditor.engine, program) };
  };
  /** Gives the peer all of a program's history, but for what is left out. */
  const publish = async (program: string, leftOut = ""): Promise<void> => {
    const { content } = scene.client;
    const module = await scene.module("probe");
    let at: string | undefined = (await findTip(scene.client.ledger, await scene.account(program))).recordCid;
    const files = new Set([module]);
    while (at !== undefined) {
      await peer.content.putRecord(await readContent(content, at, { maxBytes: MAX_BYTES }));
      const record = await readChainRecord(content, at);
      files.add(stateAfter(record));
      at = previousOf(record)?.recordCid;
    }
    for (const cid of files) {
      if (cid !== leftOut) await peer.content.putFile(await readContent(content, cid, { maxBytes: MAX_BYTES }));
    }
  };
  const commandFor = (line: string, program: string): string => {
    const [address = ""] = peer.node.multiaddrs();
    return `${line.replace("<account>", program)} --peer ${address}`;
  };
  const run = async (line: string, program: string): Promise<Ended> =>
    await runCommandLine(commandFor(line, program), environment);

  it("should say that a history is clean, and go on from there the next time", async () => {
    const { program, history } = await newHistory();
    for (const n of [1, 2]) await history.land(wallet, `append ${n}\n`);
    await publish(program);
    // docs-command: npx sprf audit <account> --devnet
    const first = await run("npx sprf audit <account> --devnet", program);
    expect([first.code, first.stdout]).to.deep.equal([0, first.stdout]);
    expect(first.stdout)
      .to.match(/^clean: G/)
      .and.match(/3 records, 2 transitions: 2 run again now, 0 before/);
    expect(first.stderr).to.match(/transitions checked: 2 of 2\n$/);
    await history.land(wallet, "append 3\n");
    await publish(program);
    // docs-command: npx sprf audit <account> --devnet --last 1 --json
    const second = await run("npx sprf audit <account> --devnet --last 1 --json", program);
    expect(JSON.parse(second.stdout)).to.include({ outcome: "clean", records: 4, ran: 1, known: 2, leftOut: 0 });
    expect(second.code).to.equal(0);
  }).timeout(60_000);

  it("should exit with 10 and name who signed what is wrong", async () => {
    const { program, history } = await newHistory();
    await history.land(wallet, "append 1\n");
    await history.land(wallet, "append 2\n", { outcome: (outcome) => ({ ...outcome, gas: outcome.gas + 1n }) });
    await publish(program);
    const ended = await run("npx sprf audit <account> --devnet", program);
    expect(ended.code, ended.stdout + ended.stderr).to.equal(10);
    expect(ended.stdout)
      .to.match(/first wrong transition: record 3, transition bafy/)
      .and.match(/ {2}RESULT_GAS: /);
    for (const { url, ledgerKey } of scene.workers.slice(0, 2)) {
      expect(ended.stdout).to.include(`  signed by ${ledgerKey.publicKey()} ${url}`);
    }
  }).timeout(60_000);

  it("should exit with 12 when the image is gone, with 2 for what is no account, with 4 without a ledger", async () => {
    const { program, history } = await newHistory();
    await history.land(wallet, "append 1\n");
    const lonely = await startHeliaNode("audit peer without image", await mkdtemp(join(folder, "lonely-")), []);
    const [kept, own] = [peer, lonely];
    peer = lonely;
    try {
      await publish(program, await scene.module("probe"));
      const ended = await run("npx sprf audit <account> --devnet", program);
      expect(ended.code, ended.stdout + ended.stderr).to.equal(12);
      expect(ended.stdout)
        .to.match(/^incomplete: G/)
        .and.match(/PROGRAM_NOT_FOUND/);
    } finally {
      peer = kept;
      await own.stop();
    }
    expect((await run("npx sprf audit <account> --devnet", "GABC")).code).to.equal(2);
    expect((await runCommandLine(`npx sprf audit ${wallet.account} --devnet`, environment)).code).to.equal(2);
    const nowhere = { SPRF_LEDGER_URL: "http://127.0.0.1:1", SPRF_LEDGER_PASSPHRASE: "x" };
    const data = join(folder, "nowhere");
    const ended = await runCommandLine(`npx sprf audit ${program} --data ${data}`, nowhere);
    expect([ended.code, ended.stdout]).to.deep.equal([4, ""]);
    expect(ended.stderr).to.match(/^error LEDGER_UNREACHABLE: /);
  }).timeout(180_000);

  it("should work alone in its folder, and beside audits of other accounts", async () => {
    const [one, other] = [await newHistory(), await newHistory()];
    await publish(one.program);
    await publish(other.program);
    const data = join(folder, "alone");
    const line = `npx sprf audit <account> --devnet --data ${data}`;
    const lock = await lockDirectory(join(data, one.program));
    try {
      const refused = await run(line, one.program);
      expect([refused.code, refused.stdout]).to.deep.equal([2, ""]);
      expect(refused.stderr).to.match(new RegExp(`^error DIRECTORY_IN_USE: process ${process.pid} works in `));
      const beside = await run(line, other.program);
      expect(beside.code, beside.stdout + beside.stderr).to.equal(0);
    } finally {
      lock.release();
    }
    const after = await run(line, one.program);
    expect(after.code, after.stdout + after.stderr).to.equal(0);
  }).timeout(90_000);

  it("should go on where it was killed", async () => {
    const { program, history } = await newHistory();
    for (let n = 1; n <= TRANSITIONS; n++) await history.land(wallet, `append ${n}\n`);
    await publish(program);
    const line = commandFor("npx sprf audit <account> --devnet --jobs 1", program);
    const killed = startCommand(line, environment);
    await killed.until(/transitions checked: 10 of 12/, "stderr");
    await killed.end("SIGKILL");
    const ended = await runCommandLine(`${line} --json`, environment);
    const report = JSON.parse(ended.stdout) as { outcome: string; ran: number; known: number };
    expect(report.outcome).to.equal("clean");
    expect(report.known).to.be.at.least(8);
    expect(report.ran + report.known).to.equal(TRANSITIONS);
  }).timeout(90_000);
});
