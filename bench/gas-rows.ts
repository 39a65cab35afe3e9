import type { NetworkHelpers } from "@nomicfoundation/hardhat-network-helpers/types";
import { type ContractTransactionResponse, id, type Signer, Wallet } from "ethers";
import { network } from "hardhat";

import type { WorkAgreement } from "../typechain-types/index.ts";
import {
  agreementIn,
  boundTo,
  commitmentOf,
  deployMarket,
  ETHER,
  GWEI,
  makeTester,
  makeTwin,
  makeWorker,
  type Market,
  messageKeyOf,
  messageWallet,
  packVerdicts,
  proveKey,
  REQUEST,
  SALT,
  signCommit,
  TERMS,
  Verdict,
} from "../test/contracts/helpers/market.ts";
import { measureChannelGas } from "./gas-rows-channels.ts";
import { measureGridGas } from "./gas-rows-grid.ts";
import type { ReportRow } from "./report.ts";

const PURCHASE_TARGET = 600_000;
const TESTER_EPOCH_TARGET = 130_000;
const EPOCHS = 5n;
const WORKERS = 3;
const SEATS = 3;
const BATCHED_EPOCH_TARGET = 70_000;
/** The second one of the same parties: workers and testers have worked before. */
const LIFE = "Life of an agreement: 3 workers, 3 testers, 5 epochs, all withdrawals";
const LIFE_TARGET = 3_000_000;
const BATCHED_LIFE_TARGET = 2_100_000;
/** iExec PoCo: one task with 3 workers, by its own tests. */
const IEXEC_TASK = 2_640_000;
const REPORT = {
  verdicts: packVerdicts([Verdict.Ok, Verdict.Ok, Verdict.Ok]),
  evidenceCid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
  salt: SALT,
};

type Sent = Promise<ContractTransactionResponse>;

async function gasOf(sent: Sent): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a transaction was not mined");
  return Number(receipt.gasUsed);
}

/** Name of the row for a purchase in a market of that many workers. */
export function purchaseName(workers: number): string {
  return `buyContract, 3 workers and 3 testers, ${workers.toLocaleString("en")} workers registered`;
}

/**
 * Gas of every transaction of the market, the grid and channels, each whole (calldata and base fee of 21,000 included), measured on chains made for it.
 * `sizes` are the numbers of registered workers at which a purchase is measured.
 */
export async function measureGas(sizes: readonly number[]): Promise<ReportRow[]> {
  const rows = [...(await measureIdentity()), ...(await measureWorkers()), ...(await measureTesters())];
  rows.push(...(await measureLife()), ...(await measureOpening()), ...(await measureOtherPurchases()));
  return [...rows, ...(await measurePurchases(sizes)), ...(await measureGridGas()), ...(await measureChannelGas())];
}

async function newMarket(): Promise<{
  market: Market;
  signers: Signer[];
  mineUpTo: (block: bigint) => Promise<void>;
  networkHelpers: NetworkHelpers;
}> {
  const { ethers, networkHelpers } = await network.create();
  const market = await deployMarket(ethers);
  const mineUpTo = async (block: bigint): Promise<void> => {
    if (BigInt(await ethers.provider.getBlockNumber()) < block) await networkHelpers.mineUpTo(block);
  };
  return { market, signers: await ethers.getSigners(), mineUpTo, networkHelpers };
}

function pick(signers: readonly Signer[], index: number): Signer {
  const signer = signers[index];
  if (signer === undefined) throw new Error("the network has too few accounts");
  return signer;
}

function row(name: string, value: number, target?: number): ReportRow {
  return target === undefined
    ? { name, value, unit: "gas" }
    : { name, value, unit: "gas", target, met: value <= target };
}

