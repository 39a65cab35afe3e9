import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import {
  AbiCoder,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  id,
  keccak256,
  Result,
  type Signer,
  Wallet,
  ZeroHash,
} from "ethers";

import type {
  Disputes,
  TesterRegistry,
  Twins,
  WorkAgreement,
  WorkerDispatcher,
  WorkerRecords,
} from "../../../typechain-types/index.ts";

export const GWEI = 10n ** 9n;
export const ETHER = 10n ** 18n;

/** Verdicts as the contracts number them. */
export const Verdict = { Ok: 0n, Unreachable: 1n, Wrong: 2n } as const;
/** Outcomes as the contracts number them. */
export const Outcome = { Pending: 0n, Ok: 1n, Unreachable: 2n, Wrong: 3n, NoQuorum: 4n, Resigned: 5n } as const;
/** Agreement states as the contracts number them. */
export const Status = { Scheduled: 0n, Running: 1n, Reporting: 2n, Due: 3n, Finalized: 4n } as const;

export const SETTINGS = {
  epochLength: 12n,
  revealLength: 8n,
  appealLength: 8n,
  unbondingLength: 8n,
  maxLength: 6_144n,
  stakeFactor: 2n,
  minSlotStake: ETHER / 100n,
  slashShare: 5_000n,
  testerFeePerEpoch: 1_000n * GWEI,
};
export const REPUTATION_SETTINGS = { clientWeightCap: 100_000n * GWEI, priorWeight: 10_000n * GWEI };
export const TESTER_SETTINGS = { dutyStake: ETHER / 100n, unbondingLength: 8n };

export interface Market {
  ethers: HardhatEthers;
  twins: Twins;
  testers: TesterRegistry;
  disputes: Disputes;
  records: WorkerRecords;
  dispatcher: WorkerDispatcher;
}

export async function deployMarket(
  ethers: HardhatEthers,
  settings: Partial<typeof SETTINGS> = {},
  testerSettings: Partial<typeof TESTER_SETTINGS> = {},
  reputationSettings: Partial<typeof REPUTATION_SETTINGS> = {},
): Promise<Market> {
  const twins = await ethers.deployContract("Twins");
  const testers = await ethers.deployContract("TesterRegistry", [twins, { ...TESTER_SETTINGS, ...testerSettings }]);
  const disputes = await ethers.deployContract("Disputes", [twins, testers]);
  const records = await ethers.deployContract("WorkerRecords", [{ ...REPUTATION_SETTINGS, ...reputationSettings }]);
  const settlement = await ethers.deployContract("Settlement");
  const implementation = await ethers.deployContract("WorkAgreement", [testers, disputes], {
    libraries: { Settlement: await settlement.getAddress() },
  });
  const dispatcher = await ethers.deployContract("WorkerDispatcher", [
    twins,
    testers,
    records,
    implementation,
    { ...SETTINGS, ...settings },
  ]);
  return { ethers, twins, testers, disputes, records, dispatcher };
}

/** The message key that tests give an account: a function of a label, so that runs are equal. */
export function messageWallet(label: string): Wallet {
  return new Wallet(id(`message key of ${label}`));
}

/** The 64 bytes that `Twins` wants. */
export function messageKeyOf(wallet: Wallet): string {
  return `0x${wallet.signingKey.publicKey.slice(4)}`;
}

export interface ProofInput {
  account: string;
  ledgerKey: string;
  nonce: bigint;
  chainId?: bigint;
  verifyingContract?: string;
}

export async function proveKey(twins: Twins, wallet: Wallet, input: ProofInput): Promise<string> {
  const provider = twins.runner?.provider;
  const chainId = input.chainId ?? (await provider?.getNetwork())?.chainId ?? 0n;
  const domain = {
    name: "SPRF Twins",
    version: "1",
    chainId,
    verifyingContract: input.verifyingContract ?? (await twins.getAddress()),
  };
  const types = {
    TwinProof: [
      { name: "account", type: "address" },
      { name: "ledgerKey", type: "bytes32" },
      { name: "nonce", type: "uint256" },
    ],
  };
  return await wallet.signTypedData(domain, types, {
    account: input.account,
    ledgerKey: input.ledgerKey,
    nonce: input.nonce,
  });
}

/** Makes a twin for a signer, with keys that follow from its address. */
export async function makeTwin(market: Market, signer: Signer): Promise<bigint> {
  const account = await signer.getAddress();
  const wallet = messageWallet(account);
  const ledgerKey = id(`ledger key of ${account}`);
  const proof = await proveKey(market.twins, wallet, { account, ledgerKey, nonce: 0n });
  await market.twins.connect(signer).register(messageKeyOf(wallet), ledgerKey, proof);
  return await market.twins.twinOf(account);
}

