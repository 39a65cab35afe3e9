import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { mineBlocks } from "../../src/devnet/advance.ts";
import { runCommandLine, startCommand, succeed } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { TERMS, registerTester, registerTwin, registerWorker } from "../helpers/market-chain.ts";

const SUITE_TIMEOUT_MS = 180_000;
const USER = 2;
const WORKER_ACCOUNT = 3;
const CLIENT_ACCOUNT = 7;
const TESTER_ACCOUNTS = [4, 5, 6];
const LENGTH_BLOCKS = 61;
const SETTLED_BLOCKS = 200;

describe("the commands of the read model", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;
  let agreement: string;
  const chains: EthersChain[] = [];
  const run = async (line: string): Promise<string> => (await succeed(line, devnet.environment)).stdout;

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet");
    folder = await mkdtemp(join(tmpdir(), "sprf-market-"));
    const { networks } = await devnet.read();
    const identity = async (index: number): Promise<{ keys: ReturnType<typeof devnetKeys>; chain: EthersChain }> => {
      const keys = devnetKeys(index);
      const chain = await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey });
      chains.push(chain);
      return { keys, chain };
    };
    await registerWorker(await identity(WORKER_ACCOUNT));
    for (const index of TESTER_ACCOUNTS) await registerTester(await identity(index));
    const client = await identity(CLIENT_ACCOUNT);
    await registerTwin(client);
    const request = { redundancy: 1, lengthBlocks: LENGTH_BLOCKS };
    ({ agreement } = await client.chain.buy(request, await client.chain.quote(request)));
    await mineBlocks(networks.chain.rpcUrl, SETTLED_BLOCKS);
    await client.chain.finalize(agreement);
  });
  after(async () => {
    for (const chain of chains) chain.close();
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("should say that nothing was indexed yet", async () => {
    const { code, stderr } = await runCommandLine("npx sprf market workers --devnet", devnet.environment);
    expect(code).to.equal(USER);
    expect(stderr).to.match(/^error INDEX_INVALID: there is no index in /);
  });

  it("should index the chain to its head and end", async () => {
    // docs-command: npx sprf indexer --devnet
    expect(await run("npx sprf indexer --devnet")).to.match(/^indexed up to block \d+: \d+ events\n$/);
  });

  it("should tell workers, one worker, and agreements", async () => {
    // docs-command: npx sprf market workers --devnet
    expect(await run("npx sprf market workers --devnet")).to.match(/^ *id +status .*\n *1 +active +0\.000000001 /);
    // docs-command: npx sprf market worker 1 --devnet
    const worker = await run("npx sprf market worker 1 --devnet");
    expect(worker).to.match(/^agreements completed +1$/m);
    expect(worker).to.match(new RegExp(` epoch +${agreement} +1 +no-quorum +`));
    // docs-command: npx sprf market agreements --devnet
    expect(await run("npx sprf market agreements --devnet")).to.match(new RegExp(`${agreement} +finalized `));
  });

  it("should tell what is due to a twin, by its id and by its account", async () => {
    // docs-command: npx sprf market due 1 --devnet
    const due = await run("npx sprf market due 1 --devnet");
    expect(due).to.match(new RegExp(`^agreement ${agreement} +0\\.000000061 *$`, "m"));
    const { account } = devnetKeys(WORKER_ACCOUNT);
    expect(await run(`npx sprf market due ${account} --devnet`)).to.equal(due);
    const json = JSON.parse(await run("npx sprf market due 1 --devnet --json")) as { due: { nowWei: string } };
    expect(BigInt(json.due.nowWei)).to.equal(TERMS.pricePerBlockWei * BigInt(LENGTH_BLOCKS));
  });

  it("should write a statement as CSV, whole or not at all", async () => {
    // docs-command: npx sprf market statement 1 --devnet --csv -
    const csv = await run("npx sprf market statement 1 --devnet --csv -");
    const [header, ...lines] = csv.trimEnd().split("\r\n");
    expect(header).to.equal("block,time,transaction,agreement,epoch,worker,tester,kind,in,out,wallet,balance,held");
    expect(lines.map((line) => line.split(",")[7])).to.deep.equal(["stake", "pay", "pay"]);
    const file = join(folder, "statement.csv");
    await run(`npx sprf market statement 1 --devnet --csv ${file}`);
    expect(await readFile(file, "utf8")).to.equal(csv);
    expect(await readdir(folder)).to.deep.equal(["statement.csv"]);
    expect((await run("npx sprf market statement 1 --devnet")).split("\n")).to.have.length(5);
  });

  it("should follow the chain until Ctrl-C, while it is asked", async () => {
    // docs-command: npx sprf indexer --devnet --follow
    const indexer = startCommand("npx sprf indexer --devnet --follow", devnet.environment);
    await indexer.until(/^indexed up to block \d+: \d+ events; Ctrl-C ends it$/m);
    await run("npx sprf market agreements --devnet");
    expect((await indexer.end("SIGINT")).code).to.equal(0);
  });

  it("should refuse what it does not have", async () => {
    for (const [line, error] of [
      ["npx sprf market worker 99 --devnet", /^error INVALID_INPUT: there is no worker 99\n/],
      ["npx sprf market worker x --devnet", /^error INVALID_INPUT: worker: expected a number from 1 on/],
      ["npx sprf market due 99 --devnet", /^error INVALID_INPUT: there is no twin 99\n/],
      ["npx sprf market statement 1 --devnet --csv /nonexistent/x.csv", /^error INVALID_INPUT: --csv: cannot write /],
      ["npx sprf market workers --limit 0 --devnet", /^error INVALID_INPUT: --limit: /],
      ["npx sprf market workers --no-such-option", /^error: unknown option '--no-such-option'\n/],
      ["npx sprf indexer --devnet --from-block x", /^error INVALID_INPUT: --from-block: /],
    ] as const) {
      const { code, stderr } = await runCommandLine(line, devnet.environment);
      expect(stderr, line).to.match(error);
      expect(code, line).to.equal(USER);
    }
    expect((await succeed("npx sprf market --help")).stdout).to.match(/^Usage: sprf market \[options\] \[command\]\n/);
    expect((await succeed("npx sprf market due --help")).stdout).to.match(
      /^Usage: sprf market due \[options\] <twin>\n/,
    );
  });
});
