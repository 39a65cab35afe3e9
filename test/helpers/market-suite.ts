import { expect } from "chai";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

import { createEthersChain, type EthersChain } from "../../src/adapters/chain/ethers.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { DEVNET_ACCOUNTS, devnetKeys } from "../../src/devnet/accounts.ts";
import type { Agreement } from "../../src/ports/chain.ts";
import { earnedWei, readAgreementMoney } from "./agreement-money.ts";
import { startChaos, type Chaos } from "./chaos.ts";
import { accountOfDetection } from "./detection-account.ts";
import type { FleetDaemon } from "./fleet-daemon.ts";
import { carryOut, type BoughtAgreement } from "./market-buyer.ts";
import { startMarketFleet, type MarketFleet } from "./market-fleet.ts";
import { marketTestSettings } from "./market-pace.ts";
import { planMarket, type MarketPlanInit } from "./market-plan.ts";
import { MARKET_PROGRAMS } from "./market-programs.ts";
import { nextBlock, type UserExecution } from "./market-user.ts";
import { auditMoney } from "./money-audit.ts";
import { seededRandom } from "./seeded-random.ts";

const RAW = 0x55;
const FIRST_CLIENT_ACCOUNT = 1;
/** Where contracts send what nobody shall have. */
const BURN_ADDRESS = "0x000000000000000000000000000000000000dEaD";
const SUPPLY_WEI = BigInt(DEVNET_ACCOUNTS) * 10_000n * 10n ** 18n;
/** Blocks between the purchases of one client. */
const PURCHASE_EVERY_BLOCKS = 3;
/** Blocks after the last window in which daemons, one of them just killed, have settled, finalized and withdrawn. */
const CLOSING_BLOCKS = 40;
/** Blocks in which a tester that is up has revealed. */
const REVEAL_BLOCKS = 3;
/** Daemons leave credit where it is that costs more to withdraw than it is worth. */
const WORTH_WITHDRAWING_WEI = 10n ** 15n;
const CERTAINTY = 0.999;

export interface MarketSuiteInit extends MarketPlanInit {
  readonly honestWorkers: number;
  readonly testers: number;
  /** Share of the liar's answers that are lies. */
  readonly lieShare: number;
  readonly killEveryBlocks: { readonly min: number; readonly max: number };
  /** Share of executions that succeed, although daemons are killed all the time. */
  readonly leastSuccess: number;
  readonly timeoutMs: number;
}

