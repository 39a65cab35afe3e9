import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ZeroHash } from "ethers";

import type { WorkAgreement } from "../../typechain-types/index.ts";
import {
  SALT,
  buy,
  commitmentOf,
  makeTester,
  makeTwin,
  makeWorker,
  packVerdicts,
} from "../contracts/helpers/market.ts";
import type { IndexMarket } from "./index-market.ts";

const CLIENTS = 2;
const WORKERS = 4;
const TESTERS = 12;
/** Seats of an epoch when the client names no number. */
const DEFAULT_TESTERS = 3n;
const MAX_SEED = 2 ** 32;

/** What everybody in a market does, as a seed has it: most of what a contract can refuse is tried, too. */
export interface MarketTraffic {
  readonly accounts: readonly HardhatEthersSigner[];
  readonly agreements: readonly WorkAgreement[];
  /** Does so many things, one after the other. */
  run(steps: number): Promise<void>;
  /** Lets every epoch become final, settles and finalizes all agreements. */
  settleAll(): Promise<void>;
  /** How many of each thing were done. */
  readonly done: ReadonlyMap<string, number>;
}

/** Registers clients, workers and testers. */
export async function startTraffic(scene: IndexMarket, seed: number): Promise<MarketTraffic> {
  const { market, ethers } = scene;
  const accounts = (await ethers.getSigners()).slice(0, CLIENTS + WORKERS + TESTERS);
  const clients = accounts.slice(0, CLIENTS);
  const workers = accounts.slice(CLIENTS, CLIENTS + WORKERS);
  const testers = accounts.slice(CLIENTS + WORKERS);
  for (const client of clients) await makeTwin(market, client);
  for (const [index, worker] of workers.entries()) {
    await makeWorker(market, worker, { pricePerBlock: 1_000n + BigInt(index), slots: 8n, maxLength: 100n });
  }
  for (const tester of testers) await makeTester(market, tester);
  const agreements: WorkAgreement[] = [];
  const done = new Map<string, number>();
  const { below, pick } = randomOf(seed);

  const settings = await market.dispatcher.settings();
  const epochLength = Number(settings.epochLength);

  /** All testers of an epoch say what they say; a verdict is good more often than not. */
  async function report(agreement: WorkAgreement): Promise<void> {
    const address = await agreement.getAddress();
    const start = Number(await agreement.start());
    const epoch = BigInt(Math.max(0, Math.ceil(((await scene.blockNumber()) - start) / epochLength)));
    const windows = await agreement.windowsOf(epoch);
    await mineTo(Number(windows.commitFrom) - 1);
    await agreement.openEpoch(epoch);
    const drawn = await agreement.testersOf(epoch);
    const count = (await agreement.workers()).length;
    const isBad = below(2) === 0;
    const verdicts = drawn.map(() =>
      packVerdicts(Array.from({ length: count }, (_, index) => (isBad && index === 0 ? BigInt(1 + below(2)) : 0n))),
    );
    const by = (tester: string): HardhatEthersSigner => accounts.find(({ address: own }) => own === tester)!;
    const there = drawn.filter(() => below(5) > 0);
    for (const [seat, tester] of drawn.entries()) {
      if (!there.includes(tester)) continue;
      const commitment = commitmentOf(address, epoch, tester, verdicts[seat]!, "", SALT);
      await agreement.connect(by(tester)).commit(epoch, commitment);
    }
    await mineTo(Number(windows.revealFrom) - 1);
    for (const [seat, tester] of drawn.entries()) {
      if (!there.includes(tester) || below(8) === 0) continue;
      await agreement
        .connect(by(tester))
        .reveal(epoch, { seat, tester, verdicts: verdicts[seat]!, evidenceCid: "", salt: SALT });
    }
    if (below(2) === 0) await mineTo(Number(windows.appealFrom) - 1);
    if (below(2) === 0) await dispute(agreement, epoch, count);
  }

  async function dispute(agreement: WorkAgreement, epoch: bigint, count: number): Promise<void> {
    const address = await agreement.getAddress();
    const windows = await agreement.windowsOf(epoch);
    await mineTo(Number(windows.appealFrom) - 1);
    const [client, bond] = [await agreement.client(), await market.disputes.bondOf(address)];
    const appellant = accounts.find(({ address: own }) => own === client)!;
    for (let index = 0; index < count; index++) {
      if (below(2) === 0)
        await tried("appeal", market.disputes.connect(appellant).appeal(address, epoch, index, { value: bond }));
    }
    const value = await market.testers.missPenalty();
    await tried("challenge", market.disputes.connect(pick(clients)).challenge(address, epoch, 0, 0, { value }));
    const panel = await market.disputes.panelWindowsOf(address, epoch);
    await mineTo(Number(panel.commitFrom) - 1);
    if (!(await tried("openPanel", market.disputes.openPanel(address, epoch)))) return;
    const seats = await market.disputes.panelOf(address, epoch);
    const verdicts = packVerdicts(Array.from({ length: count }, () => BigInt(below(3))));
    for (const { tester } of seats) {
      const signer = accounts.find(({ address: own }) => own === tester)!;
      const commitment = commitmentOf(address, epoch, tester, verdicts, "", SALT);
      await tried("panelCommit", market.disputes.connect(signer).commit(address, epoch, commitment));
    }
    await mineTo(Number(panel.revealFrom) - 1);
    for (const { tester } of seats) {
      if (below(4) === 0) continue;
      await tried("panelReveal", market.disputes.reveal(address, epoch, tester, verdicts, "", SALT));
    }
  }

  async function bought(): Promise<WorkAgreement> {
    const request = { redundancy: BigInt(1 + below(3)), length: BigInt(25 + below(50)), startAfter: BigInt(below(5)) };
    const agreement = await buy(market, pick(clients), request);
    agreements.push(agreement);
    return agreement;
  }

  /** One that is not over, bought now when there is none. */
  async function running(): Promise<WorkAgreement> {
    const block = BigInt(await scene.blockNumber());
    const open: WorkAgreement[] = [];
    for (const agreement of agreements.slice(-4)) {
      if ((await agreement.end()) > block + BigInt(epochLength)) open.push(agreement);
    }
    return open.length === 0 ? await bought() : pick(open);
  }

  const steps: Readonly<Record<string, () => Promise<unknown>>> = {
    buy: bought,
    async bind() {
      const agreement = await running();
      const client = await agreement.client();
      const signer = accounts.find(({ address }) => address === client)!;
      return await agreement.connect(signer).bindProgram(`0x${"01".repeat(32)}`);
    },
    report: async () => await report(await running()),
    async extend() {
      const agreement = await running();
      const client = await agreement.client();
      // One more epoch, for a little more than its price.
      const fees = DEFAULT_TESTERS * settings.testerFeePerEpoch;
      const value = (await agreement.price()) * BigInt(epochLength) + fees + 7n;
      return await agreement.connect(accounts.find(({ address }) => address === client)).extend(epochLength, { value });
    },
    async terminate() {
      const agreement = await running();
      const client = await agreement.client();
      return await agreement.connect(accounts.find(({ address }) => address === client)).terminate();
    },
    async resign() {
      const agreement = await running();
      const [workerId = 0n] = await agreement.workers();
      const { operator } = await market.dispatcher.worker(workerId);
      return await agreement.connect(accounts.find(({ address }) => address === operator)).resign(0);
    },
    settle: async () => await pick(agreements).settle(1 + below(3)),
    finalize: async () => await pick(agreements).finalize(),
    withdraw: async () => await pick(agreements).connect(pick(accounts)).withdraw(),
    withdrawFees: async () => await market.testers.connect(pick(testers)).withdrawFees(),
    withdrawBonds: async () => await market.disputes.connect(pick(accounts)).withdraw(),
    async updateWorker() {
      const worker = pick(workers);
      const workerId = await market.dispatcher.workerOf(worker, ZeroHash);
      const terms = { maxLength: 100n, slots: 8n, applicationType: ZeroHash, vettedDigests: [] };
      return await market.dispatcher
        .connect(worker)
        .updateWorker(workerId, { ...terms, pricePerBlock: BigInt(900 + below(200)) }, { value: BigInt(below(2)) });
    },
    async addStake() {
      const worker = pick(workers);
      const workerId = await market.dispatcher.workerOf(worker, ZeroHash);
      return await market.dispatcher.connect(worker).addStake(workerId, { value: 5_000n });
    },
    async unbond() {
      const worker = pick(workers);
      const workerId = await market.dispatcher.workerOf(worker, ZeroHash);
      return await market.dispatcher.connect(worker).unbondStake(workerId, 3_000n);
    },
    async withdrawStake() {
      const worker = pick(workers);
      const workerId = await market.dispatcher.workerOf(worker, ZeroHash);
      return await market.dispatcher.connect(worker).withdrawStake(workerId);
    },
    updateTester: async () => await market.testers.connect(pick(testers)).updateTester(1n, 8n, { value: 7_000n }),
    unbondTester: async () => await market.testers.connect(pick(testers)).unbondStake(11_000n),
    withdrawTesterStake: async () => await market.testers.connect(pick(testers)).withdrawStake(),
    mine: async () => await scene.mine(1 + below(12)),
  };

  /** What a contract refuses changes nothing: that is part of the traffic. */
  async function tried(name: string, work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
    } catch (error) {
      if (!/revert|CALL_EXCEPTION/i.test(String(error))) throw error;
      return false;
    }
    done.set(name, (done.get(name) ?? 0) + 1);
    return true;
  }

  async function mineTo(block: number): Promise<void> {
    await scene.mine(block - (await scene.blockNumber()));
  }

  return {
    accounts,
    agreements,
    done,
    async run(count) {
      const names = Object.keys(steps);
      for (let i = 0; i < count; i++) {
        const name = agreements.length === 0 ? "buy" : below(3) === 0 ? "report" : pick(names);
        await tried(name, steps[name]!());
      }
    },
    async settleAll() {
      await scene.mine(200);
      for (const agreement of agreements) {
        if ((await agreement.status()) !== 4n) await agreement.finalize();
      }
    },
  };
}

/** Numbers that a seed decides (mulberry32). */
function randomOf(seed: number): { below: (limit: number) => number; pick: <T>(list: readonly T[]) => T } {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / MAX_SEED) * limit);
  };
  return { below, pick: (list) => list[below(list.length)]! };
}
