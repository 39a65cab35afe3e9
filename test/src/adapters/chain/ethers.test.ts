import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { Wallet } from "ethers";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createEthersChain, type EthersChain } from "../../../../src/adapters/chain/ethers.ts";
import { commitmentOf } from "../../../../src/domain/verdict/commitment.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { SeatReveal, SignedCommit } from "../../../../src/ports/chain.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { until } from "../../../helpers/until.ts";
import {
  TERMS,
  randomAddress,
  registerTester,
  registerTwin,
  registerWorker,
  startMarketChain,
  type MarketChain,
} from "../../../helpers/market-chain.ts";

type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

const MNEMONIC_TWIN = { messagePrivateKey: new Uint8Array(32).fill(7), ledgerKey: new Uint8Array(32).fill(9) };

describe("adapters/chain/ethers", () => {
  let market: MarketChain;
  let client: Identity;
  let workers: Identity[];
  let testers: Identity[];
  let workerIds: number[];
  let restore: () => Promise<void>;

  before(async () => {
    market = await startMarketChain();
    client = await market.identity(0);
    workers = [await market.identity(1), await market.identity(2), await market.identity(3)];
    testers = [await market.identity(4), await market.identity(5), await market.identity(6)];
    await registerTwin(client);
    workerIds = [];
    for (const worker of workers) workerIds.push(await registerWorker(worker));
    for (const tester of testers) await registerTester(tester);
  });
  after(() => market.close());
  beforeEach(async () => {
    restore = await market.snapshot();
    // A chain that is set back holds other agreements at the addresses that a connection remembers.
    client = { ...client, chain: await market.connect(client.keys) };
  });
  afterEach(() => restore());

  /** The client's chain with a clock that a test can put forward. */
  const shifted = async (): Promise<{ chain: EthersChain; clock: Clock & { shiftMs: number } }> => {
    const clock = { ...systemClock, shiftMs: 0, now: () => systemClock.now() + clock.shiftMs };
    const chain = await createEthersChain({
      rpcUrl: market.rpcUrl,
      privateKey: client.keys.accountPrivateKey,
      contracts: market.contracts,
      pollingIntervalMs: 10,
      clock,
    });
    return { chain, clock };
  };
  const buy = async (lengthBlocks = 40): Promise<string> => {
    const request = { redundancy: 3, lengthBlocks };
    return (await client.chain.buy(request, await client.chain.quote(request))).agreement;
  };

  describe("connecting", () => {
    it("should name the node that does not answer", async () => {
      const rpcUrl = "http://127.0.0.1:1";
      const init = { rpcUrl, privateKey: client.keys.accountPrivateKey, contracts: market.contracts };
      expect(await codeOf(createEthersChain(init))).to.equal("CHAIN_UNREACHABLE");
    });

    it("should refuse addresses that are not one market", async () => {
      const init = { rpcUrl: market.rpcUrl, privateKey: client.keys.accountPrivateKey };
      for (const wrong of [
        { ...market.contracts, dispatcher: randomAddress() },
        { ...market.contracts, dispatcher: market.contracts.twins },
        { ...market.contracts, twins: randomAddress() },
        { ...market.contracts, testers: randomAddress() },
        { ...market.contracts, disputes: randomAddress() },
        { ...market.contracts, records: randomAddress() },
      ]) {
        expect(await codeOf(createEthersChain({ ...init, contracts: wrong }))).to.equal("CONFIG_INVALID");
      }
    });

    it("should know its account, chain, balance and block", async () => {
      const { chain, keys } = client;
      expect(chain.account).to.equal(keys.account);
      expect(chain.chainId).to.equal(31337n);
      expect(await chain.balanceWei(randomAddress())).to.equal(0n);
      const before = await chain.blockNumber();
      await market.mine(3);
      expect(await chain.blockNumber()).to.equal(before + 3);
    });
  });

  describe("twins", () => {
    it("should register with proof of possession, find by account, id and key, and rotate", async () => {
      const { chain, keys } = await market.identity(50);
      expect(await chain.twinOf(chain.account)).to.equal(undefined);
      const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
      const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
      expect(twin).to.deep.include({ account: chain.account, messageKey: keys.messageKey, ledgerKey });
      expect(await chain.twinOf(chain.account)).to.deep.equal(twin);
      expect(await chain.twin(twin.id)).to.deep.equal(twin);
      expect(await chain.twinOfKey(keys.messageKey)).to.deep.equal(twin);
      expect(await chain.twinOfKey(new Uint8Array(64).fill(1))).to.equal(undefined);

      const block = await chain.blockNumber();
      await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
      expect(await chain.blockNumber(), "nothing is sent when nothing changes").to.equal(block);
      const rotated = await chain.ensureTwin(MNEMONIC_TWIN);
      expect(rotated).to.deep.include({ id: twin.id, ledgerKey: MNEMONIC_TWIN.ledgerKey });
      expect(rotated.messageKey).not.to.deep.equal(twin.messageKey);
      const replaced = chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
      expect(await codeOf(replaced), "a key that was replaced does not come back").to.equal("CONFIG_INVALID");
    });

    it("should pass on the contract's own error with its values", async () => {
      const { chain } = await market.identity(51);
      const keys = { messagePrivateKey: client.keys.messagePrivateKey, ledgerKey: MNEMONIC_TWIN.ledgerKey };
      const error = await chain.ensureTwin(keys).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(SprfError);
      expect((error as SprfError).code).to.equal("CHAIN_REVERTED");
      expect((error as SprfError).message).to.match(
        /^Twins_MessageKeyTaken\(keyAddress: 0x[0-9a-fA-F]{40}, twinId: 1\)$/,
      );
      expect((error as SprfError).context["error"]).to.equal("Twins_MessageKeyTaken");
    });
  });

  describe("workers and testers", () => {
    it("should register a worker and read back what it offers", async () => {
      const worker = await market.identity(52);
      await registerTwin(worker);
      const applicationType = `0x${"ab".repeat(32)}`;
      const terms = { ...TERMS, applicationType, vettedDigests: ["cd".repeat(32)] };
      const { chain } = worker;
      const stakeWei = await chain.requiredStakeWei(terms);
      expect(stakeWei > 0n).to.equal(true);
      expect(await codeOf(chain.registerWorker(terms, stakeWei - 1n))).to.equal("CHAIN_REVERTED");
      const workerId = await chain.registerWorker(terms, stakeWei);
      expect(await chain.workerOf(chain.account, applicationType)).to.equal(workerId);
      expect(await chain.workerOf(chain.account, TERMS.applicationType)).to.equal(undefined);
      const entry = await chain.worker(workerId);
      expect(entry).to.deep.include({ ...terms, workerId, operator: chain.account, status: "active", stakeWei });
      expect(entry).to.deep.include({ listed: true, slotsUsed: 0, lockedWei: 0n });

      await chain.pauseWorker(workerId);
      expect((await chain.worker(workerId))?.status).to.equal("paused");
      await chain.unpauseWorker(workerId);
      await chain.updateWorker(workerId, { ...terms, slots: 2 }, 5n);
      expect(await chain.worker(workerId)).to.deep.include({ slots: 2, stakeWei: stakeWei + 5n, status: "active" });
      expect((await chain.workers(workerId, 10)).map((each) => each.workerId)).to.deep.equal([workerId]);
      expect(await chain.worker(999)).to.equal(undefined);
      expect(await chain.reputationOf(workerId)).to.deep.equal({
        reputation: 5000,
        uptime: 10000,
        epochsOk: 0,
        epochsUnreachable: 0,
        epochsWrong: 0,
        agreementsCompleted: 0,
        slashedWei: 0n,
      });
    });

    it("should find a tester by its account", async () => {
      const [tester] = testers as [Identity];
      expect(await tester.chain.testerOf(tester.chain.account)).to.be.a("number");
      expect(await tester.chain.testerOf(randomAddress())).to.equal(undefined);
    });
  });

  describe("purchases", () => {
    it("should buy at the quote and read the agreement", async () => {
      const { chain } = client;
      const request = { redundancy: 3, lengthBlocks: 40 };
      const quote = await chain.quote(request);
      const purchase = await chain.buy(request, quote + 1_000n);
      expect(purchase.paidWei).to.equal(quote);
      expect(await chain.balanceWei(purchase.agreement)).to.equal(quote);
      const agreement = await chain.agreement(purchase.agreement);
      expect(agreement).to.deep.include({
        address: purchase.agreement,
        client: chain.account,
        testerCount: 3,
        epochCount: 2,
        testerFeePerEpochWei: 10n ** 14n,
      });
      expect(agreement?.workerIds).to.have.members(workerIds);
      expect((agreement?.endBlock ?? 0) - (agreement?.startBlock ?? 0)).to.equal(40);
      await market.mine(12);
      expect(await chain.agreement(purchase.agreement)).to.deep.equal(agreement);
      expect(await chain.agreement(randomAddress())).to.equal(undefined);
      expect(await chain.agreements(1, 10)).to.deep.equal([purchase.agreement]);
      expect(await chain.agreementCount()).to.equal(1);
      expect(await chain.agreementAt(1)).to.equal(purchase.agreement);
      expect(await chain.worker(workerIds[0]!)).to.have.property("lastAgreement", 1);
      expect(agreement).to.deep.include({ number: 1, previousAgreements: [0, 0, 0], epochLengthBlocks: 20 });
    });

    it("should say what was required when too little was sent, and get all of it back", async () => {
      const { chain } = client;
      const request = { redundancy: 3, lengthBlocks: 40 };
      const quote = await chain.quote(request);
      const count = await chain.agreementCount();
      const error = (await chain.buy(request, quote - 1n).catch((thrown: unknown) => thrown)) as SprfError;
      expect(error.code).to.equal("PURCHASE_REJECTED");
      expect(error.context).to.deep.include({ requiredWei: `${quote}`, sentWei: `${quote - 1n}` });
      expect(await chain.agreementCount()).to.equal(count);
      expect(await chain.balanceWei(market.contracts.dispatcher)).to.equal(
        (await Promise.all(workerIds.map(async (id) => (await chain.worker(id))!.stakeWei))).reduce((a, b) => a + b),
      );
    });

    it("should buy with conditions and with chosen workers", async () => {
      const { chain } = client;
      const request = { redundancy: 1, lengthBlocks: 40, testerCount: 1, startAfterBlocks: 5 } as const;
      const { agreement } = await chain.buy(request, await chain.quote(request));
      expect(await chain.agreement(agreement)).to.deep.include({ testerCount: 1 });
      expect((await chain.agreementState(agreement)).status).to.equal("scheduled");

      const chosen = [workerIds[2]!, workerIds[0]!];
      const second = await chain.buyWith(chosen, 40, await chain.quoteWith(chosen, 40));
      expect((await chain.agreement(second.agreement))?.workerIds).to.deep.equal(chosen);
    });

    it("should pass on why nothing matched", async () => {
      const error = await client.chain.quote({ redundancy: 9, lengthBlocks: 40 }).catch((thrown: unknown) => thrown);
      expect(error).to.have.property("message", "WorkerDispatcher_NotEnoughWorkers(wanted: 9, have: 3)");
    });
  });

  describe("the life of an agreement", () => {
    it("should go from the draw to the last withdrawal", async () => {
      const { chain } = client;
      const address = await buy(40);
      const ledgerKey = new Uint8Array(client.keys.ledgerKeypair.rawPublicKey());
      await chain.bindProgram(address, ledgerKey);
      expect((await chain.agreementState(address)).program).to.deep.equal(ledgerKey);
      const windows = await chain.windowsOf(address, 0);
      expect(await chain.previewTesters(address, 0)).to.deep.equal([]);

      await market.mineTo(windows.commitFrom);
      const drawn = await chain.previewTesters(address, 0);
      expect([...drawn].sort()).to.deep.equal(testers.map((each) => each.chain.account).sort());
      expect(await chain.isOpen(address, 0)).to.equal(false);
      await chain.openEpoch(address, 0);
      expect(await chain.isOpen(address, 0)).to.equal(true);
      expect((await chain.seatsOf(address, 0)).map((seat) => seat.tester)).to.deep.equal(drawn);

      const salt = new Uint8Array(32).fill(3);
      const verdicts = ["ok", "unreachable", "wrong"] as const;
      const evidenceCid = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
      for (const tester of testers) {
        const parts = { agreement: address, epoch: 0, tester: tester.chain.account, verdicts, evidenceCid, salt };
        await tester.chain.commit(address, 0, commitmentOf(parts));
      }
      expect((await chain.seatsOf(address, 0)).every((seat) => seat.status === "committed")).to.equal(true);
      const [first] = testers as [Identity];
      const report = { seat: 0, tester: drawn[0]!, verdicts, evidenceCid, salt };
      expect(await codeOf(first.chain.reveal(address, 0, report))).to.equal("CHAIN_REVERTED");
      await market.mineTo(windows.revealFrom - 1);
      for (const [seat, tester] of drawn.entries()) await first.chain.reveal(address, 0, { ...report, seat, tester });
      expect((await chain.seatsOf(address, 0))[0]).to.deep.include({ status: "revealed", verdicts });
      expect(await chain.tallyOf(address, 0)).to.deep.equal(verdicts);
      expect(await chain.outcomesOf(address, 0)).to.deep.equal(["pending", "pending", "pending"]);

      await market.mineTo((await chain.windowsOf(address, 1)).finalFrom);
      expect((await chain.agreementState(address)).status).to.equal("due");
      expect(await chain.outcomesOf(address, 0)).to.deep.equal(verdicts);
      expect(await chain.outcomesOf(address, 1)).to.deep.equal(["no-quorum", "no-quorum", "no-quorum"]);
      await chain.settle(address, 64);
      expect((await chain.agreementState(address)).settledEpochs).to.equal(2);
      await chain.finalize(address);
      expect((await chain.agreementState(address)).status).to.equal("finalized");
      for (const { chain: owner } of [client, ...workers, ...testers]) {
        const credit = await owner.creditWei(address, owner.account);
        if (credit > 0n) expect(await owner.withdraw(address)).to.equal(credit);
      }
      expect(await chain.balanceWei(address)).to.equal(0n);
      const error = await chain.withdraw(address).catch((thrown: unknown) => thrown);
      expect(error).to.have.property("message", `WorkAgreement_NothingToWithdraw(account: ${chain.account})`);
    });
  });

  describe("what testers bring together, and what is disputed", () => {
    const verdicts = ["ok", "ok", "ok"] as const;
    const salt = new Uint8Array(32).fill(3);
    const evidenceCid = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    it("should bring signed commitments and reports together, challenge one, and strike what is not shown", async () => {
      const { chain } = client;
      const request = { redundancy: 3, lengthBlocks: 40, startAfterBlocks: 3 };
      const address = (await chain.buy(request, await chain.quote(request))).agreement;
      expect(await chain.boundFrom(address)).to.equal(undefined);
      await chain.bindProgram(address, new Uint8Array(client.keys.ledgerKeypair.rawPublicKey()));
      expect(await chain.boundFrom(address)).to.equal(0);
      const windows = await chain.windowsOf(address, 0);
      await market.mineTo(windows.commitFrom);
      await chain.openEpoch(address, 0);
      const drawn = (await chain.seatsOf(address, 0)).map(({ tester }) => tester);
      const commits: SignedCommit[] = [];
      const reports: SeatReveal[] = [];
      for (const [seat, tester] of drawn.entries()) {
        const own = testers.find((each) => each.chain.account === tester)!;
        const commitment = commitmentOf({ agreement: address, epoch: 0, tester, verdicts, evidenceCid, salt });
        commits.push({ seat, commitment, signature: await own.chain.signCommit(address, 0, commitment) });
        reports.push({ seat, tester, verdicts, evidenceCid, salt });
      }
      const stolen = commits.map((each, seat) => ({ ...each, signature: commits[(seat + 1) % 3]!.signature }));
      const error = await chain.commitMany(address, 0, stolen).catch((thrown: unknown) => thrown);
      expect((error as SprfError).context["error"]).to.equal("WorkAgreement_BadSignature");
      await chain.commitMany(address, 0, commits);
      expect((await chain.seatsOf(address, 0)).map(({ grouped }) => grouped)).to.deep.equal([true, true, true]);
      await market.mineTo(windows.revealFrom - 1);
      const group = commits.map(({ commitment }) => commitment);
      await chain.revealMany(address, 0, group, reports);
      const shown = drawn.map((tester) => ({ tester, verdicts: [...verdicts], evidenceCid, salt }));
      expect(await chain.reportsOf(address, 0)).to.deep.equal(shown);

      await market.mineTo(windows.appealFrom - 1);
      const bondWei = await chain.missPenaltyWei();
      expect(await chain.challengeOf(address, 0, 1, 2)).to.equal(undefined);
      await chain.challenge(address, 0, 1, 2, bondWei);
      const challenged = { challenger: chain.account, answered: false };
      expect(await chain.challengeOf(address, 0, 1, 2)).to.deep.equal(challenged);
      expect(await chain.challengeOf(address, 0, 1, 1)).to.equal(undefined);
      expect(await chain.openChallenges(address, 0, 1)).to.deep.equal([2]);
      expect(await chain.openChallenges(address, 0, 2)).to.deep.equal([]);
      const { finalFrom } = await chain.windowsOf(address, 0);
      expect(finalFrom > windows.finalFrom, "as long as it takes to answer").to.equal(true);
      await market.mineTo(finalFrom);
      await chain.settle(address, 1);
      // The bond, and half of what the tester lost.
      expect(await chain.bondCreditWei(chain.account)).to.equal(bondWei + bondWei / 2n);
      expect(await chain.withdrawBonds()).to.equal(bondWei + bondWei / 2n);
      const [paid, struck] = [testers.find((each) => each.chain.account === drawn[0])!, drawn[1]!];
      const entry = (await chain.tester((await chain.testerOf(struck))!))!;
      expect(entry).to.deep.include({ creditWei: 0n, account: struck, active: true });
      expect(await paid.chain.withdrawFees()).to.equal(10n ** 14n);
      expect(await codeOf(paid.chain.withdrawFees())).to.equal("CHAIN_REVERTED");
    });

    it("should pass on what disputes refuse, with its name and values", async () => {
      const address = await buy(40);
      const bondWei = await client.chain.bondWei(address);
      expect(bondWei).to.equal(7n * 10n ** 14n);
      const { appealFrom, appealTo } = await client.chain.windowsOf(address, 0);
      const error = (await client.chain.appeal(address, 0, 0, bondWei).catch((thrown: unknown) => thrown)) as SprfError;
      expect(error.message).to.match(
        new RegExp(`^Disputes_OutsideWindow\\(from: ${appealFrom}, to: ${appealTo}, current: \\d+\\)$`),
      );
      expect(await client.chain.appealedWorkers(address, 0)).to.deep.equal([]);
      expect(await client.chain.panelOf(address, 0)).to.deep.equal([]);
      expect(await client.chain.previewPanel(address, 0)).to.deep.equal([]);
      expect((await client.chain.panelWindowsOf(address, 0)).commitFrom > appealTo).to.equal(true);
    });

    it("should extend, terminate and leave an agreement, whose terms say so at once", async () => {
      const { chain } = client;
      const address = await buy(100);
      const before = (await chain.agreement(address))!;
      await chain.extend(address, 20, 10n ** 17n);
      const extended = (await chain.agreement(address))!;
      expect(extended).to.deep.include({ endBlock: before.endBlock + 20, epochCount: 6 });
      const index = extended.workerIds.indexOf(workerIds[1]!);
      expect(await chain.resignedFrom(address, index)).to.equal(undefined);
      await workers[1]!.chain.resign(address, index);
      expect(await chain.resignedFrom(address, index), "the running epoch is its own still").to.equal(1);
      await market.mine(12);
      await chain.terminate(address);
      const ended = (await chain.agreement(address))!;
      expect(ended).to.deep.equal({ ...before, endBlock: before.startBlock + 40, epochCount: 2 });
      expect(await chain.slashWei(ended, 0)).to.equal(5n * 10n ** 15n);
    });
  });

  describe("sending", () => {
    it("should give every one of many transactions at once its own nonce", async () => {
      const { chain, keys } = client;
      const other = await market.connect(keys);
      const address = await buy(40);
      const windows = await chain.windowsOf(address, 0);
      await market.mineTo(windows.commitFrom);
      // A second connection of the same account competes for nonces, as a second daemon would.
      const before = Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"));
      const request = { redundancy: 1, lengthBlocks: 8 };
      const quote = await chain.quote(request);
      const bought = await Promise.all(
        Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? chain : other).buy(request, quote * 2n)),
      );
      expect(new Set(bought.map(({ agreement }) => agreement)).size).to.equal(6);
      expect(Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"))).to.equal(before + 6);
    });

    it("should wait for a block that comes late", async () => {
      const { chain } = client;
      await market.rpc("evm_setAutomine", false);
      try {
        const request = { redundancy: 1, lengthBlocks: 8 };
        const bought = chain.buy(request, await chain.quote(request));
        let done = false;
        void bought.then(() => (done = true));
        await pendingTransactions(market, 1);
        expect(done).to.equal(false);
        await market.mine(1);
        expect((await bought).agreement).to.match(/^0x[0-9a-fA-F]{40}$/);
      } finally {
        await market.rpc("evm_setAutomine", true);
      }
    });

    it("should send again what the node forgot", async () => {
      const { chain, clock } = await shifted();
      await market.rpc("evm_setAutomine", false);
      try {
        const request = { redundancy: 1, lengthBlocks: 8 };
        const bought = chain.buy(request, await chain.quote(request));
        const [hash] = await pendingTransactions(market, 1);
        await market.rpc("hardhat_dropTransaction", hash);
        await market.mine(1);
        clock.shiftMs += 10_000;
        await pendingTransactions(market, 1);
        await market.mine(1);
        expect((await bought).transactionHash).to.equal(hash);
      } finally {
        await market.rpc("evm_setAutomine", true);
      }
    });

    it("should offer more for a transaction that block after block leaves out, within bounds", async () => {
      const { chain, clock } = await shifted();
      await market.rpc("evm_setAutomine", false);
      try {
        const request = { redundancy: 1, lengthBlocks: 8 };
        const quote = await chain.quote(request);
        const bought = chain.buy(request, quote * 2n);
        const [first] = await pendingTransactions(market, 1);
        const before = await transactionOf(market, first!);
        const nonce = Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"));
        const leaveOut = async (baseFeeWei: bigint): Promise<void> => {
          await market.rpc("hardhat_setNextBlockBaseFeePerGas", `0x${baseFeeWei.toString(16)}`);
          await market.mine(1);
        };

        for (let block = 0; block < 2; block++) await leaveOut(before.maxFeeWei * 2n);
        clock.shiftMs += 10_000;
        await until(async () => (await queuedOf(market, chain.account)).includes(first!), { what: "the queue" });
        expect((await queuedOf(market, chain.account)).length, "two blocks are not enough").to.equal(1);

        await leaveOut(before.maxFeeWei * 2n);
        clock.shiftMs += 10_000;
        let replaced = first!;
        await until(
          async () => {
            replaced = (await queuedOf(market, chain.account))[0] ?? first!;
            return replaced !== first;
          },
          { what: "the replacement" },
        );
        const after = await transactionOf(market, replaced);
        expect(after.nonce).to.equal(nonce);
        expect(after.maxFeeWei >= (before.maxFeeWei * 9n) / 8n).to.equal(true);
        expect(after.tipWei >= (before.tipWei * 9n) / 8n).to.equal(true);
        expect(after.maxFeeWei <= before.maxFeeWei * 10n).to.equal(true);
        await leaveOut(before.maxFeeWei + 1n);
        expect((await bought).transactionHash).to.equal(replaced);
        expect(Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"))).to.equal(nonce + 1);
      } finally {
        await market.rpc("evm_setAutomine", true);
      }
    });

    it("should say that another transaction took the place of one that was lost", async () => {
      const { chain, clock } = await shifted();
      await market.rpc("evm_setAutomine", false);
      try {
        const request = { redundancy: 1, lengthBlocks: 8 };
        const bought = codeOf(chain.buy(request, await chain.quote(request)));
        const [hash] = await pendingTransactions(market, 1);
        await market.rpc("hardhat_dropTransaction", hash);
        const wallet = new Wallet(toHex(client.keys.accountPrivateKey));
        const nonce = Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"));
        const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n, gasLimit: 21_000n };
        const other = { to: chain.account, nonce, chainId: 31337, type: 2, ...fees };
        await market.rpc("eth_sendRawTransaction", await wallet.signTransaction(other));
        await market.mine(1);
        clock.shiftMs += 10_000;
        expect(await bought).to.equal("CHAIN_TRANSACTION_LOST");
      } finally {
        await market.rpc("evm_setAutomine", true);
      }
    });

    it("should stop waiting when it is told to", async () => {
      const { chain } = client;
      await market.rpc("evm_setAutomine", false);
      try {
        const abort = new AbortController();
        const request = { redundancy: 1, lengthBlocks: 8 };
        const bought = codeOf(chain.buy(request, await chain.quote(request), { signal: abort.signal }));
        await pendingTransactions(market, 1);
        abort.abort();
        expect(await bought).to.equal("ABORTED");
        expect(await codeOf(chain.blockNumber({ signal: abort.signal }))).to.equal("ABORTED");
      } finally {
        await market.rpc("evm_setAutomine", true);
        await market.mine(1);
      }
    });

    it("should say that the account lacks ether", async () => {
      const { chain } = client;
      await market.rpc("hardhat_setBalance", chain.account, "0x1");
      const request = { redundancy: 1, lengthBlocks: 8 };
      expect(await codeOf(chain.buy(request, await chain.quote(request)))).to.equal("CHAIN_FUNDS_TOO_LOW");
    });
  });

  describe("blocks", () => {
    it("should yield the latest block as it grows, and end with its signal", async () => {
      const { chain } = client;
      const abort = new AbortController();
      const seen: number[] = [];
      const start = await chain.blockNumber();
      for await (const block of chain.blocks({ signal: abort.signal })) {
        seen.push(block);
        if (seen.length === 1) await market.mine(1);
        if (seen.length === 2) await market.mine(5);
        if (seen.length === 3) abort.abort();
      }
      expect(seen).to.deep.equal([start, start + 1, start + 6]);
    });

    it("should go on when the node was away", async () => {
      const gate = await openGate(market.rpcUrl);
      const abort = new AbortController();
      const chain = await createEthersChain({
        rpcUrl: gate.url,
        privateKey: client.keys.accountPrivateKey,
        contracts: market.contracts,
        pollingIntervalMs: 10,
      });
      try {
        const blocks = chain.blocks({ signal: abort.signal })[Symbol.asyncIterator]();
        const first = (await blocks.next()).value as number;
        gate.shut();
        expect(await codeOf(chain.blockNumber())).to.equal("CHAIN_UNREACHABLE");
        const next = blocks.next();
        await market.mine(2);
        const refused = gate.refused();
        await until(() => gate.refused() > refused, { what: "a try while the node is away" });
        gate.reopen();
        expect((await next).value).to.equal(first + 2);
        abort.abort();
        expect((await blocks.next()).done).to.equal(true);
      } finally {
        chain.close();
        await gate.close();
      }
    });
  });
});

