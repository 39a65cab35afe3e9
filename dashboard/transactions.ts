import { BrowserProvider, isCallException, type ContractTransactionResponse, type JsonRpcSigner } from "ethers";

import type { ClaimView, ContractsView } from "../src/dashboard/views.ts";
import { IDisputes__factory } from "../typechain-types/factories/interfaces/IDisputes__factory.ts";
import { ITesterRegistry__factory } from "../typechain-types/factories/interfaces/ITesterRegistry__factory.ts";
import { IWorkAgreement__factory } from "../typechain-types/factories/interfaces/IWorkAgreement__factory.ts";
import { IWorkerDispatcher__factory } from "../typechain-types/factories/interfaces/IWorkerDispatcher__factory.ts";
import { ethereum, wordsOf } from "./wallet.ts";

/** Who may refuse. */
const CONTRACTS = [
  IWorkerDispatcher__factory,
  IWorkAgreement__factory,
  ITesterRegistry__factory,
  IDisputes__factory,
] as const;

/** Refusals of the contracts that have a next step, in words; others are shown by name. */
const REFUSALS: Readonly<Record<string, string>> = {
  WorkerDispatcher_NotATwin: "This account is no twin yet. `npx sprf market buy` makes it one with the first purchase.",
  WorkerDispatcher_WorkerNotAvailable: "The worker takes no new agreements now, or has no free slot.",
  WorkerDispatcher_WorkerNotWilling: "The worker does not serve that many blocks.",
  WorkerDispatcher_BadLength: "The market does not sell that many blocks.",
  WorkerDispatcher_NotEnoughTesters: "There are too few testers for this agreement now.",
};

/** What an agreement with one worker costs now, tester fees included. @throws Error in words for the reader */
export async function quote(contracts: ContractsView, workerId: number, blocks: number): Promise<bigint> {
  return await inWords(async () => {
    const dispatcher = IWorkerDispatcher__factory.connect(contracts.dispatcher, await signerOn(contracts.chainId));
    return await dispatcher.quoteWith([workerId], blocks);
  });
}

/** Buys an agreement with one worker; resolves with its address once it is in a block. @throws Error in words for the reader */
export async function buy(
  contracts: ContractsView,
  workerId: number,
  blocks: number,
  priceWei: bigint,
): Promise<string> {
  return await inWords(async () => {
    const dispatcher = IWorkerDispatcher__factory.connect(contracts.dispatcher, await signerOn(contracts.chainId));
    const receipt = await (await dispatcher.buyContractWith([workerId], blocks, { value: priceWei })).wait();
    for (const log of receipt?.logs ?? []) {
      const event = dispatcher.interface.parseLog(log);
      if (event?.name === "AgreementCreated") return String(event.args.getValue("agreement"));
    }
    throw new Error("The price has risen meanwhile; nothing was bought.");
  });
}

/** Takes out what an account is owed; resolves once it is in a block. @throws Error in words for the reader */
export async function claim(chainId: number, due: ClaimView): Promise<void> {
  await inWords(async () => await (await send(await signerOn(chainId), due)).wait());
}

async function send(
  signer: JsonRpcSigner,
  { from, contract, number }: ClaimView,
): Promise<ContractTransactionResponse> {
  switch (from) {
    case "agreement":
      return await IWorkAgreement__factory.connect(contract, signer).withdraw();
    case "tester-fees":
      return await ITesterRegistry__factory.connect(contract, signer).withdrawFees();
    case "tester-stake":
      return await ITesterRegistry__factory.connect(contract, signer).withdrawStake();
    case "worker-stake":
      return await IWorkerDispatcher__factory.connect(contract, signer).withdrawStake(number ?? 0);
    case "bonds":
      return await IDisputes__factory.connect(contract, signer).withdraw();
  }
}

async function signerOn(chainId: number): Promise<JsonRpcSigner> {
  const wallet = ethereum();
  if (wallet === undefined) throw new Error("This browser has no wallet.");
  const provider = new BrowserProvider({
    request: async ({ method, params }) =>
      await wallet.request({ method, params: Array.isArray(params) ? params : [] }),
  });
  const { chainId: current } = await provider.getNetwork();
  if (Number(current) !== chainId) {
    throw new Error(`The wallet is on chain ${current}; switch it to chain ${chainId} and try again.`);
  }
  return await provider.getSigner();
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const name = refusalIn(error);
    const words = name === undefined ? wordsOf(error) : (REFUSALS[name] ?? `Refused: ${name}`);
    throw new Error(words, { cause: error });
  }
}

/** The name of the contract's own error in a failed call. */
function refusalIn(error: unknown): string | undefined {
  if (!isCallException(error) || error.data === null) return undefined;
  const { data } = error;
  return CONTRACTS.map((contract) => contract.createInterface().parseError(data)).find((found) => found !== null)?.name;
}
