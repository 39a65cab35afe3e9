// Transactions a second that the development ledger takes through its RPC, in memory and in a file, against the bare ledger in
// the same run; and how long closes with 1,000 payments take. Client and server share this process, as in npm start.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Account, Asset, Keypair, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import type { xdr } from "@stellar/stellar-sdk";

import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createStellarDevnet, type StellarDevnet } from "../src/devnet/stellar/create-stellar-devnet.ts";
import { createDevelopmentLedger, rootKeypair } from "../src/devnet/stellar/ledger/development-ledger.ts";
import type { ClosedLedger } from "../src/devnet/stellar/ledger/close-ledger.ts";
import { MAX_OPERATIONS_PER_TRANSACTION, startingSequenceNumber } from "../src/devnet/stellar/ledger/parameters.ts";
import { percentile, round, timing, writeReport, type ReportRow } from "./report.ts";

const PAYMENTS = Number(process.argv[2] ?? 1_000);
const RUNS = 5;
const ON_DEMAND = 300;
const AT_ONCE = 16;
/** Room enough that no fee rises and nobody waits. */
const MAX_OPERATIONS = 2 * PAYMENTS + MAX_OPERATIONS_PER_TRANSACTION;
const NEVER_MS = 3_600_000;
const MS_PER_SECOND = 1_000;

/** A network of its own for each sample: the ledger remembers signatures that it has seen. */
let networks = 0;
const nextPassphrase = (): string => `SPRF Benchmark Network ${networks++} ; 2026`;

const payers = Array.from({ length: PAYMENTS }, (_, i) =>
  Keypair.fromRawEd25519Seed(Buffer.from(String(i).padStart(32, "0"))),
);
const folder = await mkdtemp(join(tmpdir(), "sprf-bench-ledger-"));
try {
  const bare: Sample[] = [];
  const memory: Sample[] = [];
  const file: Sample[] = [];
  // In turns, so that whatever else the machine does falls on all.
  for (let run = 0; run < RUNS; run++) {
    bare.push(measureBare());
    memory.push(await measureRpc(undefined));
    file.push(await measureRpc(join(folder, `${run}.sqlite`)));
  }
  const bound = rateOf(bare);
  const row = (name: string, samples: readonly Sample[]): ReportRow => {
    const value = rateOf(samples);
    return { name, value, unit: "1/s", bound, ratio: round(value / bound) };
  };
  const closes = (samples: readonly Sample[]): number[] => samples.map(({ closeMs }) => closeMs);
  await writeReport("ledger", [
    row(`payments through RPC, ${PAYMENTS} a ledger, ${AT_ONCE} at a time`, memory),
    row("the same, the ledger in a file", file),
    { name: "the same on the bare ledger: submit and close", value: bound, unit: "1/s" },
    timing(`a close with ${PAYMENTS} payments, written to memory`, closes(memory)),
    timing("the same, written to a file", closes(file)),
    timing("the same on the bare ledger", closes(bare)),
    timing("a payment on demand through RPC, landed when it is answered", await measureOnDemand(undefined)),
    timing("the same, the ledger in a file", await measureOnDemand(join(folder, "on-demand.sqlite"))),
  ]);
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Sample {
  readonly perSecond: number;
  readonly closeMs: number;
}

function rateOf(samples: readonly Sample[]): number {
  return round(
    percentile(
      samples.map(({ perSecond }) => perSecond),
      0.5,
    ),
  );
}

/** Envelopes into the bare ledger, and one close: no RPC, no store. */
function measureBare(): Sample {
  const passphrase = nextPassphrase();
  const ledger = createDevelopmentLedger({
    parameters: {
      networkPassphrase: passphrase,
      protocolVersion: 19,
      baseFeeStroops: 100n,
      baseReserveStroops: 5_000_000n,
      maxOperationsPerLedger: MAX_OPERATIONS,
    },
    queueRule: "chain",
  });
  const closeLedger = (): ClosedLedger => ledger.close({ closeTime: ledger.header().closeTime });
  for (const envelope of funding(passphrase)) expectPending(ledger.submit(ledger.decode(envelope)).status);
  const envelopes = payments(passphrase, closeLedger().header.sequence);
  const began = performance.now();
  for (const envelope of envelopes) expectPending(ledger.submit(ledger.decode(envelope)).status);
  const submitted = performance.now();
  return sample(began, submitted, closeLedger().transactions.length);
}

/** The same envelopes over HTTP, as clients send them, and a close that is stored. */
async function measureRpc(databasePath: string | undefined): Promise<Sample> {
  const passphrase = nextPassphrase();
  const network = await startNetwork(passphrase, NEVER_MS, databasePath);
  try {
    for (const envelope of funding(passphrase)) await submit(network.rpcUrl, envelope);
    const envelopes = payments(passphrase, network.closeLedger().header.sequence);
    const began = performance.now();
    let next = 0;
    const send = async (): Promise<void> => {
      for (let i = next++; i < envelopes.length; i = next++) await submit(network.rpcUrl, envelopes[i] ?? "");
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    const submitted = performance.now();
    return sample(began, submitted, network.closeLedger().transactions.length);
  } finally {
    await network.stop();
  }
}

async function measureOnDemand(databasePath: string | undefined): Promise<number[]> {
  const passphrase = nextPassphrase();
  const root = rootKeypair(passphrase);
  const network = await startNetwork(passphrase, 0, databasePath);
  const tookMs: number[] = [];
  try {
    for (let i = 0; i < ON_DEMAND; i++) {
      const envelope = signed(passphrase, root, BigInt(i), [pay(root)]);
      const began = performance.now();
      await submit(network.rpcUrl, envelope);
      tookMs.push(performance.now() - began);
    }
  } finally {
    await network.stop();
  }
  return tookMs;
}

async function startNetwork(
  networkPassphrase: string,
  closeEveryMs: number,
  databasePath: string | undefined,
): Promise<StellarDevnet> {
  return await createStellarDevnet({
    logger: createMemoryLogger(),
    networkPassphrase,
    queueRule: "chain",
    closeEveryMs,
    maxOperationsPerLedger: MAX_OPERATIONS,
    ...(databasePath !== undefined && { databasePath }),
  });
}

async function submit(rpcUrl: string, transaction: string): Promise<void> {
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "sendTransaction", params: { transaction } }),
  });
  const { result } = (await response.json()) as { readonly result?: { readonly status: string } };
  expectPending(result?.status);
}