export interface Terms {
  pricePerBlock: bigint;
  maxLength: bigint;
  slots: bigint;
  applicationType: string;
  vettedDigests: string[];
}

export const TERMS: Terms = {
  pricePerBlock: 100n * GWEI,
  maxLength: 1_024n,
  slots: 4n,
  applicationType: ZeroHash,
  vettedDigests: [],
};

/** A twin and worker in one go; the stake is what the terms need unless it is given. */
export async function makeWorker(
  market: Market,
  signer: Signer,
  terms: Partial<Terms> = {},
  stake?: bigint,
): Promise<bigint> {
  const account = await signer.getAddress();
  if ((await market.twins.twinOf(account)) === 0n) await makeTwin(market, signer);
  const whole = { ...TERMS, ...terms };
  const lock = await market.dispatcher.lockFor(whole.pricePerBlock, whole.maxLength);
  await market.dispatcher.connect(signer).registerWorker(whole, { value: stake ?? lock * whole.slots });
  return await market.dispatcher.workerOf(account, whole.applicationType);
}

/** A twin and tester in one go. */
export async function makeTester(
  market: Market,
  signer: Signer,
  options: { fee?: bigint; capacity?: bigint; stake?: bigint } = {},
): Promise<bigint> {
  const account = await signer.getAddress();
  if ((await market.twins.twinOf(account)) === 0n) await makeTwin(market, signer);
  const { fee = 1n, capacity = 8n, stake = ETHER } = options;
  await market.testers.connect(signer).registerTester(fee, capacity, { value: stake });
  return await market.testers.testerOf(account);
}

export const REQUEST = {
  applicationType: ZeroHash,
  redundancy: 3n,
  length: 24n,
  maxPricePerBlock: 0n,
  minReputation: 0n,
  startAfter: 0n,
  testerCount: 0n,
  testerFeePerEpoch: 0n,
};

/** The address of the agreement that a purchase made; undefined when it made none. */
export async function agreementIn(
  market: Market,
  sent: Promise<ContractTransactionResponse>,
): Promise<WorkAgreement | undefined> {
  const receipt = (await (await sent).wait()) as ContractTransactionReceipt;
  for (const log of receipt.logs) {
    const parsed = market.dispatcher.interface.parseLog(log);
    if (parsed?.name === "AgreementCreated") {
      const agreement = await market.ethers.getContractAt("WorkAgreement", parsed.args[0] as string);
      return agreement;
    }
  }
  return undefined;
}

/** Buys with exactly the quoted value and hands back the agreement. */
export async function buy(
  market: Market,
  client: Signer,
  request: Partial<typeof REQUEST> = {},
): Promise<WorkAgreement> {
  const whole = { ...REQUEST, ...request };
  const value = await market.dispatcher.quoteFor(whole);
  const agreement = await agreementIn(market, market.dispatcher.connect(client).buyContractFor(whole, { value }));
  if (agreement === undefined) throw new Error("the purchase made no agreement");
  return agreement;
}

export const SALT = id("salt");

/** Verdicts in one word, 2 bits for each worker, the first one lowest. */
export function packVerdicts(verdicts: readonly bigint[]): bigint {
  return verdicts.reduce((packed, verdict, index) => packed | (verdict << BigInt(2 * index)), 0n);
}

/** The commitment formula of `IWorkAgreement`, as a daemon computes it. */
export function commitmentOf(
  agreement: string,
  epoch: bigint,
  tester: string,
  verdicts: bigint,
  evidenceCid: string,
  salt: string,
): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["address", "uint256", "address", "uint64", "string", "bytes32"],
      [agreement, epoch, tester, verdicts, evidenceCid, salt],
    ),
  );
}

/** A commitment as a member of a group: `revealMany` takes these. */
export function boundTo(commitment: string, tester: string): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "address"], [commitment, tester]));
}

/** A tester's signature that lets somebody else bring its commitment. */
export async function signCommit(
  agreement: WorkAgreement,
  tester: Signer,
  epoch: bigint,
  commitment: string,
): Promise<string> {
  const provider = agreement.runner?.provider;
  const domain = {
    name: "SPRF WorkAgreement",
    version: "1",
    chainId: (await provider?.getNetwork())?.chainId ?? 0n,
    verifyingContract: await agreement.getAddress(),
  };
  const types = {
    Commit: [
      { name: "epoch", type: "uint256" },
      { name: "commitment", type: "bytes32" },
    ],
  };
  return await tester.signTypedData(domain, types, { epoch, commitment });
}

/** A struct that a contract returned, as an object that deep equality can compare. */
export function plain(value: unknown): Record<string, unknown> {
  if (!(value instanceof Result)) throw new Error("not a struct");
  return value.toObject();
}
