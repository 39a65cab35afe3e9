import { expect } from "chai";
import type { Signer } from "ethers";
import type { network } from "hardhat";

import type { WorkAgreement } from "../../../typechain-types/index.ts";
import { agreementIn, commitmentOf, type Market, packVerdicts, SALT } from "./market.ts";

/** What a test file has of its network. */
export type Chain = Pick<Awaited<ReturnType<typeof network.create>>, "ethers" | "networkHelpers">;

/** Evidence that every report of the tests names. */
export const CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

/** Nobody has its key; the contracts burn what they take by sending it there. */
export const BURN_ADDRESS = "0x000000000000000000000000000000000000dEaD";

/** A tester and its verdicts by worker. */
export type Report = readonly [Signer, readonly bigint[]];

/** What the tests read of an agreement's terms. */
export interface TermsRead {
  readonly client: string;
  readonly testerCount: bigint;
  readonly testerFeePerEpoch: bigint;
  readonly workers: ReadonlyArray<{
    readonly workerId: bigint;
    readonly twinId: bigint;
    readonly previous: bigint;
    readonly operator: string;
    readonly pricePerBlock: bigint;
  }>;
}

/** The agreement's terms. Their field `length` makes the generated type one that nothing has. */
export async function termsOf(agreement: WorkAgreement): Promise<TermsRead> {
  const terms: TermsRead = await agreement.terms();
  return terms;
}

/** Mines until the newest block is this one; a transaction then lands in the next. */
export async function mineTo(chain: Chain, block: bigint): Promise<void> {
  if (BigInt(await chain.ethers.provider.getBlockNumber()) < block) await chain.networkHelpers.mineUpTo(block);
}

export async function commitAs(
  agreement: WorkAgreement,
  epoch: bigint,
  tester: Signer,
  verdicts: readonly bigint[],
): Promise<void> {
  const commitment = await commitmentFor(agreement, epoch, tester, verdicts);
  await agreement.connect(tester).commit(epoch, commitment);
}

export async function commitmentFor(
  agreement: WorkAgreement,
  epoch: bigint,
  tester: Signer,
  verdicts: readonly bigint[],
): Promise<string> {
  return commitmentOf(
    await agreement.getAddress(),
    epoch,
    await tester.getAddress(),
    packVerdicts(verdicts),
    CID,
    SALT,
  );
}

/** The place of an account among an epoch's testers. */
export async function seatOf(agreement: WorkAgreement, epoch: bigint, tester: Signer): Promise<bigint> {
  const seat = [...(await agreement.testersOf(epoch))].indexOf(await tester.getAddress());
  if (seat < 0) throw new Error(`not a tester of epoch ${epoch}`);
  return BigInt(seat);
}

/** What `reveal` and `revealMany` want of a tester. */
export async function seatReveal(agreement: WorkAgreement, epoch: bigint, tester: Signer, verdicts: readonly bigint[]) {
  const seat = await seatOf(agreement, epoch, tester);
  return { seat, tester: await tester.getAddress(), verdicts: packVerdicts(verdicts), evidenceCid: CID, salt: SALT };
}

export async function revealAs(
  agreement: WorkAgreement,
  epoch: bigint,
  tester: Signer,
  verdicts: readonly bigint[],
): Promise<void> {
  await agreement.connect(tester).reveal(epoch, await seatReveal(agreement, epoch, tester, verdicts));
}

/** Has the testers commit and reveal what is given; the others stay silent. Ends in the reveal window. */
export async function runEpoch(
  chain: Chain,
  agreement: WorkAgreement,
  epoch: bigint,
  reports: readonly Report[],
): Promise<void> {
  const windows = await agreement.windowsOf(epoch);
  await mineTo(chain, windows.commitFrom - 1n);
  if (!(await agreement.isOpen(epoch))) await agreement.openEpoch(epoch);
  for (const [tester, verdicts] of reports) await commitAs(agreement, epoch, tester, verdicts);
  await mineTo(chain, windows.revealFrom - 1n);
  for (const [tester, verdicts] of reports) await revealAs(agreement, epoch, tester, verdicts);
}