async function measureIdentity(): Promise<ReportRow[]> {
  const { market, signers } = await newMarket();
  const { twins } = market;
  const signer = pick(signers, 1);
  const account = await signer.getAddress();
  const [first, second] = [messageWallet("first"), messageWallet("second")];
  const ledgerKey = id("ledger");
  const prove = async (wallet: Wallet, nonce: bigint): Promise<string> =>
    await proveKey(twins, wallet, { account, ledgerKey, nonce });
  const own = twins.connect(signer);
  return [
    row("Twins.register", await gasOf(own.register(messageKeyOf(first), ledgerKey, await prove(first, 0n)))),
    row("Twins.update", await gasOf(own.update(messageKeyOf(second), ledgerKey, await prove(second, 1n)))),
  ];
}

async function measureWorkers(): Promise<ReportRow[]> {
  const { market, signers, mineUpTo } = await newMarket();
  const { dispatcher, ethers } = market;
  for (const index of [5, 6]) await makeWorker(market, pick(signers, index));
  const signer = pick(signers, 1);
  await makeTwin(market, signer);
  const own = dispatcher.connect(signer);
  const workerId = 3n;
  const named = (name: string, value: number): ReportRow => row(`WorkerDispatcher.${name}`, value);
  const rows = [
    named("registerWorker", await gasOf(own.registerWorker(TERMS, { value: ETHER }))),
    named("updateWorker", await gasOf(own.updateWorker(workerId, { ...TERMS, pricePerBlock: 7n * GWEI }))),
    named("pauseWorker", await gasOf(own.pauseWorker(workerId))),
    named("unpauseWorker", await gasOf(own.unpauseWorker(workerId))),
    named("addStake", await gasOf(own.addStake(workerId, { value: 1n }))),
    named("unbondStake", await gasOf(own.unbondStake(workerId, 1n))),
  ];
  await mineUpTo(BigInt(await ethers.provider.getBlockNumber()) + 8n);
  rows.push(named("withdrawStake", await gasOf(own.withdrawStake(workerId))));
  rows.push(named("unregisterWorker", await gasOf(own.unregisterWorker(workerId))));
  return rows;
}

async function measureTesters(): Promise<ReportRow[]> {
  const { market, signers, mineUpTo } = await newMarket();
  const { testers, ethers } = market;
  for (const index of [5, 6]) await makeTester(market, pick(signers, index));
  const signer = pick(signers, 1);
  await makeTwin(market, signer);
  const own = testers.connect(signer);
  const named = (name: string, value: number): ReportRow => row(`TesterRegistry.${name}`, value);
  const rows = [
    named("registerTester", await gasOf(own.registerTester(1n, 8n, { value: ETHER }))),
    named("updateTester", await gasOf(own.updateTester(2n, 9n))),
    named("unbondStake", await gasOf(own.unbondStake(1n))),
  ];
  await mineUpTo(BigInt(await ethers.provider.getBlockNumber()) + 8n);
  rows.push(named("withdrawStake", await gasOf(own.withdrawStake())));
  rows.push(named("unregisterTester", await gasOf(own.unregisterTester())));
  return rows;
}

interface Parties {
  readonly market: Market;
  readonly client: Signer;
  readonly workers: readonly Signer[];
  readonly testers: readonly Signer[];
  readonly mineUpTo: (block: bigint) => Promise<void>;
}

interface Life {
  readonly agreement: WorkAgreement;
  readonly testers: readonly Signer[];
  readonly mineUpTo: (block: bigint) => Promise<void>;
  readonly note: (name: string, sent: Sent) => Promise<void>;
}