function expectPending(status: string | undefined): void {
  if (status !== "PENDING") throw new Error(`a transaction came back with ${status}`);
}

/** Transactions of the root account that create all payers. */
function funding(passphrase: string): string[] {
  const root = rootKeypair(passphrase);
  const envelopes: string[] = [];
  for (let from = 0; from < PAYMENTS; from += MAX_OPERATIONS_PER_TRANSACTION) {
    const create = payers
      .slice(from, from + MAX_OPERATIONS_PER_TRANSACTION)
      .map((payer) => Operation.createAccount({ destination: payer.publicKey(), startingBalance: "100" }));
    envelopes.push(signed(passphrase, root, BigInt(envelopes.length), create));
  }
  return envelopes;
}

/** One payment of every payer, whose accounts came into being in the given ledger. */
function payments(passphrase: string, createdIn: number): string[] {
  const number = startingSequenceNumber(createdIn);
  return payers.map((payer, i) => signed(passphrase, payer, number, [pay(payers[i + 1] ?? payer)]));
}

function pay(to: Keypair): xdr.Operation {
  return Operation.payment({ destination: to.publicKey(), asset: Asset.native(), amount: "1" });
}

function signed(
  networkPassphrase: string,
  source: Keypair,
  after: bigint,
  operations: readonly xdr.Operation[],
): string {
  const account = new Account(source.publicKey(), String(after));
  const builder = new TransactionBuilder(account, { fee: "100", networkPassphrase });
  for (const operation of operations) builder.addOperation(operation);
  const transaction = builder.setTimeout(0).build();
  transaction.sign(source);
  return transaction.toXdr();
}

function sample(began: number, submitted: number, applied: number): Sample {
  const ended = performance.now();
  if (applied !== PAYMENTS) throw new Error(`${applied} of ${PAYMENTS} payments were applied`);
  return { perSecond: (PAYMENTS * MS_PER_SECOND) / (ended - began), closeMs: ended - submitted };
}