/** A market of processes of which one is killed every few seconds, from the purchases to the last wei. */
export function marketSuite(title: string, init: MarketSuiteInit): void {
  describe(title, function () {
    this.timeout(init.timeoutMs);
    // What follows a failure would only repeat it.
    this.bail(true);
    const { seed, blockMs, keep } = marketTestSettings();
    const random = seededRandom(seed);
    const clients: SprfClient[] = [];
    const chains = new Map<number, EthersChain>();
    let fleet: MarketFleet;
    let chaos: Chaos;
    let bought: readonly BoughtAgreement[];
    let watch: EthersChain;

    before(async () => {
      say(`seed ${seed} (SPRF_MARKET_SEED repeats it)`);
      fleet = await startMarketFleet({ ...init, seed, blockMs, keep });
      say(`a block every ${fleet.blockMs} ms`);
      watch = await chainOf(0);
      for (let n = 0; n < init.clients; n++) {
        const { networks } = fleet.devnet;
        const { listen: _, ...waku } = networks.waku;
        const keys = devnetKeys(FIRST_CLIENT_ACCOUNT + n);
        const client = await connect({
          networks: { ...networks, waku: { ...waku, messenger: "light" } },
          keys,
          logger: createMemoryLogger(),
        });
        clients.push(client);
        await client.ensureTwin();
        await chainOf(FIRST_CLIENT_ACCOUNT + n);
      }
      for (const { account } of workers()) await chainOf(account);
      await fleet.startPace();
      chaos = startChaos({
        chain: watch,
        daemons: [...workers(), ...fleet.testers],
        random,
        everyBlocks: init.killEveryBlocks,
        maxDown: 2,
      });
    });
    after(async () => {
      await chaos?.stop().catch(() => undefined);
      for (const client of clients) await client.close();
      for (const chain of chains.values()) chain.close();
      for (const problem of fleet?.problems ?? []) say(problem);
      await fleet?.stop();
    });

    it("should carry every execution to a result that a majority signed, or to an error that a kill or the end explains", async () => {
      const plans = planMarket(init);
      const lines = clients.map(async (client, n) => {
        const chain = await chainOf(FIRST_CLIENT_ACCOUNT + n);
        const parts = {
          client,
          chain,
          operatorOf: (workerId: number) => chains.get(workers().find((each) => idOf(each) === workerId)!.account)!,
          friendbotUrl: fleet.devnet.friendbotUrl,
          honestWorkers: fleet.honest.map(idOf),
          liar: idOf(fleet.liar),
        };
        const all: Promise<BoughtAgreement>[] = [];
        for (const plan of plans.filter((each) => each.client === n)) {
          const work = carryOut(parts, plan);
          work.catch(() => undefined);
          all.push(work);
          for (let blocks = 0; blocks < PURCHASE_EVERY_BLOCKS; blocks++) await nextBlock(chain);
        }
        return await Promise.all(all);
      });
      bought = (await Promise.all(lines)).flat();
      const executions = bought.flatMap((each) => each.executions);
      const failed = executions.filter(({ result }) => result === undefined);
      say(
        `${bought.length} agreements, ${executions.length} executions, ${failed.length} failed, ` +
          `${executions.filter(({ tries }) => tries > 1).length} resumed, ${chaos.kills.length} kills`,
      );
      expect(bought.length).to.equal(init.agreements);
      expect(executions.length).to.equal(init.executions);
      for (const { workers: of, executions: done, plan } of bought) {
        for (const execution of done.filter(({ result }) => result === undefined)) {
          const words = `execution of agreement ${plan.index} (${plan.way}, ${plan.redundancy} workers): ${execution.error?.message}`;
          expect(isExplained(execution, of), words).to.equal(true);
        }
      }
      expect(failed.length / executions.length, "share of failures").to.be.at.most(1 - init.leastSuccess);
    });

    it("should land each result once, on the state that the one before it left", async () => {
      for (const { plan, program, executions } of bought) {
        const name = `program of agreement ${plan.index} (${plan.program})`;
        const landed = executions
          .flatMap(({ result, input }) => (result?.transition === undefined ? [] : [{ answer: result.answer, input }]))
          .toSorted((a, b) => (a.answer.sequence < b.answer.sequence ? -1 : 1));
        const account = await clients[plan.client]!.program(program);
        const missed = executions.filter(({ result }) => result === undefined).length;
        landed.slice(1).forEach(({ answer }, n) => {
          // A request that failed for its user may have landed all the same, and only then there is a gap.
          if (missed === 0) expect(answer.previousState, name).to.equal(landed[n]?.answer.newState);
          expect(answer.sequence > landed[n]!.answer.sequence, name).to.equal(true);
        });
        if (missed > 0) continue;
        expect(account.state, name).to.equal(landed.at(-1)?.answer.newState);
        const expected = MARKET_PROGRAMS[plan.program].stateAfter(landed.map(({ input }) => input));
        if (expected === undefined) continue;
        expect(account.state, name).to.equal(CID.createV1(RAW, await sha256.digest(expected)).toString());
      }
    });

    it("should finalize every agreement and pay out what is worth it, whoever is killed", async () => {
      for (const { agreement } of bought) {
        await eventually(`agreement ${agreement}`, async () => {
          return (await watch.agreementState(agreement)).status === "finalized";
        });
      }
      await chaos.stop();
      for (const { agreement } of bought) {
        for (const { account, name } of workers()) {
          await eventually(`${name}'s pay of ${agreement}`, async () => {
            return (await watch.creditWei(agreement, devnetKeys(account).account)) < WORTH_WITHDRAWING_WEI;
          });
        }
      }
      for (const tester of fleet.testers) {
        await eventually(`${tester.name}'s fees`, async () => {
          return ((await watch.tester(Number(tester.info["testerId"])))?.creditWei ?? 0n) < WORTH_WITHDRAWING_WEI;
        });
      }
      await fleet.stopDaemons();
      expect(fleet.problems).to.deep.equal([]);
    });

    it("should reveal whatever a tester has committed, though it was killed in between", async () => {
      let revealed = 0;
      for (const { address, epochCount } of await termsOfAll()) {
        for (let epoch = 0; epoch < epochCount; epoch++) {
          const { revealTo } = await watch.windowsOf(address, epoch);
          for (const { tester, status } of await watch.seatsOf(address, epoch)) {
            if (status === "revealed") revealed++;
            if (status !== "committed") continue;
            // Only one that was down to the end of the window, or nearly, could not.
            const excused = chaos.kills.some(({ daemon, block, upAgainBlock }) => {
              const isIts = devnetKeys(daemon.account).account === tester;
              return isIts && block <= revealTo && upAgainBlock > revealTo - REVEAL_BLOCKS;
            });
            expect(excused, `${tester} did not reveal epoch ${epoch} of ${address}`).to.equal(true);
          }
        }
      }
      say(`${revealed} reports revealed`);
      expect(revealed).to.be.greaterThan(0);
    });

    it("should account for every wei: pay, fees, refunds, slashes, gas", async () => {
      await withdrawTheRest();
      const terms = await termsOfAll();
      const { rpcUrl, contracts } = fleet.devnet.networks.chain;
      const money = await readAgreementMoney(rpcUrl, contracts, terms);
      const accounts = Array.from({ length: DEVNET_ACCOUNTS }, (_, n) => devnetKeys(n).account);
      const known = [...accounts, ...Object.values(contracts), ...terms.map(({ address }) => address), BURN_ADDRESS];
      const audit = await auditMoney(rpcUrl, known);
      say(`${audit.transactions} transactions, ${audit.balanceOf.size} accounts`);
      expect(audit.balancesWei + audit.baseFeesWei - SUPPLY_WEI, "wei that appeared or were lost").to.equal(0n);

      const balance = (address: string): bigint => audit.balanceOf.get(address.toLowerCase())!;
      expect(balance(BURN_ADDRESS), "burnt").to.equal(money.burntWei);
      for (const agreement of terms) {
        const own = money.agreements.get(agreement.address)!;
        const name = `agreement ${agreement.number}`;
        expect(balance(agreement.address), `${name} holds`).to.equal(0n);
        const withdrawn = [...own.withdrawnWei.values()].reduce((sum, each) => sum + each, 0n);
        expect(withdrawn + own.testerFeesWei, `${name} paid out`).to.equal(own.paidInWei + own.compensationWei);
        expect(own.outcomes.length, `${name} settled epochs`).to.equal(agreement.epochCount);
        for (const [index, operator] of agreement.workerOperators.entries()) {
          const words = `${name} paid worker ${agreement.workerIds[index]}`;
          expect(own.withdrawnWei.get(operator) ?? 0n, words).to.equal(earnedWei(agreement, own, index));
        }
      }
      const entries = await Promise.all(workers().map(async (each) => await watch.worker(idOf(each))));
      const stakes = entries.reduce((sum, entry) => sum + (entry?.stakeWei ?? 0n), 0n);
      expect(
        entries.map((entry) => entry?.lockedWei),
        "stake that is still locked",
      ).to.deep.equal(entries.map(() => 0n));
      expect(
        entries.map((entry) => entry?.slotsUsed),
        "slots in use",
      ).to.deep.equal(entries.map(() => 0));
      expect(balance(contracts.dispatcher), "the dispatcher holds the workers' stake").to.equal(stakes);
      const testers = await Promise.all(
        fleet.testers.map(async ({ info }) => await watch.tester(Number(info["testerId"]))),
      );
      const testerStakes = testers.reduce((sum, entry) => sum + (entry?.stakeWei ?? 0n), 0n);
      expect(
        testers.map((entry) => entry?.duties),
        "duties that never ended",
      ).to.deep.equal(testers.map(() => 0));
      expect(balance(contracts.testers), "the registry holds the testers' stake").to.equal(testerStakes);
      expect(balance(contracts.disputes), "bonds that nobody owns").to.equal(0n);
    });

    it("should slash nobody honest, not for a program that acts by the clock either", async () => {
      for (const daemon of fleet.honest) {
        const { slashedWei, epochsWrong } = await watch.reputationOf(idOf(daemon));
        expect({ slashedWei, epochsWrong }, daemon.name).to.deep.equal({ slashedWei: 0n, epochsWrong: 0 });
      }
      // The sandbox's clock and randomness are the record's, so the bomb goes off on all machines or on none.
      const bombs = bought.filter(({ plan }) => plan.program === "bomb" && plan.way !== "liar");
      const seconds = bombs.flatMap(({ executions }) =>
        executions.flatMap(({ result }) => (result ? [secondOf(result.output)] : [])),
      );
      expect(new Set(seconds.map((second) => second % 2n)), "odd and even seconds").to.deep.equal(new Set([0n, 1n]));
      const honestVerdicts = await verdictsOnHonest();
      say(`verdicts on honest workers: ${JSON.stringify(honestVerdicts)}`);
      expect(honestVerdicts["wrong"] ?? 0, "wrong verdicts on honest workers").to.equal(0);
      expect(honestVerdicts["ok"] ?? 0, "good verdicts on honest workers").to.be.greaterThan(0);
    });

    it("should catch the liar within the epochs that sampling predicts, and slash it", async () => {
      const liar = { workerId: idOf(fleet.liar), lieShare: init.lieShare };
      const { epochs, escaping, escapingUntilCaught, wrongEpochs } = await accountOfDetection(
        watch,
        await termsOfAll(),
        liar,
      );
      say(`the liar: ${epochs.map(({ outcome, chance }) => `${outcome} (${chance.toFixed(2)})`).join(", ")}`);
      // Without so many epochs the test could not tell luck from a fault.
      expect(escaping, "chance that a liar escapes all of these epochs").to.be.lessThan(1 - CERTAINTY);
      expect(escapingUntilCaught, "chance to get that far uncaught").to.be.at.least(1 - CERTAINTY);
      const { slashedWei, epochsWrong } = await watch.reputationOf(liar.workerId);
      expect(epochsWrong).to.equal(wrongEpochs);
      expect(wrongEpochs).to.be.greaterThan(0);
      expect(slashedWei > 0n).to.equal(true);
    });

    async function chainOf(account: number): Promise<EthersChain> {
      const { networks } = fleet.devnet;
      const chain =
        chains.get(account) ??
        (await createEthersChain({ ...networks.chain, privateKey: devnetKeys(account).accountPrivateKey }));
      chains.set(account, chain);
      return chain;
    }

    function workers(): readonly FleetDaemon[] {
      return [...fleet.honest, fleet.liar];
    }

    async function termsOfAll(): Promise<readonly Agreement[]> {
      const count = await watch.agreementCount();
      const addresses = await watch.agreements(1, count);
      return await Promise.all(addresses.map(async (address) => (await watch.agreement(address))!));
    }

    /** A failure has an explanation when a worker of the program was down while its user waited, or no time was left. */
    function isExplained({ startedMs, endedMs, isOver }: UserExecution, of: readonly number[]): boolean {
      if (isOver === true) return true;
      return chaos.kills.some(({ daemon, atMs, upAgainMs }) => {
        const concerned = daemon.role === "worker" && of.includes(idOf(daemon));
        return concerned && atMs < endedMs && upAgainMs > startedMs;
      });
    }

    /** Looks with every block; the deadline counts from when the last agreement was over. */
    async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
      while (!(await condition())) {
        const ends = await Promise.all(
          (await termsOfAll()).map(
            async ({ address, epochCount }) => (await watch.windowsOf(address, epochCount - 1)).finalFrom,
          ),
        );
        const block = await nextBlock(watch);
        if (block > Math.max(...ends) + CLOSING_BLOCKS) throw new Error(`${what}: not done by block ${block}`);
      }
    }

    /** What clients have coming, and what the daemons did not find worth its gas. */
    async function withdrawTheRest(): Promise<void> {
      for (let account = FIRST_CLIENT_ACCOUNT; account < DEVNET_ACCOUNTS; account++) {
        const chain = await chainOf(account);
        for (const { agreement } of bought) {
          if ((await chain.creditWei(agreement, chain.account)) > 0n) await chain.withdraw(agreement);
        }
        const testerId = await chain.testerOf(chain.account);
        if (testerId !== undefined && ((await chain.tester(testerId))?.creditWei ?? 0n) > 0n)
          await chain.withdrawFees();
        if ((await chain.bondCreditWei(chain.account)) > 0n) await chain.withdrawBonds();
      }
    }

    async function verdictsOnHonest(): Promise<Readonly<Record<string, number>>> {
      const counts: Record<string, number> = {};
      const honest = fleet.honest.map(idOf);
      for (const { address, epochCount, workerIds } of await termsOfAll()) {
        for (let epoch = 0; epoch < epochCount; epoch++) {
          for (const { verdicts } of await watch.seatsOf(address, epoch)) {
            for (const [index, verdict] of verdicts.entries()) {
              if (honest.includes(workerIds[index]!)) counts[verdict] = (counts[verdict] ?? 0) + 1;
            }
          }
        }
      }
      return counts;
    }
  });
}

function say(line: string): void {
  process.stdout.write(`      ${line}\n`);
}

function idOf({ info }: FleetDaemon): number {
  return Number(info["workerId"]);
}

/** The first 8 bytes that the time-bomb prints: nanoseconds since the Unix epoch. */
function secondOf(output: Uint8Array): bigint {
  return new DataView(output.buffer, output.byteOffset).getBigUint64(0, true) / 1_000_000_000n;
}