/** As `runEpoch`, for the testers that were drawn: `verdictsOf` says what each one reports, undefined for silence. */
export async function runDrawn(
  chain: Chain,
  agreement: WorkAgreement,
  epoch: bigint,
  people: readonly Signer[],
  verdictsOf: (seat: number, tester: Signer) => readonly bigint[] | undefined,
): Promise<Signer[]> {
  const windows = await agreement.windowsOf(epoch);
  await mineTo(chain, windows.commitFrom - 1n);
  if (!(await agreement.isOpen(epoch))) await agreement.openEpoch(epoch);
  const drawn = await signersOf([...(await agreement.testersOf(epoch))], people);
  const reports = drawn.flatMap((tester, seat) => {
    const verdicts = verdictsOf(seat, tester);
    return verdicts === undefined ? [] : [[tester, verdicts] as const];
  });
  await runEpoch(chain, agreement, epoch, reports);
  return drawn;
}

/** The signers behind addresses, in the same order. */
export async function signersOf(addresses: readonly string[], people: readonly Signer[]): Promise<Signer[]> {
  const known = new Map<string, Signer>();
  for (const person of people) known.set(await person.getAddress(), person);
  return addresses.map((address) => {
    const signer = known.get(address);
    if (signer === undefined) throw new Error(`nobody has the account ${address}`);
    return signer;
  });
}

/** Opens the panel of an appealed epoch and has it commit and reveal; `verdictsOf` as for `runDrawn`. */
export async function runPanel(
  chain: Chain,
  market: Market,
  agreement: WorkAgreement,
  epoch: bigint,
  people: readonly Signer[],
  verdictsOf: (seat: number, tester: Signer) => readonly bigint[] | undefined,
): Promise<Signer[]> {
  const { disputes } = market;
  const windows = await disputes.panelWindowsOf(agreement, epoch);
  await mineTo(chain, windows.commitFrom - 1n);
  await disputes.openPanel(agreement, epoch);
  const drawn = await signersOf(
    (await disputes.panelOf(agreement, epoch)).map((seat) => seat.tester),
    people,
  );
  for (const [seat, tester] of drawn.entries()) {
    const verdicts = verdictsOf(seat, tester);
    if (verdicts === undefined) continue;
    const commitment = await commitmentFor(agreement, epoch, tester, verdicts);
    await disputes.connect(tester).commit(agreement, epoch, commitment);
  }
  await mineTo(chain, windows.revealFrom - 1n);
  for (const [seat, tester] of drawn.entries()) {
    const verdicts = verdictsOf(seat, tester);
    if (verdicts !== undefined) await disputes.reveal(agreement, epoch, tester, packVerdicts(verdicts), CID, SALT);
  }
  return drawn;
}

/** Settles what is final and finalizes. The last epoch is made final first. */
export async function finish(chain: Chain, agreement: WorkAgreement): Promise<void> {
  const count = await agreement.epochCount();
  let last = 0n;
  for (let epoch = 0n; epoch < count; epoch++) {
    const { finalFrom } = await agreement.windowsOf(epoch);
    if (finalFrom > last) last = finalFrom;
  }
  await mineTo(chain, last - 1n);
  while ((await agreement.settledEpochs()) < count) await agreement.settle(64n);
  await agreement.finalize();
}

/** Wei in all contracts of a market, and burnt: what settling moves about, but never makes or loses. */
export async function worth(market: Market, agreements: readonly WorkAgreement[]): Promise<bigint> {
  const { provider } = market.ethers;
  const places = [market.dispatcher, market.testers, market.disputes, market.records, market.twins, ...agreements];
  let total = await provider.getBalance(BURN_ADDRESS);
  for (const place of places) total += await provider.getBalance(place);
  return total;
}

/**
 * Every contract holds to the wei what it owes: the dispatcher the workers' stakes, the registry the testers' stakes and
 * fees, an agreement what is unsettled and its credits, the disputes contract `bonds` and its credits.
 */
