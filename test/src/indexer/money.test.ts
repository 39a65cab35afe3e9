import { expect } from "chai";

import { createEthersEventLog } from "../../../src/adapters/chain/event-log.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import type { LineRow } from "../../../src/domain/read-model/rows.ts";
import { createIndexer } from "../../../src/indexer/indexer.ts";
import { createReadModel, type ReadModel } from "../../../src/indexer/read-model.ts";
import { startIndexMarket, type IndexMarket } from "../../helpers/index-market.ts";
import { startTraffic, type MarketTraffic } from "../../helpers/market-traffic.ts";

const STEPS = 60;
const MORE_STEPS = 10;
const MOST_STEPS = 1_000;
const MOVES_MONEY = [
  "buy",
  "report",
  "settle",
  "extend",
  "terminate",
  "resign",
  "appeal",
  "panelReveal",
  "unbond",
] as const;
const SEEDS = [1, 7];
const START_WEI = 10_000n * 10n ** 18n;

describe("indexer: money", function () {
  this.timeout(180_000);

  for (const seed of SEEDS) {
    describe(`after the market of seed ${seed}`, () => {
      let scene: IndexMarket;
      let traffic: MarketTraffic;
      let model: ReadModel;

      before(async () => {
        scene = await startIndexMarket();
        traffic = await startTraffic(scene, seed);
        await traffic.run(STEPS);
        // Who is drawn hangs on the hashes of blocks, and what can be done on who is drawn: a seed alone does not settle it.
        const isMissing = (): boolean => MOVES_MONEY.some((kind) => !traffic.done.has(kind));
        for (let steps = STEPS; isMissing() && steps < MOST_STEPS; steps += MORE_STEPS) await traffic.run(MORE_STEPS);
        model = await indexed(scene);
      });
      after(async () => await scene?.close());

      it("should have seen all that moves money", () => {
        for (const kind of MOVES_MONEY) expect(traffic.done.get(kind) ?? 0, kind).to.be.greaterThan(0);
      });

      it("should know the credit that every agreement gives every account", async () => {
        for (const { address } of traffic.accounts) {
          const { credits } = await model.due(address);
          for (const agreement of traffic.agreements) {
            const number = Number(await agreement.number());
            const known = credits.find((credit) => credit.number === number)?.amountWei ?? 0n;
            expect(known, `${address} in ${number}`).to.equal(await agreement.creditOf(address));
          }
        }
      });

      it("should know what is unsettled, each worker as the contracts do, and each tester", async () => {
        const { dispatcher, records, testers } = scene.market;
        for (const agreement of traffic.agreements) {
          const row = await model.agreement(Number(await agreement.number()));
          expect(row?.unsettledWei).to.equal(await agreement.unsettled());
          expect(row?.settledEpochs).to.equal(Number(await agreement.settledEpochs()));
          expect(row?.endBlock).to.equal(Number(await agreement.end()));
        }
        for (const worker of await model.workers()) {
          const view = await dispatcher.worker(worker.workerId);
          const record = await records.recordOf(worker.workerId);
          expect({
            stake: worker.stakeWei,
            locked: worker.lockedWei,
            unbonding: worker.unbondingWei,
            price: worker.pricePerBlockWei,
            slotsUsed: worker.slotsUsed,
            reputation: worker.reputation,
            uptime: worker.uptime,
            slashed: worker.slashedWei,
            completed: worker.agreementsCompleted,
            ok: worker.epochsOk,
            wrong: worker.epochsWrong,
          }).to.deep.equal({
            stake: view.stake,
            locked: view.locked,
            unbonding: view.unbonding,
            price: view.pricePerBlock,
            slotsUsed: Number(view.slotsUsed),
            reputation: Number(await records.reputationOf(worker.workerId)),
            uptime: Number(await records.uptimeOf(worker.workerId)),
            slashed: record.slashed,
            completed: Number(record.agreementsCompleted),
            ok: Number(record.epochsOk),
            wrong: Number(record.epochsWrong),
          });
          const history = await model.history(worker.workerId, { limit: 10_000 });
          const last = history.find(({ kind }) => kind === "record");
          if (last !== undefined) expect(last.reputation).to.equal(worker.reputation);
        }
        for (const tester of await model.testers()) {
          const view = await testers.tester(tester.testerId);
          expect({
            stake: tester.stakeWei,
            unbonding: tester.unbondingWei,
            credit: tester.creditWei,
            reported: tester.reported,
            missed: tester.missed,
            overturned: tester.overturned,
          }).to.deep.equal({
            stake: view.stake,
            unbonding: view.unbonding,
            credit: view.credit,
            reported: Number(view.revealed),
            missed: Number(view.missed),
            overturned: Number(view.overturned),
          });
        }
      });

      it("should have every account's ether, and what the market holds for it, in its statement", async () => {
        await traffic.settleAll();
        const settled = await indexed(scene);
        const gas = await gasByAccount(scene);
        const kinds = new Set<string>();
        for (const { address } of traffic.accounts) {
          const lines = await statementOf(settled, address);
          for (const { kind } of lines) kinds.add(kind);
          const sum = (field: "inWei" | "outWei" | "walletWei"): bigint =>
            lines.reduce((total, line) => total + line[field], 0n);
          const walletWei =
            BigInt((await scene.rpc("eth_getBalance", address, "latest")) as string) -
            START_WEI +
            (gas.get(address.toLowerCase()) ?? 0n);
          const heldWei = await heldOf(scene, traffic, address);
          expect(sum("walletWei"), `wallet of ${address}`).to.equal(walletWei);
          expect(lines.at(-1)?.heldWei ?? 0n, `held for ${address}`).to.equal(heldWei);
          expect(sum("inWei") - sum("outWei"), `net of ${address}`).to.equal(walletWei + heldWei);
          expect(lines.at(-1)?.balanceWei ?? 0n).to.equal(walletWei + heldWei);
        }
        expect(kinds).to.include.all.keys(
          "refund",
          "pay",
          "tester-fee",
          "slash",
          "compensation",
          "penalty",
          "bond-loss",
        );
      });
    });
  }
});

