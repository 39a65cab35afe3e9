import { existsSync } from "node:fs";

import { expect } from "chai";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import type { DevnetFile } from "../../src/config/devnet-file.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { mineBlocks } from "../../src/devnet/advance.ts";
import { runCommandLine, startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
const EPOCH = 0;
const ADDRESS = "0x[0-9a-fA-F]{40}";
const WORKER_ACCOUNT = 3;
const CLIENT_ACCOUNT = 5;

describe("the commands of the guide to a market of your own, in its order", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let first: DevnetFile;
  let chain: EthersChain;
  let worker: RunningCommand;
  let tester: RunningCommand;
  let workerId: number;
  let agreement: string;

  before(async () => {
    // docs-command: npx sprf devnet
    devnet = await startDevnetCommand("npx sprf devnet");
    first = await devnet.read();
  });
  after(async () => {
    chain?.close();
    await Promise.all([worker?.end("SIGTERM"), tester?.end("SIGTERM")]);
    await devnet?.stop();
  });

  it("should deploy a market of its own, which all that use devnet then work with", async () => {
    // docs-command: npx hardhat run scripts/deploy.ts --network devnet
    const { stdout } = await succeed("npx hardhat run scripts/deploy.ts --network devnet", devnet.environment);
    const printed: unknown = Object.fromEntries(
      [...stdout.matchAll(new RegExp(`^ {2}(\\w+) +(${ADDRESS})$`, "gm"))].map(([, name, address]) => [name, address]),
    );
    const of = (part: string): unknown =>
      Object.fromEntries(
        [...stdout.matchAll(new RegExp(`^ {2}${part}\\.(\\w+) +(${ADDRESS})$`, "gm"))].map(([, name, address]) => [
          name,
          address,
        ]),
      );
    const { networks } = await devnet.read();
    expect(networks.chain.contracts).to.deep.equal(printed);
    expect(networks.chain.grid).to.deep.equal(of("grid"));
    expect(networks.chain.channels).to.deep.equal(of("channels"));
    expect(networks.chain.contracts).to.not.deep.equal(first.networks.chain.contracts);
    chain = await createEthersChain({ ...networks.chain, privateKey: devnetKeys(CLIENT_ACCOUNT).accountPrivateKey });
  });

  it("should register a worker, once", async () => {
    // docs-command: SPRF_ACCOUNT_INDEX=3 npx hardhat run scripts/register-worker.ts --network devnet
    const line = "SPRF_ACCOUNT_INDEX=3 npx hardhat run scripts/register-worker.ts --network devnet";
    const { stdout } = await succeed(line, devnet.environment);
    workerId = Number(/^worker (\d+)$/m.exec(stdout)?.[1]);
    const { account } = devnetKeys(WORKER_ACCOUNT);
    expect(await chain.workerOf(account, `0x${"0".repeat(64)}`)).to.equal(workerId);
    const again = await succeed(line, devnet.environment);
    expect(again.stdout).to.match(new RegExp(`^worker ${workerId} was registered before$`, "m"));
  });

  it("should keep the worker's daemon up", async () => {
    // docs-command: npx sprf worker --devnet --account 3
    worker = startCommand("npx sprf worker --devnet --account 3", devnet.environment);
    const [, id, url = ""] = await worker.until(/^worker (\d+) \(0x\w+\) serves (\S+); Ctrl-C ends it$/m);
    expect(Number(id)).to.equal(workerId);
    expect((await fetch(`${url}/health`)).status).to.equal(200);
  });

  it("should tell how a worker stands, and who has none", async () => {
    const line = "npx sprf worker status --devnet --account";
    const { stdout } = await succeed(`${line} 3`, devnet.environment);
    expect(stdout).to.match(new RegExp(`^worker +${workerId}$`, "m"));
    expect(stdout).to.match(/^slots +0 of 2 taken$/m);
    expect(stdout).to.match(/^no agreement is open$/m);
    const none = await runCommandLine(`${line} 9 --json`, devnet.environment);
    expect(none.code).to.equal(2);
    expect(JSON.parse(none.stdout)).to.have.nested.property("error.code", "NOT_REGISTERED");
  });

  it("should register a tester and wait for its draws", async () => {
    // docs-command: SPRF_ACCOUNT_INDEX=4 SPRF_EPOCHS=1 npx hardhat run scripts/run-tester.ts --network devnet
    const line = "SPRF_ACCOUNT_INDEX=4 SPRF_EPOCHS=1 npx hardhat run scripts/run-tester.ts --network devnet";
    tester = startCommand(line, devnet.environment);
    await tester.until(/^tester \d+ \(0x\w+\) waits for its draws/m);
  });

  it("should buy an agreement with that worker", async () => {
    // docs-command: SPRF_ACCOUNT_INDEX=5 npx hardhat run scripts/buy-contract.ts --network devnet
    const line = "SPRF_ACCOUNT_INDEX=5 npx hardhat run scripts/buy-contract.ts --network devnet";
    const { stdout } = await succeed(line, devnet.environment);
    agreement = new RegExp(`^agreement (${ADDRESS})$`, "m").exec(stdout)?.[1] ?? "";
    const bought = await chain.agreement(agreement);
    expect(bought?.workerIds).to.deep.equal([workerId]);
    expect(bought?.client).to.equal(devnetKeys(CLIENT_ACCOUNT).account);
    expect(stdout).to.match(new RegExp(`^ {2}workers +${workerId}$`, "m"));
    const stands = await succeed("npx sprf worker status --devnet --account 3 --json", devnet.environment);
    const untilBlock = (bought?.endBlock ?? 0) - 1;
    expect(JSON.parse(stands.stdout)).to.deep.include({ open: [{ agreement, untilBlock }] });
  });

  it("should have the tester commit, reveal and end after its one epoch", async () => {
    const { rpcUrl } = first.networks.chain;
    const seat = async (): Promise<string | undefined> => (await chain.seatsOf(agreement, EPOCH))[0]?.status;
    await until(async () => (await seat()) === "drawn", { timeoutMs: 60_000, what: "the tester's draw" });
    const { revealFrom } = await chain.windowsOf(agreement, EPOCH);
    const blocksUntilReveal = async (): Promise<number> => Math.max(0, revealFrom - (await chain.blockNumber()));
    // Without a program to examine, the tester waits for one until half of the window has passed.
    await mineBlocks(rpcUrl, Math.ceil((await blocksUntilReveal()) / 2));
    await until(async () => (await seat()) === "committed", { timeoutMs: 60_000, what: "the tester's commitment" });
    await mineBlocks(rpcUrl, await blocksUntilReveal());
    const { code, stdout, stderr } = await tester.ended;
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(new RegExp(`^epoch ${EPOCH} of ${agreement}: ok$`, "m"));
    const [revealed] = await chain.seatsOf(agreement, EPOCH);
    expect(revealed?.status).to.equal("revealed");
    expect(revealed?.verdicts).to.deep.equal(["ok"]);
  });

  it("should choose a worker by a policy, or say in one line why none matches", async () => {
    // docs-command: npx node scripts/buy-contract.ts --devnet --account 5 --prefer price --max-price 30000000000000 --dry-run
    const line =
      "npx node scripts/buy-contract.ts --devnet --account 5 --prefer price --max-price 30000000000000 --dry-run";
    const count = await chain.agreementCount();
    const { stdout } = await succeed(line, devnet.environment);
    expect(stdout).to.match(new RegExp(`^ {2}workers +${workerId}$`, "m"));
    expect(stdout).to.match(/^ {2}why +1 worker wanted, 1 of 1 fits$/m);
    const tooDear = line.replace("--max-price 30000000000000", "--max-price 1 --json");
    const refused = await runCommandLine(tooDear, devnet.environment);
    expect(refused.code).to.equal(2);
    expect(JSON.parse(refused.stdout)).to.have.nested.property("error.code", "NO_MATCH");
    expect(refused.stdout).to.contain("1 worker wanted, 0 of 1 fit: 1 too dear; the cheapest of the too dear asks");
    expect(await chain.agreementCount()).to.equal(count);
  });

  it("should end the worker, and then devnet and its file, on SIGTERM with exit code 0", async () => {
    expect((await worker.end("SIGTERM")).code).to.equal(0);
    const { code, stderr } = await devnet.command.end("SIGTERM");
    expect(code, stderr).to.equal(0);
    expect(existsSync(devnet.file)).to.equal(false);
  });
});
