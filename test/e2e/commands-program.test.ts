import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import { loadAnyProgram } from "../../src/client/change-program.ts";
import { askForRecovery } from "../../src/client/recovery.ts";
import { walletOf } from "../../src/client/wallet.ts";
import { writeDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import { RECOVERY_SILENCE_SECONDS } from "../../src/domain/program/recovery.ts";
import { isRecovered } from "../../src/domain/program/smart-account.ts";
import { recoveryToJson } from "../../src/wire/kept-recovery.ts";
import { createExecutionScene } from "../helpers/execution-scene.ts";
import { runCommandLine, startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";

const SUITE_TIMEOUT_MS = 300_000;
const WORKER_ACCOUNTS = [3, 4, 6, 7];
const TESTER_ACCOUNT = 8;
const CLIENT_ACCOUNT = 5;
const MODULE = "examples/programs/bookkeeping-wasi/bookkeeping.wasm";

describe("the commands for programs", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  const open: { close(): void }[] = [];
  let devnet: DevnetCommand;
  let networks: DevnetFile["networks"];
  let client: EthersChain;
  let workers: readonly RunningCommand[] = [];
  let workerIds: readonly number[] = [];
  let program: string;

  const chainOf = async (account: number): Promise<EthersChain> => {
    const keys = devnetKeys(account);
    const chain = await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey });
    open.push(chain);
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    return chain;
  };
  const buy = async (ids: readonly number[]): Promise<string> => {
    const quoteWei = await client.quoteWith(ids, 600);
    return (await client.buyWith(ids, 600, quoteWei)).agreement;
  };
  /** A documented command, with this run's names in the places of the document's. */
  const run = async (line: string, agreement = ""): Promise<string> => {
    const named = line.replace("0x...", agreement).replace("G...", program);
    return (await succeed(named, devnet.environment)).stdout;
  };

  before(async () => {
    devnet = await startDevnetCommand("npx sprf devnet");
    const file = await devnet.read();
    ({ networks } = file);
    client = await chainOf(CLIENT_ACCOUNT);
    for (const account of [TESTER_ACCOUNT, TESTER_ACCOUNT + 1, TESTER_ACCOUNT + 2]) {
      const tester = await chainOf(account);
      await tester.registerTester({ feePerEpochWei: 1n, capacity: 4 }, await tester.requiredTesterStakeWei(4));
    }
    workers = WORKER_ACCOUNTS.map((account) =>
      startCommand(`npx sprf worker --devnet --account ${account}`, devnet.environment),
    );
    const served = await Promise.all(workers.map(async (worker) => await worker.until(/^worker (\d+) .* serves /m)));
    workerIds = served.map(([, id]) => Number(id));
    await Promise.all(
      WORKER_ACCOUNTS.map(
        async (account) => await fundAccount(file.friendbotUrl, devnetKeys(account).ledgerKeypair.publicKey()),
      ),
    );
  });
  after(async () => {
    for (const chain of open) chain.close();
    await Promise.all(workers.map(async (worker) => await worker.end("SIGTERM")));
    await devnet?.stop();
  });

  it("should show what a program costs and pay nothing without consent, then make it", async () => {
    const agreement = await buy(workerIds.slice(0, 3));
    // docs-command: npx sprf program create --devnet --account 5 --agreement 0x... --module examples/programs/bookkeeping-wasi/bookkeeping.wasm --yes
    const line = `npx sprf program create --devnet --account 5 --agreement 0x... --module ${MODULE} --yes`;
    const asked = await runCommandLine(line.replace("0x...", agreement).replace(" --yes", ""), devnet.environment);
    expect(asked.code, asked.stderr).to.equal(2);
    expect(asked.stdout).to.match(/^the account holds back +8\.0000000 XLM$/m);
    expect(asked.stderr).to.match(/^error INVALID_INPUT: nothing was paid/);
    const created = await run(line, agreement);
    program = /^created (G[A-Z2-7]{55})$/m.exec(created)?.[1] ?? "";
    expect(program).to.have.length(56);
    expect(created).to.match(/^recovery signed; keep the file$/m);

    // docs-command: npx sprf program inspect G... --devnet --account 5
    const shown = await run("npx sprf program inspect G... --devnet --account 5");
    expect(shown).to.match(new RegExp(`^owner +${devnetKeys(CLIENT_ACCOUNT).ledgerKeypair.publicKey()}$`, "m"));
    expect(shown).to.match(/^must sign +2 of 3 workers$/m);
    expect(shown).to.match(/^recovery +opens to its owner after 30 more days of silence$/m);
  });

  it("should change fees, image and workers", async () => {
    // docs-command: npx sprf program terms G... --devnet --account 5 --base-fee 2000 --gas-price 500 --yes
    await run("npx sprf program terms G... --devnet --account 5 --base-fee 2000 --gas-price 500 --yes");
    const again = `npx sprf program terms ${program} --devnet --account 5 --base-fee 2000 --gas-price 500 --yes --json`;
    const refused = await runCommandLine(again, devnet.environment);
    expect(refused.code).to.equal(2);
    expect(JSON.parse(refused.stdout)).to.have.nested.property("error.code", "INVALID_INPUT");

    // docs-command: npx sprf program image G... --devnet --account 5 --module test/src/adapters/engine/fixtures/probe.wasm --yes
    const image =
      "npx sprf program image G... --devnet --account 5 --module test/src/adapters/engine/fixtures/probe.wasm";
    await run(`${image} --yes`);

    const agreement = await buy(workerIds.slice(1, 4));
    // docs-command: npx sprf program workers G... --devnet --account 5 --agreement 0x... --yes
    const changed = await run("npx sprf program workers G... --devnet --account 5 --agreement 0x... --yes", agreement);
    expect(changed).to.match(/^changed$/m);
    const shown: unknown = JSON.parse(await run("npx sprf program inspect G... --devnet --account 5 --json"));
    expect(shown).to.include({ baseFeeStroops: "2000", gasPriceStroops: "500", majority: 2 });
    expect(shown).to.have.nested.property("workers[2].ledgerKey", devnetKeys(7).ledgerKeypair.publicKey());
  });

  it("should top it up, pay it out, and leave its recovery closed", async () => {
    // docs-command: npx sprf program top-up G... --devnet --account 5 --xlm 30 --yes
    await run("npx sprf program top-up G... --devnet --account 5 --xlm 30 --yes");
    // docs-command: npx sprf program payout G... --devnet --account 5 --yes
    const paid = await run("npx sprf program payout G... --devnet --account 5 --yes");
    expect(paid).to.match(/^to each of 3 workers +9\.6000000 XLM$/m);
    const dry = await runCommandLine(
      `npx sprf program payout ${program} --devnet --account 5 --yes`,
      devnet.environment,
    );
    expect(dry.stderr).to.match(/^error PAYOUT_REFUSED: /);
    expect(dry.code).to.equal(2);

    // docs-command: npx sprf program recover G... --devnet --account 5
    const line = `npx sprf program recover ${program} --devnet --account 5`;
    const closed = await runCommandLine(line, devnet.environment);
    expect(closed.stderr).to.match(/^error RECOVERY_CLOSED: /);
    expect(closed.code).to.equal(2);
  });

  it("should hand a program that was silent for 30 days to its owner", async () => {
    const owner = walletOf(devnetKeys(CLIENT_ACCOUNT).ledgerKeypair);
    // The time of a ledger of its own can be moved; all else is that of the devnet.
    const scene = await createExecutionScene();
    const path = join(scene.scratchDirectory, "moved.json");
    const { devnet: ledger, client: own } = scene;
    try {
      await fundAccount(ledger.friendbotUrl, owner.account);
      const silent = await scene.program("probe", { owner: owner.account });
      const kept = await askForRecovery(own, { program: silent, wallet: owner });
      const recovery = join(scene.scratchDirectory, "recovery.json");
      await writeFile(recovery, JSON.stringify(recoveryToJson(kept)));
      const file = await devnet.read();
      await writeDevnetFile(path, {
        ...file,
        networks: { ...networks, ledger: { rpcUrl: ledger.rpcUrl, networkPassphrase: ledger.networkPassphrase } },
        friendbotUrl: ledger.friendbotUrl,
      });
      const line = `npx sprf program recover ${silent} --devnet ${path} --account 5 --recovery ${recovery}`;
      const early = await runCommandLine(line, devnet.environment);
      expect(early.stderr).to.match(/^error RECOVERY_CLOSED: /);
      scene.clock.shiftMs = (RECOVERY_SILENCE_SECONDS + 60) * 1_000;
      ledger.closeLedger();
      expect((await succeed(line, devnet.environment)).stdout).to.match(/^recovered: give it workers/m);
      expect(isRecovered((await loadAnyProgram(own.ledger, silent, {})).snapshot)).to.equal(true);
    } finally {
      await scene.stop();
    }
  });
});