export async function expectSolvent(
  market: Market,
  agreements: readonly WorkAgreement[],
  people: readonly Signer[],
  bonds = 0n,
): Promise<void> {
  const { provider } = market.ethers;
  let stakes = 0n;
  for (let id = 1n; id <= (await market.dispatcher.workerCount()); id++) {
    const worker = await market.dispatcher.worker(id);
    stakes += worker.stake + worker.unbonding;
    expect(worker.locked <= worker.stake, `worker ${id}: locks within stake`).to.equal(true);
  }
  expect(await provider.getBalance(market.dispatcher), "dispatcher").to.equal(stakes);

  let owed = 0n;
  for (let id = 1n; id <= (await market.testers.testerCount()); id++) {
    const tester = await market.testers.tester(id);
    owed += tester.stake + tester.credit;
    expect(tester.setAside <= tester.stake, `tester ${id}: duties within stake`).to.equal(true);
  }
  expect(await provider.getBalance(market.testers), "registry").to.equal(owed);

  for (const agreement of agreements) {
    const { client, workers } = await termsOf(agreement);
    let due = await agreement.unsettled();
    for (const account of new Set([client, ...workers.map((seat) => seat.operator)])) {
      due += await agreement.creditOf(account);
    }
    expect(await provider.getBalance(agreement), "agreement").to.equal(due);
  }

  let credits = bonds;
  for (const person of people) credits += await market.disputes.creditOf(await person.getAddress());
  expect(await provider.getBalance(market.disputes), "disputes").to.equal(credits);
}

/** Everybody takes what is theirs, exactly; then the agreement and the disputes contract are empty. */
export async function drain(
  chain: Chain,
  market: Market,
  agreement: WorkAgreement,
  people: readonly Signer[],
): Promise<void> {
  const { ethers } = chain;
  for (const person of people) {
    const account = await person.getAddress();
    const fromAgreement = await agreement.creditOf(account);
    if (fromAgreement !== 0n) {
      await expect(agreement.connect(person).withdraw()).to.changeEtherBalances(
        ethers,
        [person, agreement],
        [fromAgreement, -fromAgreement],
      );
    }
    const fromDisputes = await market.disputes.creditOf(account);
    if (fromDisputes !== 0n) {
      await expect(market.disputes.connect(person).withdraw()).to.changeEtherBalances(
        ethers,
        [person, market.disputes],
        [fromDisputes, -fromDisputes],
      );
    }
    const testerId = await market.testers.testerOf(account);
    const fees = testerId === 0n ? 0n : (await market.testers.tester(testerId)).credit;
    if (fees !== 0n) {
      await expect(market.testers.connect(person).withdrawFees()).to.changeEtherBalances(
        ethers,
        [person, market.testers],
        [fees, -fees],
      );
    }
  }
  expect(await ethers.provider.getBalance(agreement), "agreement").to.equal(0n);
  expect(await ethers.provider.getBalance(market.disputes), "disputes").to.equal(0n);
}

/** Buys with these workers in this order, at exactly their price. */
export async function buyWith(
  market: Market,
  client: Signer,
  workerIds: readonly bigint[],
  length: bigint,
): Promise<WorkAgreement> {
  const ids = [...workerIds];
  const value = await market.dispatcher.quoteWith(ids, length);
  const agreement = await agreementIn(
    market,
    market.dispatcher.connect(client).buyContractWith(ids, length, { value }),
  );
  if (agreement === undefined) throw new Error("the purchase made no agreement");
  return agreement;
}

/** Wei of stake and of fees of each of these testers. */
export async function purses(market: Market, testers: readonly Signer[]): Promise<{ stake: bigint; credit: bigint }[]> {
  const list: { stake: bigint; credit: bigint }[] = [];
  for (const tester of testers) {
    const { stake, credit } = await market.testers.tester(await market.testers.testerOf(tester));
    list.push({ stake, credit });
  }
  return list;
}
