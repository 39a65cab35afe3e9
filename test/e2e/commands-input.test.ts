import { expect } from "chai";

import { runCommandLine, startCommand, type Ended, type Environment } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";

const SUITE_TIMEOUT_MS = 180_000;
const USER = 2;
const NETWORK = 4;
/** Beyond the accounts that devnet funds. */
const POOR = "SPRF_ACCOUNT_INDEX=99";
const FUNDS_TOO_LOW = /^error CHAIN_FUNDS_TOO_LOW: account 0x\w{40} cannot pay/;
const HARDHAT = "npx hardhat run --no-compile --network devnet";
/** How the script for purchases starts without Hardhat, in half the time. */
const BUY = "npx node scripts/buy-contract.ts --devnet";

describe("commands", function () {
  this.timeout(SUITE_TIMEOUT_MS);

  for (const name of ["start", "devnet", "worker", "tester", "indexer"]) {
    it(`sprf ${name} should tell its usage, and refuse an option that it does not have`, async () => {
      const [help, unknown] = await Promise.all([
        runCommandLine(`npx sprf ${name} --help`),
        runCommandLine(`npx sprf ${name} --no-such-option`),
      ]);
      expect(help.code).to.equal(0);
      expect(help.stdout).to.match(/^Usage: sprf \w+ \[options\]( \[command\])?\n/);
      const stderr = "error: unknown option '--no-such-option'\n`--help` tells what there is.\n";
      expect(unknown).to.deep.equal({ code: USER, stdout: "", stderr });
    });
  }

  it("should tell the options of a purchase, and refuse a policy that the contract has no room for", async () => {
    const help = await runCommandLine("npx node scripts/buy-contract.ts --help");
    expect(help.code).to.equal(0);
    expect(help.stdout).to.match(/^ +--max-price <wei> /m);
    expect(help.stdout).to.contain("(SPRF_MAX_PRICE_WEI)");
    const wrong = await runCommandLine("npx node scripts/buy-contract.ts --tester-count 5 --prefer price --json");
    expect(wrong.code).to.equal(USER);
    expect(JSON.parse(wrong.stdout)).to.have.nested.property("error.code", "INVALID_INPUT");
  });

  it("should refuse an engine that there is none of", async () => {
    const { code, stderr } = await runCommandLine("npm start -- --engine java");
    expect(code).to.equal(USER);
    expect(stderr).to.match(/^error: option '--engine <kind>' argument 'java' is invalid\. .*wasi, docker\.\n`--help`/);
  });

  it("should refuse a ledger's time, queue rule or file that devnet cannot have", async () => {
    const fresh = { SPRF_DEVNET_FILE: "/nonexistent/devnet.json" };
    const [help, time, rule, file] = await Promise.all(
      ["--help", "--ledger-close-ms -1", "--ledger-queue first", "--ledger-file README.md"].map(
        async (options) => await runCommandLine(`npx sprf devnet ${options}`, fresh),
      ),
    );
    for (const option of ["--ledger-close-ms <ms>", "--ledger-queue <rule>", "--ledger-file <path>"]) {
      expect(help?.stdout).to.contain(option);
    }
    expect(time?.stderr).to.match(/^error INVALID_INPUT: --ledger-close-ms: /);
    expect(rule?.stderr).to.match(
      /^error: option '--ledger-queue <rule>' argument 'first' is invalid\. .*one-per-source, chain/,
    );
    expect(file?.stderr).to.match(/^error CONFIG_INVALID: cannot keep the development ledger in README\.md: /);
    for (const ended of [time, rule, file]) expect(ended?.code).to.equal(USER);
  });

  describe("without a devnet", () => {
    const nowhere = { SPRF_DEVNET_FILE: "/nonexistent/devnet.json" };

    it("should say that none is up", async () => {
      const lines = [`${HARDHAT} scripts/register-worker.ts`, "npx sprf worker --devnet"];
      for (const ended of await Promise.all(lines.map(async (line) => await runCommandLine(line, nowhere)))) {
        expectError(ended, USER, /^error CONFIG_INVALID: no devnet is up .*devnet\.json$/);
      }
    });

    it("should name the endpoint that a deployment finds nobody at", async () => {
      const ended = await runCommandLine(`${HARDHAT} scripts/deploy.ts`, { SPRF_CHAIN_URL: "http://127.0.0.1:1" });
      expectError(ended, NETWORK, /^error CHAIN_UNREACHABLE: .* http:\/\/127\.0\.0\.1:1$/);
    });

    it("should not deploy to a chain that ends with the command", async () => {
      expectError(
        await runCommandLine("npx hardhat run --no-compile scripts/deploy.ts", nowhere),
        USER,
        /^error CONFIG_INVALID: --network: /,
      );
    });
  });

  describe("with a devnet", () => {
    let devnet: DevnetCommand;

    before(async () => {
      devnet = await startDevnetCommand("npx sprf devnet");
    });
    after(async () => {
      await devnet?.stop();
    });

    const cases: Readonly<Record<string, readonly (readonly [assignment: string, error: RegExp])[]>> = {
      [`${HARDHAT} scripts/register-worker.ts`]: [
        [
          "SPRF_PRICE_PER_BLOCK_WEI=cheap",
          /^error CONFIG_INVALID: worker\.pricePerBlockWei: .*\(SPRF_PRICE_PER_BLOCK_WEI\)$/,
        ],
        [POOR, FUNDS_TOO_LOW],
      ],
      [BUY]: [
        ["SPRF_REDUNDANCY=many", /^error CONFIG_INVALID: SPRF_REDUNDANCY: /],
        ["SPRF_TESTER_COUNT=2", /^error CONFIG_INVALID: SPRF_TESTER_COUNT: /],
        ["SPRF_MIN_REPUTATION=20000", /^error CONFIG_INVALID: SPRF_MIN_REPUTATION: /],
        ["SPRF_PREFER=cheap", /^error CONFIG_INVALID: SPRF_PREFER: /],
        ["SPRF_PREFER=price", /^error NO_MATCH: 1 worker wanted, 0 of 0 fit$/],
        ["SPRF_REDUNDANCY=5", /^error CHAIN_REVERTED: WorkerDispatcher_NotEnoughWorkers\(wanted: 5, have: 0\)$/],
      ],
      [`${HARDHAT} scripts/buy-contract.ts`]: [
        ["SPRF_REDUNDANCY=many", /^error CONFIG_INVALID: SPRF_REDUNDANCY: /],
        [POOR, FUNDS_TOO_LOW],
      ],
      [`${HARDHAT} scripts/run-tester.ts`]: [
        ["SPRF_EPOCHS=soon", /^error CONFIG_INVALID: SPRF_EPOCHS: /],
        [POOR, FUNDS_TOO_LOW],
      ],
    };
    for (const [line, inputs] of Object.entries(cases)) {
      it(`should have \`${line}\` refuse ${inputs.map(([assignment]) => assignment).join(", ")}`, async () => {
        // One after the other: at the same time, they would wait for Hardhat's cache in turns.
        for (const [assignment, error] of inputs) {
          expectError(await runCommandLine(`${assignment} ${line}`, devnet.environment), USER, error);
        }
      });
    }

    it("should refuse a wrong setting of a daemon, and one without ether", async () => {
      const run = async (line: string): Promise<Ended> => await runCommandLine(line, devnet.environment);
      expectError(
        await run("npx sprf worker --devnet --port 70000"),
        USER,
        /^error CONFIG_INVALID: http\.port: .*\(SPRF_HTTP_PORT\)$/,
      );
      expectError(await run("npx sprf tester --devnet --account 99"), USER, /^error CHAIN_FUNDS_TOO_LOW: account /);
    });

    it("should not start a second devnet on the first one's file, nor on its port", async () => {
      const { networks } = await devnet.read();
      const { port } = new URL(networks.chain.rpcUrl);
      const own = { SPRF_DEVNET_FILE: devnet.file };
      expectError(await runCommandLine("npx sprf devnet", own), USER, /^error CONFIG_INVALID: a devnet is up at http/);
      const line = `npx node src/cli/sprf.ts devnet --file ${devnet.file}.other --chain-port ${port}`;
      expectError(
        await runCommandLine(line),
        USER,
        new RegExp(`^error CONFIG_INVALID: cannot listen on 127\\.0\\.0\\.1:${port}: `),
      );
    });

    it("should keep a second devnet beside it, which leaves a file that is told from a living one when it is killed", async () => {
      const file = `${devnet.file}.second`;
      // Not through npm: it is this very process that has to be killed.
      const second = startCommand(`npx node src/cli/sprf.ts devnet --file ${file}`);
      const [, url = ""] = await second.until(/Ethereum +(\S+)[^]*Ctrl-C ends it/);
      expect(url).to.not.equal(devnet.environment["SPRF_CHAIN_URL"]);
      await second.end("SIGKILL");
      const stale: Environment = { SPRF_DEVNET_FILE: file };
      const unreachable = /^error CHAIN_UNREACHABLE: .*ECONNREFUSED/;
      expectError(await runCommandLine(`${HARDHAT} scripts/buy-contract.ts`, stale), NETWORK, unreachable);
      expectError(await runCommandLine("npx sprf tester --devnet", stale), NETWORK, unreachable);
      const third = startCommand(`npx node src/cli/sprf.ts devnet --file ${file}`);
      await third.until(/Ctrl-C ends it/);
      expect((await third.end("SIGTERM")).code).to.equal(0);
    });
  });
});

/** One line with the code and what is wrong, one with what to do about it, and no stack. */
function expectError({ code, stderr }: Ended, expected: number, error: RegExp): void {
  const lines = stderr.trimEnd().split("\n");
  expect(lines[0]).to.match(error);
  expect(lines, stderr).to.have.length(2);
  expect(code).to.equal(expected);
}
