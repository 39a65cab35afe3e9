import { ContractFactory, JsonRpcProvider, Network, Wallet, type Contract, type JsonRpcSigner } from "ethers";
import { artifacts, network } from "hardhat";

import { createEthersChain, type EthersChain, type MarketContracts } from "../../src/adapters/chain/ethers.ts";
import { deriveTwinKeys, type TwinKeys } from "../../src/domain/identity/keys.ts";
import type { WorkerTerms } from "../../src/ports/chain.ts";
import { WorkAgreement__factory } from "../../typechain-types/factories/market/WorkAgreement__factory.ts";

export const MNEMONIC = "test test test test test test test test test test test junk";
const HUNDRED_ETHER = "0x56bc75e2d63100000";
const GWEI = 10n ** 9n;
const POLLING_MS = 20;

/** Numbers of the market under test; blocks are cheap here, so epochs are as short as the contracts allow for. */
export interface MarketNumbers {
  readonly epochLength?: number;
  readonly revealLength?: number;
  readonly appealLength?: number;
}

/** A Hardhat node of its own over HTTP with the real contracts on it. */
export interface MarketChain {
  readonly rpcUrl: string;
  readonly contracts: MarketContracts;
  /** A block for each transaction, unless switched off. */
  rpc(method: string, ...params: readonly unknown[]): Promise<unknown>;
  mine(blocks: number): Promise<void>;
  /** Mines until the latest block is `block`. */
  mineTo(block: number): Promise<void>;
  /** Keys and chain of the n-th funded identity. */
  identity(index: number): Promise<{ readonly keys: TwinKeys; readonly chain: EthersChain }>;
  /** A further connection of the same identity. */
  connect(keys: TwinKeys): Promise<EthersChain>;
  snapshot(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export async function startMarketChain(numbers: MarketNumbers = {}): Promise<MarketChain> {
  const server = await network.createServer({ network: "default" }, "127.0.0.1", 0);
  const { port } = await server.listen();
  const rpcUrl = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(rpcUrl, Network.from(31337), {
    staticNetwork: Network.from(31337),
    batchMaxCount: 1,
    cacheTimeout: -1,
    pollingInterval: POLLING_MS,
  });
  const contracts = await deployMarket(await provider.getSigner(0), numbers);
  const open: EthersChain[] = [];
  const rpc = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    (await provider.send(method, [...params])) as unknown;

  const connect = async (keys: TwinKeys): Promise<EthersChain> => {
    const chain = await createEthersChain({
      rpcUrl,
      privateKey: keys.accountPrivateKey,
      contracts,
      pollingIntervalMs: POLLING_MS,
    });
    open.push(chain);
    return chain;
  };
  const mine = async (blocks: number): Promise<void> => {
    if (blocks > 0) await rpc("hardhat_mine", `0x${blocks.toString(16)}`);
  };

  return {
    rpcUrl,
    contracts,
    rpc,
    mine,
    async mineTo(block) {
      await mine(block - (await provider.getBlockNumber()));
    },
    async identity(index) {
      const keys = deriveTwinKeys(MNEMONIC, { accountIndex: index });
      await rpc("hardhat_setBalance", keys.account, HUNDRED_ETHER);
      return { keys, chain: await connect(keys) };
    },
    connect,
    async snapshot() {
      const id = await rpc("evm_snapshot");
      return async () => {
        await rpc("evm_revert", id);
      };
    },
    async close() {
      for (const chain of open) chain.close();
      provider.destroy();
      await server.close();
    },
  };
}

/** A signer that deploys nothing but the market, so that tests choose its numbers. */
async function deployMarket(signer: JsonRpcSigner, numbers: MarketNumbers): Promise<MarketContracts> {
  const send = async (factory: ContractFactory, parameters: readonly unknown[]): Promise<string> => {
    const contract = (await factory.deploy(...parameters)) as Contract;
    await contract.waitForDeployment();
    return await contract.getAddress();
  };
  const deploy = async (name: string, ...parameters: readonly unknown[]): Promise<string> => {
    const { abi, bytecode } = await artifacts.readArtifact(name);
    return await send(new ContractFactory(abi, bytecode, signer), parameters);
  };
  const unbondingLength = 8;
  const twins = await deploy("Twins");
  const testers = await deploy("TesterRegistry", twins, { dutyStake: 1_000_000_000n * GWEI, unbondingLength });
  const disputes = await deploy("Disputes", twins, testers);
  const records = await deploy("WorkerRecords", {
    clientWeightCap: 30_000_000n * GWEI,
    priorWeight: 1_000_000n * GWEI,
  });
  const libraries = { "project/contracts/libraries/Settlement.sol:Settlement": await deploy("Settlement") };
  const implementation = await send(new WorkAgreement__factory(libraries, signer), [testers, disputes]);
  const dispatcher = await deploy("WorkerDispatcher", twins, testers, records, implementation, {
    epochLength: numbers.epochLength ?? 20,
    revealLength: numbers.revealLength ?? 8,
    appealLength: numbers.appealLength ?? 4,
    unbondingLength,
    maxLength: 2_000,
    stakeFactor: 2,
    minSlotStake: 10_000_000n * GWEI,
    slashShare: 5_000,
    testerFeePerEpoch: 100_000n * GWEI,
  });
  return { twins, testers, dispatcher, disputes, records };
}

/** Terms of a worker in tests: 1 gwei a block, any length. */
export const TERMS = {
  pricePerBlockWei: GWEI,
  maxLengthBlocks: 2_000,
  slots: 4,
  applicationType: `0x${"00".repeat(32)}`,
  vettedDigests: [],
} as const;

/** A key that signs nothing in these tests. */
export function randomAddress(): string {
  return Wallet.createRandom().address;
}

/** Registers the identity's twin and, as a worker, its terms; resolves with the worker's id. */
export async function registerWorker(
  { keys, chain }: { readonly keys: TwinKeys; readonly chain: EthersChain },
  terms: Partial<WorkerTerms> = {},
): Promise<number> {
  const all = { ...TERMS, ...terms };
  await registerTwin({ keys, chain });
  return await chain.registerWorker(all, await chain.requiredStakeWei(all));
}

export async function registerTester({ keys, chain }: { keys: TwinKeys; chain: EthersChain }): Promise<number> {
  await registerTwin({ keys, chain });
  const capacity = 16;
  return await chain.registerTester({ feePerEpochWei: 1n, capacity }, await chain.requiredTesterStakeWei(capacity));
}

export async function registerTwin({ keys, chain }: { keys: TwinKeys; chain: EthersChain }): Promise<void> {
  await chain.ensureTwin({
    messagePrivateKey: keys.messagePrivateKey,
    ledgerKey: new Uint8Array(keys.ledgerKeypair.rawPublicKey()),
  });
}