/** One agreement with 3 workers and 3 testers over 5 epochs: with every tester on its own, and with testers that act together. */
async function measureLife(): Promise<ReportRow[]> {
  const single = await live(playAlone);
  const batched = await live(playTogether);
  const rows = [...single].map(([name, each]) => row(`WorkAgreement.${name} (mean)`, mean(each)));
  const alone = mean(single.get("commit") ?? []) + mean(single.get("reveal") ?? []);
  const opened = await live(playOpened);
  const together = mean(opened.get("commitMany, 3 seats") ?? []) + mean(opened.get("revealMany, 3 seats") ?? []);
  const checks = Number(EPOCHS) * WORKERS;
  const total = [single, batched].map((spent) => sum([...spent.values()].flat()));
  const [one = 0, many = 0] = total;
  return [
    ...rows.filter(({ name }) => !name.includes("buyContract")),
    ...[...opened, ...batched]
      .filter(([name]) => name.includes("commitMany") || name.includes("openEpoch"))
      .map(([name, each]) => row(`WorkAgreement.${name} (mean)`, mean(each))),
    row("WorkAgreement.revealMany, 3 seats (mean)", mean(batched.get("revealMany, 3 seats") ?? [])),
    row("One tester's epoch alone: commit and reveal", alone, TESTER_EPOCH_TARGET),
    row(
      "One tester's epoch batched: a third of commitMany and revealMany",
      Math.round(together / SEATS),
      BATCHED_EPOCH_TARGET,
    ),
    row(`${LIFE}, every tester alone`, one, LIFE_TARGET),
    row(`${LIFE}, testers together`, many, BATCHED_LIFE_TARGET),
    {
      ...row("A checked epoch of one worker, every tester alone", Math.round(one / checks)),
      ratio: ratioToIexec(one / checks),
    },
    {
      ...row("A checked epoch of one worker, testers together", Math.round(many / checks)),
      ratio: ratioToIexec(many / checks),
    },
  ];
}

/** Of one worker's part in iExec's task with three workers. */
function ratioToIexec(gas: number): number {
  return Math.round((gas / (IEXEC_TASK / WORKERS)) * 1_000) / 1_000;
}

async function live(play: (life: Life, epoch: bigint) => Promise<void>): Promise<Map<string, number[]>> {
  const { market, signers, mineUpTo } = await newMarket();
  const client = pick(signers, 1);
  const workers = [2, 3, 4].map((index) => pick(signers, index));
  const testers = [5, 6, 7].map((index) => pick(signers, index));
  await makeTwin(market, client);
  for (const worker of workers) await makeWorker(market, worker);
  for (const tester of testers) await makeTester(market, tester);

  const parties: Parties = { market, client, workers, testers, mineUpTo };
  // The first one also pays for what is written once: the slots of records and credits.
  await liveOnce(parties, play);
  return await liveOnce(parties, play);
}

async function liveOnce(
  { market, client, workers, testers, mineUpTo }: Parties,
  play: (life: Life, epoch: bigint) => Promise<void>,
): Promise<Map<string, number[]>> {
  const { dispatcher } = market;
  const spent = new Map<string, number[]>();
  const note = async (name: string, sent: Sent): Promise<void> => {
    spent.set(name, [...(spent.get(name) ?? []), await gasOf(sent)]);
  };
  const length = EPOCHS * 12n;
  const value = await dispatcher.quote(3n, length);
  const purchase = dispatcher.connect(client).buyContract(3n, length, { value });
  const agreement = await agreementIn(market, purchase);
  if (agreement === undefined) throw new Error("the purchase made no agreement");
  await note("buyContract", purchase);
  await note("bindProgram", agreement.connect(client).bindProgram(id("a smart account")));
  for (let epoch = 0n; epoch < EPOCHS; epoch += 1n) await play({ agreement, testers, mineUpTo, note }, epoch);
  await mineUpTo((await agreement.windowsOf(EPOCHS - 1n)).finalFrom);
  await note("finalize, settles 5 epochs", agreement.finalize());
  for (const worker of workers) await note("withdraw by a worker", agreement.connect(worker).withdraw());
  for (const tester of testers) await note("withdrawFees by a tester", market.testers.connect(tester).withdrawFees());
  return spent;
}