async function indexed(scene: IndexMarket): Promise<ReadModel> {
  const eventLog = await createEthersEventLog(scene);
  const store = createMemoryStore();
  const logger = createMemoryLogger();
  await createIndexer({ eventLog, store, clock: systemClock, logger }).catchUp();
  eventLog.close();
  return createReadModel(store);
}

async function statementOf(model: ReadModel, account: string): Promise<LineRow[]> {
  const lines: LineRow[] = [];
  for await (const page of model.statement(account)) lines.push(...page);
  return lines;
}

/** What the contracts hold for an account when no bond is open. */
async function heldOf(scene: IndexMarket, traffic: MarketTraffic, account: string): Promise<bigint> {
  const { dispatcher, disputes, testers } = scene.market;
  let heldWei = await disputes.creditOf(account);
  for (const agreement of traffic.agreements) heldWei += await agreement.creditOf(account);
  for (let id = 1n; id <= (await dispatcher.workerCount()); id++) {
    const { operator, stake, unbonding } = await dispatcher.worker(id);
    if (operator === account) heldWei += stake + unbonding;
  }
  const testerId = await testers.testerOf(account);
  if (testerId === 0n) return heldWei;
  const { stake, credit } = await testers.tester(testerId);
  return heldWei + stake + credit;
}

async function gasByAccount(scene: IndexMarket): Promise<ReadonlyMap<string, bigint>> {
  const gas = new Map<string, bigint>();
  for (let number = 0; number <= (await scene.blockNumber()); number++) {
    const block = (await scene.rpc("eth_getBlockByNumber", `0x${number.toString(16)}`, false)) as {
      transactions: string[];
    };
    for (const hash of block.transactions) {
      const receipt = (await scene.rpc("eth_getTransactionReceipt", hash)) as {
        from: string;
        gasUsed: string;
        effectiveGasPrice: string;
      };
      const paid = BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice);
      gas.set(receipt.from, (gas.get(receipt.from) ?? 0n) + paid);
    }
  }
  return gas;
}
