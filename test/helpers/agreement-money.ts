import { JsonRpcProvider, type Log } from "ethers";

import type { MarketContracts } from "../../src/adapters/chain/ethers.ts";
import {
  IDisputes__factory,
  ITesterRegistry__factory,
  IWorkAgreement__factory,
  IWorkerDispatcher__factory,
} from "../../src/adapters/chain/factories.ts";
import type { Agreement, Outcome } from "../../src/ports/chain.ts";

/** Members of the contracts' `Outcome`, in their order. */
const OUTCOMES: readonly Outcome[] = ["pending", "ok", "unreachable", "wrong", "no-quorum", "resigned"];
/** Outcomes for which a worker is paid. */
const PAID: readonly Outcome[] = ["ok", "no-quorum"];

/** What went into one agreement and out of it, as its events say. */
export interface AgreementMoney {
  readonly paidInWei: bigint;
  /** What slashing gave the client. */
  readonly compensationWei: bigint;
  readonly withdrawnWei: ReadonlyMap<string, bigint>;
  readonly testerFeesWei: bigint;
  /** By epoch, in the order of the agreement's workers. */
  readonly outcomes: readonly (readonly Outcome[])[];
}

/** The money of a whole market. */
export interface MarketMoney {
  readonly agreements: ReadonlyMap<string, AgreementMoney>;
  /** What slashes, missed duties and reports that nobody could prove have burnt. */
  readonly burntWei: bigint;
}

/** Reads the money of all agreements from the chain's events. */
export async function readAgreementMoney(
  rpcUrl: string,
  contracts: MarketContracts,
  agreements: readonly Agreement[],
): Promise<MarketMoney> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  try {
    const logs = await provider.getLogs({ fromBlock: 0, toBlock: "latest" });
    return {
      agreements: new Map(agreements.map((agreement) => [agreement.address, moneyOf(agreement, contracts, logs)])),
      burntWei: burntOf(contracts, logs),
    };
  } finally {
    provider.destroy();
  }
}

/** What a worker has earned by these outcomes: its price for each block of a paid epoch. */
export function earnedWei(agreement: Agreement, { outcomes }: AgreementMoney, index: number): bigint {
  const { startBlock, endBlock, epochLengthBlocks } = agreement;
  return outcomes.reduce((sum, epoch, n) => {
    if (!PAID.includes(epoch[index]!)) return sum;
    const from = startBlock + n * epochLengthBlocks;
    return sum + BigInt(Math.min(from + epochLengthBlocks, endBlock) - from) * agreement.pricesPerBlockWei[index]!;
  }, 0n);
}

function moneyOf(agreement: Agreement, contracts: MarketContracts, logs: readonly Log[]): AgreementMoney {
  const own = IWorkAgreement__factory.createInterface();
  const market = IWorkerDispatcher__factory.createInterface();
  const withdrawnWei = new Map<string, bigint>();
  const outcomes: Outcome[][] = [];
  let paidInWei = 0n;
  let compensationWei = 0n;
  let testerFeesWei = 0n;
  for (const log of logs) {
    if (same(log.address, contracts.dispatcher)) {
      const event = market.parseLog(log);
      if (event === null || !same(String(event.args["agreement"]), agreement.address)) continue;
      if (event.name === "AgreementCreated") paidInWei += event.args["paid"] as bigint;
      if (event.name === "WorkerSlashed") compensationWei += event.args["toClient"] as bigint;
    }
    if (!same(log.address, agreement.address)) continue;
    const event = own.parseLog(log);
    if (event === null) continue;
    if (event.name === "Extended") {
      paidInWei += (event.args["paid"] as bigint) + (event.args["surplus"] as bigint);
    }
    if (event.name === "Withdrawn") {
      const account = String(event.args["account"]);
      withdrawnWei.set(account, (withdrawnWei.get(account) ?? 0n) + (event.args["amount"] as bigint));
    }
    if (event.name === "EpochSettled") {
      testerFeesWei += BigInt(bitsOf(event.args["reported"] as bigint)) * agreement.testerFeePerEpochWei;
      outcomes[Number(event.args["epoch"])] = [...(event.args["outcomes"] as bigint[])].map(
        (n) => OUTCOMES[Number(n)]!,
      );
    }
  }
  return { paidInWei, compensationWei, withdrawnWei, testerFeesWei, outcomes };
}

function burntOf(contracts: MarketContracts, logs: readonly Log[]): bigint {
  const market = IWorkerDispatcher__factory.createInterface();
  const testers = ITesterRegistry__factory.createInterface();
  const disputes = IDisputes__factory.createInterface();
  let burntWei = 0n;
  for (const log of logs) {
    const wei = (name: string): bigint => event?.args[name] as bigint;
    const by = [market, testers, disputes].find((_, n) =>
      same(log.address, [contracts.dispatcher, contracts.testers, contracts.disputes][n]!),
    );
    const event = by?.parseLog(log) ?? null;
    if (event?.name === "WorkerSlashed") burntWei += wei("amount") - wei("toClient");
    if (event?.name === "DutyMissed") burntWei += wei("penalty");
    // What a struck report costs its tester goes to the challenger in part; what an overturned verdict costs, to the panel.
    if (event?.name === "TesterCharged" && event.args["overturned"] === false) burntWei += wei("amount");
    if (event?.name === "ReportStruck") burntWei -= wei("reward");
  }
  return burntWei;
}

function bitsOf(word: bigint): number {
  return word.toString(2).replaceAll("0", "").length;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
