import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Keypair } from "@stellar/stellar-sdk";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createWasiEngine } from "../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createStellarRpcLedger } from "../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createHttpWorkerApi } from "../../src/adapters/worker-api/http.ts";
import { createProgram, type CreateProgramParts } from "../../src/client/create-program.ts";
import type { ExecuteComponents } from "../../src/client/execute.ts";
import { payBaseFee } from "../../src/client/pay.ts";
import { walletOf, type Wallet } from "../../src/client/wallet.ts";
import { createStellarDevnet, type StellarDevnet } from "../../src/devnet/stellar/create-stellar-devnet.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import type { SmartAccount } from "../../src/domain/program/smart-account.ts";
import { loadSmartAccount } from "../../src/execution/load-smart-account.ts";
import { readRecord } from "../../src/execution/read-record.ts";
import { findTip } from "../../src/execution/tip.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { LandedTransaction } from "../../src/ports/ledger.ts";
import { fromHex, utf8 } from "../../src/utils/bytes.ts";
import {
  hashRequest,
  signRequest,
  type ExecutionRequest,
  type SignedRequest,
} from "../../src/wire/execution-request.ts";
import type { TransitionRecord } from "../../src/wire/record.ts";
import { createSequence } from "./address-scene.ts";
import { createSceneWorker, type SceneWorker } from "./scene-worker.ts";

const PROGRAMS = {
  bookkeeping: new URL("../../examples/programs/bookkeeping-wasi/bookkeeping.wasm", import.meta.url),
  /** Does what the first line of its input says. */
  probe: new URL("../src/adapters/engine/fixtures/probe.wasm", import.meta.url),
};

export type SceneProgram = keyof typeof PROGRAMS;

/** A clock that runs with the machine's, but may be put forward. */
export interface ShiftedClock extends Clock {
  shiftMs: number;
}

export interface ExecutionScene {
  readonly devnet: StellarDevnet;
  readonly workers: readonly SceneWorker[];
  /** The client's parts; its content store can be asked by all workers. */
  readonly client: ExecuteComponents & { readonly content: CollectingContentStore };
  readonly clock: ShiftedClock;
  readonly lines: LogLine[];
  readonly logger: Logger;
  readonly scratchDirectory: string;
  /** A content store that reaches all others of the scene, and they it. */
  addStore(): Promise<CollectingContentStore>;
  /** A funded account of its own. */
  user(): Promise<Wallet>;
  /** Gives every worker an account on the ledger, from which it pays for batches. */
  fundWorkers(): Promise<void>;
  /** CID of a program's module. */
  module(program: SceneProgram): Promise<string>;
  /** Makes a smart account of the scene's workers. */
  program(
    program: SceneProgram | { readonly cid: string },
    changes?: Partial<CreateProgramParts["terms"]>,
  ): Promise<string>;
  account(program: string): Promise<SmartAccount>;
  request(changes: Pick<ExecutionRequest, "program" | "user"> & Partial<ExecutionRequest>): ExecutionRequest;
  /** Pays the base fee of a request and signs it. */
  paid(
    wallet: Wallet,
    program: string,
    input: string,
    changes?: Partial<ExecutionRequest>,
  ): Promise<{ readonly signed: SignedRequest; readonly requestHash: Uint8Array; readonly payment: LandedTransaction }>;
  /** The record of the transaction that set the program's state last, as a worker other than the client serves it. */
  lastTransition(program: string): Promise<TransitionRecord>;
  stop(): Promise<void>;
}

/** The development ledger, workers with their HTTP APIs, and a client, in one process and over loopback. */
export async function createExecutionScene({
  workers: count = 3,
  closeEveryMs = 0,
}: { readonly workers?: number; readonly closeEveryMs?: number } = {}): Promise<ExecutionScene> {
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const clock: ShiftedClock = {
    shiftMs: 0,
    now: () => systemClock.now() + clock.shiftMs,
    sleep: async (ms, options) => await systemClock.sleep(ms, options),
  };
  const random = createSequence();
  const scratchDirectory = await mkdtemp(join(tmpdir(), "sprf-scene-"));
  const devnet = await createStellarDevnet({ logger, closeEveryMs, clock });
  const stores: CollectingContentStore[] = [];
  const addStore = async (): Promise<CollectingContentStore> => {
    const store = createMemoryContentStore({ peers: () => stores.filter((other) => other !== store), clock, logger });
    await store.start();
    stores.push(store);
    return store;
  };
  const newLedger = (): ReturnType<typeof createStellarRpcLedger> =>
    createStellarRpcLedger({ rpcUrl: devnet.rpcUrl, networkPassphrase: devnet.networkPassphrase });
  const content = await addStore();
  const engine = createWasiEngine({ content, logger }, { scratchDirectory });
  const workers: SceneWorker[] = [];
  for (let n = 1; n <= count; n += 1) {
    const parts = { n, ledger: newLedger(), content: await addStore(), engine, clock, logger, scratchDirectory };
    workers.push(await createSceneWorker(parts));
  }
  const client = { ledger: newLedger(), content, workerApi: createHttpWorkerApi(), clock, random };

  const scene: ExecutionScene = {
    devnet,
    workers,
    client,
    clock,
    lines,
    logger,
    scratchDirectory,
    addStore,
    async user() {
      const wallet = walletOf(Keypair.fromRawEd25519Seed(Buffer.from(random.bytes(32))));
      await fundAccount(devnet.friendbotUrl, wallet.account);
      return wallet;
    },
    async fundWorkers() {
      await Promise.all(workers.map(({ ledgerKey }) => fundAccount(devnet.friendbotUrl, ledgerKey.publicKey())));
    },
    module: async (program) => await content.putFile(await readFile(PROGRAMS[program])),
    async program(program, changes = {}) {
      const cid = typeof program === "string" ? await scene.module(program) : program.cid;
      const owner = await scene.user();
      const created = await createProgram(client, {
        wallet: owner,
        terms: {
          program: { kind: "wasi", cid },
          baseFeeStroops: 1_000n,
          gasPriceStroops: 1_000n,
          workers: workers.map(({ url, ledgerKey }) => ({ address: url, ledgerKey: ledgerKey.publicKey() })),
          ...changes,
        },
      });
      return created.program;
    },
    account: async (program) => await loadSmartAccount(client.ledger, program),
    request: (changes) => ({
      version: 1,
      network: devnet.networkPassphrase,
      input: { bytes: new Uint8Array() },
      nonce: new Uint8Array(random.bytes(32)),
      maxGas: 1_000_000n,
      validUntil: BigInt(Math.floor(clock.now() / 1_000) + 300),
      ...changes,
    }),
    async paid(wallet, program, input, changes = {}) {
      const bytes = new Uint8Array(utf8(input));
      const request = scene.request({ program, user: wallet.account, input: { bytes }, ...changes });
      const requestHash = hashRequest(request);
      const account = await scene.account(program);
      const payment = await payBaseFee(client, { program: account, wallet, requestHash });
      return { signed: signRequest(request, fromHex(payment.hash), wallet.signers[0]), requestHash, payment };
    },
    async lastTransition(program) {
      const { recordCid } = await findTip(client.ledger, await scene.account(program));
      const record = await readRecord(workers[0]?.content ?? content, recordCid);
      if (record.kind !== "transition") throw new Error(`the last record is of kind ${record.kind}`);
      return record;
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await engine.close();
      await Promise.all(stores.map((store) => store.stop()));
      await devnet.stop();
      await rm(scratchDirectory, { recursive: true, force: true });
    },
  };
  return scene;
}
