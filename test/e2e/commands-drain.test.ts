import { expect } from "chai";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import type { DevnetFile } from "../../src/config/devnet-file.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { mineBlocks } from "../../src/devnet/advance.ts";
import { startCommand, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
const WORKER_ACCOUNT = 3;
const TESTER_ACCOUNT = 4;
const CLIENT_ACCOUNT = 5;
const CAPACITY = 4;

describe("a worker that is taken out for maintenance", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  const open: { close(): void }[] = [];
  let devnet: DevnetCommand;
  let networks: DevnetFile["networks"];
  let client: EthersChain;
  let worker: RunningCommand | undefined;
  let workerId: number;

  const chainOf = async (account: number): Promise<EthersChain> => {
    const keys = devnetKeys(account);
    const chain = await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey });
    open.push(chain);
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    return chain;
  };
  const statusOf = async (): Promise<string | undefined> => (await client.worker(workerId))?.status;

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet");
    ({ networks } = await devnet.read());
    client = await chainOf(CLIENT_ACCOUNT);
    const tester = await chainOf(TESTER_ACCOUNT);
    const stakeWei = await tester.requiredTesterStakeWei(CAPACITY);
    await tester.registerTester({ feePerEpochWei: 1n, capacity: CAPACITY }, stakeWei);
  });
  after(async () => {
    for (const chain of open) chain.close();
    await worker?.end("SIGTERM");
    await devnet?.stop();
  });

  it("should take no more agreements, serve its own to the end, and exit with 0", async () => {
    worker = startCommand("npx sprf worker --devnet --account 3", devnet.environment);
    const [, id = ""] = await worker.until(/^worker (\d+) \(0x\w+\) serves \S+; Ctrl-C ends it$/m);
    workerId = Number(id);
    const request = { redundancy: 1, lengthBlocks: 60, testerCount: 1 } as const;
    const { agreement } = await client.buy(request, await client.quote(request));
    expect((await worker.end("SIGTERM")).code).to.equal(0);

    worker = startCommand("npx sprf worker --devnet --account 3 --drain", devnet.environment);
    await worker.until(/^1 agreement is open; work ends with block \d+$/m);
    expect(await statusOf()).to.equal("paused");
    const { finalFrom } = await client.windowsOf(agreement, 0);
    await mineBlocks(networks.chain.rpcUrl, finalFrom - (await client.blockNumber()));
    const { code, stdout, stderr } = await worker.ended;
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^no agreement is open any more$/m);
    expect((await client.agreementState(agreement)).status).to.equal("finalized");
    expect(await client.creditWei(agreement, devnetKeys(WORKER_ACCOUNT).account)).to.equal(0n);
    expect(await statusOf()).to.equal("paused");
  });

  it("should be back in the market with its next start", async () => {
    worker = startCommand("npx sprf worker --devnet --account 3", devnet.environment);
    await worker.until(/^worker \d+ \(0x\w+\) serves \S+; Ctrl-C ends it$/m);
    await until(async () => (await statusOf()) === "active", { what: "the entry" });
    expect((await worker.end("SIGTERM")).code).to.equal(0);
  });
});