async function playAlone({ agreement, testers, mineUpTo, note }: Life, epoch: bigint): Promise<void> {
  const windows = await agreement.windowsOf(epoch);
  await mineUpTo(windows.commitFrom - 1n);
  for (const [index, tester] of testers.entries()) {
    const commitment = await commitmentBy(agreement, epoch, tester);
    await note(index === 0 ? "commit, opens the epoch" : "commit", agreement.connect(tester).commit(epoch, commitment));
  }
  await mineUpTo(windows.revealFrom - 1n);
  for (const tester of testers) {
    const seat = await seatOf(agreement, epoch, tester);
    await note(
      "reveal",
      agreement.connect(tester).reveal(epoch, { seat, tester: await tester.getAddress(), ...REPORT }),
    );
  }
}

/** As together, but somebody else opens the epoch: what is left is the testers' own. */
async function playOpened(life: Life, epoch: bigint): Promise<void> {
  const { agreement, mineUpTo, note } = life;
  await mineUpTo((await agreement.windowsOf(epoch)).commitFrom - 1n);
  await note("openEpoch, 3 of 3 testers", agreement.openEpoch(epoch));
  await playTogether(life, epoch);
}

async function playTogether({ agreement, testers, mineUpTo, note }: Life, epoch: bigint): Promise<void> {
  const windows = await agreement.windowsOf(epoch);
  await mineUpTo(windows.commitFrom);
  const drawn = await agreement.previewTesters(epoch);
  const accounts = new Map(await Promise.all(testers.map(async (each) => [await each.getAddress(), each] as const)));
  const commits = [];
  for (const [seat, account] of drawn.entries()) {
    const tester = accounts.get(account);
    if (tester === undefined) throw new Error("a stranger was drawn");
    const commitment = await commitmentBy(agreement, epoch, tester);
    commits.push({
      seat,
      tester: account,
      commitment,
      signature: await signCommit(agreement, tester, epoch, commitment),
    });
  }
  const opens = (await agreement.isOpen(epoch)) ? "" : ", opens the epoch";
  await note(`commitMany, 3 seats${opens}`, agreement.commitMany(epoch, commits));
  await mineUpTo(windows.revealFrom - 1n);
  const group = commits.map(({ commitment, tester }) => boundTo(commitment, tester));
  const reports = commits.map(({ seat, tester }) => ({ seat, tester, ...REPORT }));
  await note("revealMany, 3 seats", agreement.revealMany(epoch, group, reports));
}

async function commitmentBy(agreement: WorkAgreement, epoch: bigint, tester: Signer): Promise<string> {
  const { verdicts, evidenceCid, salt } = REPORT;
  return commitmentOf(await agreement.getAddress(), epoch, await tester.getAddress(), verdicts, evidenceCid, salt);
}

async function seatOf(agreement: WorkAgreement, epoch: bigint, tester: Signer): Promise<number> {
  return (await agreement.testersOf(epoch)).indexOf(await tester.getAddress());
}

/** Draws whose mean is measured: what one costs depends on whom it touches, and on whom it touches twice. */
const DRAWS = 24;

/** The gas that a call costs in the mean of many draws; its effects are taken back. */
async function meanGas(networkHelpers: NetworkHelpers, send: () => Sent): Promise<number> {
  const gas: number[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    const before = await networkHelpers.takeSnapshot();
    // A part of the block whose hash is the seed.
    await networkHelpers.setPrevRandao(draw);
    await networkHelpers.mine(1);
    gas.push(await gasOf(send()));
    await before.restore();
  }
  return Math.round(gas.reduce((sum, each) => sum + each, 0) / gas.length);
}

/** A draw among more testers than it looks at for a seat. */
async function measureOpening(): Promise<ReportRow[]> {
  const { market, signers, mineUpTo, networkHelpers } = await newMarket();
  const client = pick(signers, 1);
  await makeTwin(market, client);
  for (const index of [2, 3, 4]) await makeWorker(market, pick(signers, index));
  const testers = signers.slice(5);
  for (const tester of testers) await makeTester(market, tester);
  const value = await market.dispatcher.quote(3n, 60n);
  const agreement = await agreementIn(market, market.dispatcher.connect(client).buyContract(3n, 60n, { value }));
  if (agreement === undefined) throw new Error("the purchase made no agreement");
  const { commitFrom } = await agreement.windowsOf(1n);
  await mineUpTo(commitFrom - 2n);
  const gas = await meanGas(networkHelpers, () => agreement.openEpoch(1n));
  return [row(`WorkAgreement.openEpoch, 3 of ${testers.length} testers`, gas)];
}