/** Waits until so many transactions are pending, and gives their hashes. */
async function pendingTransactions(market: MarketChain, count: number): Promise<readonly string[]> {
  let hashes: readonly string[] = [];
  await until(
    async () => {
      const block = (await market.rpc("eth_getBlockByNumber", "pending", false)) as { transactions: string[] };
      hashes = block.transactions;
      return hashes.length >= count;
    },
    { what: "the transaction" },
  );
  return hashes;
}

/** Hashes of the account's transactions that wait, mined next or not. */
async function queuedOf(market: MarketChain, account: string): Promise<readonly string[]> {
  const all = (await market.rpc("eth_pendingTransactions")) as readonly {
    readonly hash: string;
    readonly from: string;
  }[];
  return all.filter(({ from }) => from.toLowerCase() === account.toLowerCase()).map(({ hash }) => hash);
}

async function transactionOf(
  market: MarketChain,
  hash: string,
): Promise<{ readonly nonce: number; readonly maxFeeWei: bigint; readonly tipWei: bigint }> {
  const found = (await market.rpc("eth_getTransactionByHash", hash)) as Record<string, string>;
  return {
    nonce: Number(found["nonce"]),
    maxFeeWei: BigInt(found["maxFeePerGas"]!),
    tipWei: BigInt(found["maxPriorityFeePerGas"]!),
  };
}

interface Gate {
  readonly url: string;
  shut(): void;
  reopen(): void;
  refused(): number;
  close(): Promise<void>;
}

/** A way to a node that can be cut: requests are dropped without an answer while it is shut. */
async function openGate(target: string): Promise<Gate> {
  let open = true;
  let refused = 0;
  const server = createServer((request, response) => {
    if (!open) {
      refused++;
      request.socket.destroy();
      return;
    }
    const forward = async (): Promise<void> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(target, { method: "POST", headers, body: Buffer.concat(chunks) });
      response.end(await answer.text());
    };
    forward().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    shut: () => (open = false),
    reopen: () => (open = true),
    refused: () => refused,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
