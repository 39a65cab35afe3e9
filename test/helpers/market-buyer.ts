import { Keypair } from "@stellar/stellar-sdk";

import type { FoundWorker } from "../../src/client/find-workers.ts";
import { walletOf, type Wallet } from "../../src/client/wallet.ts";
import type { SprfClient } from "../../src/create-client.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import { isSprfError } from "../../src/errors.ts";
import type { Chain } from "../../src/ports/chain.ts";
import { MARKET_SETTINGS, HONEST_PRICE_WEI } from "./market-fleet.ts";
import type { AgreementPlan } from "./market-plan.ts";
import { MARKET_PROGRAMS } from "./market-programs.ts";
import { DEATHS, nextBlock, runPatiently, type UserExecution } from "./market-user.ts";

const BASE_FEE_STROOPS = 1_000n;
const GAS_PRICE_STROOPS = 1_000n;
/** Blocks before its end in which an agreement's last inputs are still worth a try. */
const LAST_TRY_BLOCKS = 2;
const EPOCH_BLOCKS = Number(MARKET_SETTINGS.epochLength);
/** One of so many users dies on the way and resumes. */
const DIES_EVERY = 4;
/** Not a whole epoch, so that refunds and pay have odd blocks in them. */
const EXTENSION_BLOCKS = 13;

export interface MarketBuyerInit {
  readonly client: SprfClient;
  /** The client's account on the chain. */
  readonly chain: Chain;
  /** The account of a worker's operator. */
  readonly operatorOf: (workerId: number) => Chain;
  readonly friendbotUrl: string;
  readonly honestWorkers: readonly number[];
  readonly liar: number;
}

/** What came of one plan. */
export interface BoughtAgreement {
  readonly plan: AgreementPlan;
  readonly agreement: string;
  readonly program: string;
  readonly workers: readonly number[];
  readonly executions: readonly UserExecution[];
}

/** Carries a plan out: buys, finds the workers, makes the program, has users run it, and what else the plan says. */
export async function carryOut(init: MarketBuyerInit, plan: AgreementPlan): Promise<BoughtAgreement> {
  const { client, chain, friendbotUrl } = init;
  const [agreement, owner] = await Promise.all([buy(init, plan), newWallet(friendbotUrl)]);
  const { workerIds } = await client.agreement(agreement);
  const workers = await findPatiently(client, chain, agreement);
  const program = MARKET_PROGRAMS[plan.program];
  const created = await client.createProgram({
    agreement,
    wallet: owner,
    terms: {
      program: await program.reference(client),
      baseFeeStroops: BASE_FEE_STROOPS,
      gasPriceStroops: GAS_PRICE_STROOPS,
      owner: owner.account,
      workers: workers.map(({ apiUrl, ledgerKey }) => ({ address: apiUrl, ledgerKey })),
    },
  });
  if (plan.turn === "extended") await extend(chain, agreement);
  if (plan.turn === "terminated") await terminate(chain, agreement);
  const { endBlock } = await client.agreement(agreement);
  const users = await Promise.all(
    Array.from({ length: plan.users }, async (_, n) => ({
      name: `${plan.index}.${n}`,
      wallet: await newWallet(friendbotUrl),
    })),
  );
  const untilBlock = endBlock - LAST_TRY_BLOCKS;
  const runs = users.map(async ({ name, wallet }) => {
    const done: UserExecution[] = [];
    for (let n = 0; n < plan.inputsEach; n++) {
      const input = program.input(name, n);
      const diesAfter = (plan.index + n) % DIES_EVERY === 0 ? DEATHS[n % DEATHS.length] : undefined;
      done.push(await runPatiently({ client, wallet, program: created.program, chain, untilBlock, diesAfter }, input));
      // In the midst of its work.
      if (plan.turn === "resigned" && n === 1) await resign(init, agreement, workerIds);
    }
    return done;
  });
  const executions = (await Promise.all(runs)).flat();
  return { plan, agreement, program: created.program, workers: workerIds, executions };
}

async function buy({ client, honestWorkers, liar }: MarketBuyerInit, plan: AgreementPlan): Promise<string> {
  const { redundancy, testerCount } = plan;
  const lengthBlocks = plan.epochs * EPOCH_BLOCKS;
  switch (plan.way) {
    case "drawn": {
      const ceiling = { maxPricePerBlockWei: HONEST_PRICE_WEI };
      return (await client.buy({ redundancy, lengthBlocks, testerCount, ...ceiling })).agreement;
    }
    case "policy": {
      const policy = { redundancy, lengthBlocks, prefer: "price", excludeWorkers: [liar] } as const;
      return (await client.buyBest(policy)).agreement;
    }
    case "named":
    case "liar": {
      const count = plan.way === "liar" ? redundancy - 1 : redundancy;
      const turned = honestWorkers.map((_, n) => honestWorkers[(plan.index + n) % honestWorkers.length]!);
      const chosen = [...(plan.way === "liar" ? [liar] : []), ...turned.slice(0, count)];
      return (await client.buyWith(chosen, lengthBlocks)).agreement;
    }
  }
}

/** A worker that was killed is found once it is up again. */
async function findPatiently(client: SprfClient, chain: Chain, agreement: string): Promise<readonly FoundWorker[]> {
  for (;;) {
    try {
      return await client.findWorkers(agreement);
    } catch (error) {
      if (!isSprfError(error) || error.fault !== "network") throw error;
      const { endBlock } = await client.agreement(agreement);
      if ((await nextBlock(chain)) >= endBlock) throw error;
    }
  }
}

async function extend(chain: Chain, address: string): Promise<void> {
  const terms = await chain.agreement(address);
  if (terms === undefined) throw new Error(`${address} is gone`);
  const { pricesPerBlockWei, testerFeePerEpochWei, testerCount } = terms;
  const price = pricesPerBlockWei.reduce((sum, each) => sum + each, 0n) * BigInt(EXTENSION_BLOCKS);
  // An odd wei more, which is to be credited.
  await chain.extend(address, EXTENSION_BLOCKS, price + testerFeePerEpochWei * BigInt(testerCount) + 1n);
}

/** Unless it took until the last epoch but one to get here. */
async function terminate(chain: Chain, agreement: string): Promise<void> {
  try {
    await chain.terminate(agreement);
  } catch (error) {
    if (!isSprfError(error) || error.context["error"] !== "WorkAgreement_TooLateToTerminate") throw error;
  }
}

async function resign(init: MarketBuyerInit, agreement: string, workers: readonly number[]): Promise<void> {
  const last = workers.length - 1;
  await init.operatorOf(workers[last]!).resign(agreement, last);
}

async function newWallet(friendbotUrl: string): Promise<Wallet> {
  const wallet = walletOf(Keypair.random());
  await fundAccount(friendbotUrl, wallet.account);
  return wallet;
}