/** Purchases in markets of growing size; each size's last purchase is of workers that were bought before. */
async function measurePurchases(sizes: readonly number[]): Promise<ReportRow[]> {
  const { market, signers, networkHelpers } = await newMarket();
  const { dispatcher } = market;
  const client = pick(signers, 1);
  await makeTwin(market, client);
  for (const index of [2, 3, 4, 5, 6]) await makeTester(market, pick(signers, index));
  const own = dispatcher.connect(client);
  const rows: ReportRow[] = [];
  let registered = 0;
  let smallest = 0;
  for (const size of sizes) {
    for (; registered < size; registered += 1) await addWorker(market, registered);
    // The same number of cheapest workers is fresh each time, so that only the size differs.
    const applicationType = TERMS.applicationType;
    const request = { ...REQUEST, applicationType, length: 60n };
    const value = await dispatcher.quoteFor(request);
    const buy = (): Sent => own.buyContract(3n, 60n, { value });
    const gas = await meanGas(networkHelpers, buy);
    await buy();
    smallest = smallest === 0 ? gas : smallest;
    rows.push({
      ...row(purchaseName(size), gas, PURCHASE_TARGET),
      ratio: Math.round((gas / smallest) * 1_000) / 1_000,
    });
  }
  return rows;
}

/** In a market of just three workers, so that no draw decides what is measured. */
async function measureOtherPurchases(): Promise<ReportRow[]> {
  const { market, signers } = await newMarket();
  const client = pick(signers, 1);
  await makeTwin(market, client);
  for (const index of [2, 3, 4]) await makeWorker(market, pick(signers, index));
  for (const index of [5, 6, 7]) await makeTester(market, pick(signers, index));
  const own = market.dispatcher.connect(client);
  const rejected = await gasOf(own.buyContract(3n, 60n, { value: 1n }));
  const chosen = [1n, 2n, 3n];
  const value = await market.dispatcher.quoteWith(chosen, 60n);
  const named = await gasOf(own.buyContractWith(chosen, 60n, { value }));
  return [row("buyContract, value too low", rejected), row("buyContractWith, 3 workers and 3 testers", named)];
}

/** Registers a worker as cheaply as can be: raw transactions of a wallet of its own. Each is cheaper than all before. */
async function addWorker(market: Market, index: number): Promise<void> {
  const { ethers, twins, dispatcher } = market;
  const wallet = new Wallet(id(`worker ${index}`));
  const account = wallet.address;
  await ethers.provider.send("hardhat_setBalance", [account, `0x${(10n * ETHER).toString(16)}`]);
  const ledgerKey = id(`ledger key ${index}`);
  const proof = await proveKey(twins, wallet, { account, ledgerKey, nonce: 0n, chainId: 31_337n });
  const terms = { ...TERMS, pricePerBlock: 100_000n * GWEI - BigInt(index) * GWEI, maxLength: 64n };
  const calls = [
    [
      await twins.getAddress(),
      twins.interface.encodeFunctionData("register", [messageKeyOf(wallet), ledgerKey, proof]),
      0n,
    ],
    [await dispatcher.getAddress(), dispatcher.interface.encodeFunctionData("registerWorker", [terms]), ETHER],
  ] as const;
  for (const [nonce, [to, data, value]] of calls.entries()) {
    const raw = await wallet.signTransaction({
      to,
      data,
      value,
      nonce,
      chainId: 31_337n,
      type: 2,
      gasLimit: 1_000_000n,
      maxFeePerGas: 10n * GWEI,
      maxPriorityFeePerGas: 0n,
    });
    await ethers.provider.send("eth_sendRawTransaction", [raw]);
  }
}

function mean(values: readonly number[]): number {
  return Math.round(sum(values) / values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
