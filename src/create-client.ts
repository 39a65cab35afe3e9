import { StrKey } from "@stellar/stellar-sdk";

import { createPinoLogger } from "./adapters/logger/pino.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { buyBest, type BestPurchase } from "./client/choose-and-buy.ts";
import { chooseFromMarket } from "./client/choose-workers.ts";
import { createProgram, type CreateProgramParts, type CreatedProgram } from "./client/create-program.ts";
import { execute, type ExecuteOptions, type ExecuteParts, type ExecutionResult } from "./client/execute.ts";
import { createAddresses, findWorkers, type FoundWorker } from "./client/find-workers.ts";
import { createGovernance, type ProgramGovernance } from "./client/governance.ts";
import { readHistory, type HistoryEntry } from "./client/history.ts";
import { joinContent } from "./client/join-content.ts";
import { readState, type ProgramState } from "./client/read-state.ts";
import { refuseDearer } from "./client/refuse-dearer.ts";
import {
  awaitBadWorker,
  judgeAgreement,
  replaceBadWorkers,
  type JudgedWorker,
  type Replacement,
} from "./client/replace-workers.ts";
import { resume, type ResumeParts } from "./client/resume.ts";
import { walletOf, type Wallet } from "./client/wallet.ts";
import { createPeer, type NetworkSettings } from "./create-peer.ts";
import { deriveTwinKeys, type TwinKeys } from "./domain/identity/keys.ts";
import type { WorkerChoice } from "./domain/market/choose-workers.ts";
import type { WorkerPolicy } from "./domain/market/worker-policy.ts";
import type { SmartAccount } from "./domain/program/smart-account.ts";
import { SprfError } from "./errors.ts";
import { loadSmartAccount } from "./execution/load-smart-account.ts";
import type { Agreement, AgreementState, Purchase, PurchaseRequest, Twin } from "./ports/chain.ts";
import type { Logger } from "./ports/logger.ts";
import { throwIfAborted } from "./utils/abort.ts";
import { inRequest } from "./utils/request-scope.ts";
import { isRequestId, newRequestId } from "./wire/traceparent.ts";

/** Which market to connect to, and as whom. */
export interface ConnectInit {
  readonly networks: NetworkSettings;
  /** BIP-39; or give `keys`. */
  readonly mnemonic?: string;
  readonly keys?: TwinKeys;
  /** Where content rests between connections; in memory when absent. */
  readonly dataDirectory?: string;
  /** @default one that writes warnings to stderr */
  readonly logger?: Logger;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborting rejects the call with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** Conditions of a purchase. */
export interface BuyOptions extends CallOptions {
  /** Refuse to pay more, in wei. @default the quote */
  readonly maxPriceWei?: bigint;
}

/** How a request is called in the logs of all who work on it. */
export interface RequestOptions {
  /** 32 hex digits, as the trace id of W3C Trace Context. @default a random one */
  readonly requestId?: string | undefined;
}

/** A client of the market and of the programs that it sells; all calls can be aborted. */
export interface SprfClient {
  readonly keys: TwinKeys;
  /** The wallet of this client's own ledger key. */
  readonly wallet: Wallet;
  /** Makes sure that this account has a twin with these keys. */
  ensureTwin(options?: CallOptions): Promise<Twin>;
  /** The most that the purchase can cost now, in wei. */
  quote(request: PurchaseRequest, options?: CallOptions): Promise<bigint>;
  /** Asks for a quote, sends that much, and gets back what was too much. @throws SprfError `PURCHASE_REJECTED` */
  buy(request: PurchaseRequest, options?: BuyOptions): Promise<Purchase>;
  /** As `buy`, with workers of the client's own choice, 3 testers and the default fee. */
  buyWith(workerIds: readonly number[], lengthBlocks: number, options?: BuyOptions): Promise<Purchase>;
  /** The workers that a policy would choose now, or none; either way with how many failed which condition. */
  chooseWorkers(policy: WorkerPolicy, options?: CallOptions): Promise<WorkerChoice>;
  /**
   * As `buyWith`, with the workers that a policy chooses; chooses again when one was taken in the meantime.
   *
   * @throws SprfError `NO_MATCH`, whose message says how many failed which condition; `PURCHASE_REJECTED`
   */
  buyBest(policy: WorkerPolicy, options?: BuyOptions): Promise<BestPurchase>;
  /** How an agreement's workers have done so far. */
  judgeWorkers(agreement: string, options?: CallOptions): Promise<readonly JudgedWorker[]>;
  /** Waits until a worker of the agreement is bad (at most a day, or `timeoutMs`); `undefined` when it is over and nobody was. */
  awaitBadWorker(
    agreement: string,
    options?: CallOptions & { readonly timeoutMs?: number },
  ): Promise<readonly JudgedWorker[] | undefined>;
  /**
   * Buys another agreement for the blocks that are left, with the good workers of this one and others in place of the bad ones;
   * with `terminate`, ends this one afterwards. `undefined` when no worker is bad.
   *
   * @throws SprfError `NO_MATCH`, `PURCHASE_REJECTED`, `INVALID_INPUT` for an agreement that is over
   */
  replaceBadWorkers(
    agreement: string,
    policy?: Partial<WorkerPolicy>,
    options?: BuyOptions & { readonly terminate?: boolean },
  ): Promise<Replacement | undefined>;
  /** Terms, parties and progress of an agreement. @throws SprfError `INVALID_INPUT` when the market knows none at this address */
  agreement(address: string, options?: CallOptions): Promise<Agreement & AgreementState>;
  /** Finds an agreement's workers by their public keys alone, over Waku, and connects to them. */
  findWorkers(
    agreement: string,
    options?: CallOptions & { readonly timeoutMs?: number },
  ): Promise<readonly FoundWorker[]>;
  /** Stores a file (a WASI module, an input, a first state) for the workers to fetch; returns its CID. */
  putFile(bytes: Uint8Array, options?: CallOptions): Promise<string>;
  /** Makes a smart account and, with `agreement`, binds the agreement to it. */
  createProgram(
    parts: Omit<CreateProgramParts, "wallet"> & { readonly wallet?: Wallet; readonly agreement?: string },
    options?: CallOptions,
  ): Promise<CreatedProgram>;
  /** A program as its account on the ledger says it now. */
  program(program: string, options?: CallOptions): Promise<SmartAccount>;
  /** Pays, asks all workers, compares their signed answers and anchors what a majority signed. */
  execute(
    parts: Omit<ExecuteParts, "wallet"> & { readonly wallet?: Wallet },
    options?: ExecuteOptions & RequestOptions,
  ): Promise<ExecutionResult>;
  /** Goes on with a request that was paid for, after a crash or an abort; `onProgress` gave it with the step "paying". */
  resume(
    parts: Omit<ResumeParts, "wallet"> & { readonly wallet?: Wallet },
    options?: ExecuteOptions & RequestOptions,
  ): Promise<ExecutionResult>;
  /** The state that the ledger names, fetched from the workers and checked. */
  readState(program: string, options?: CallOptions): Promise<ProgramState>;
  /** Its transactions with their records, the newest first; the workers are asked for the records. */
  history(program: string, options?: CallOptions): AsyncIterable<HistoryEntry>;
  /** What can be done about programs besides running them: changes, payouts, recovery. */
  readonly programs: ProgramGovernance;
  /** Ends all connections; safe to repeat. */
  close(): Promise<void>;
}

/**
 * Connects to the market.
 *
 * @throws SprfError `CONFIG_INVALID`, `CHAIN_UNREACHABLE`, `INVALID_INPUT` for a mnemonic that is none
 * @example
 * const sprf = await connect({ networks, mnemonic });
 * const { agreement } = await sprf.buy({ redundancy: 3, lengthBlocks: 100 });
 * const workers = await sprf.findWorkers(agreement);
 */
export async function connect(init: ConnectInit, { signal }: CallOptions = {}): Promise<SprfClient> {
  throwIfAborted(signal);
  const logger = init.logger ?? createPinoLogger({ level: "warn" });
  const keys = init.keys ?? deriveTwinKeys(requireMnemonic(init.mnemonic));
  const peer = await createPeer({
    networks: init.networks,
    keys,
    logger,
    ...(init.dataDirectory === undefined ? {} : { dataDirectory: init.dataDirectory }),
  });
  try {
    await peer.start({ signal });
  } catch (error) {
    await peer.stop();
    throw error;
  }
  const { chain } = peer;
  const ownWallet = walletOf(keys.ledgerKeypair);
  const addresses = createAddresses();
  return {
    keys,
    wallet: ownWallet,
    ensureTwin: async (options) => await peer.ensureTwin(options),
    quote: async (request, options) => await chain.quote(request, options),
    async buy(request, options) {
      const quoteWei = await chain.quote(request, options);
      refuseDearer(quoteWei, options?.maxPriceWei);
      return await chain.buy(request, quoteWei, options);
    },
    async buyWith(workerIds, lengthBlocks, options) {
      const quoteWei = await chain.quoteWith(workerIds, lengthBlocks, options);
      refuseDearer(quoteWei, options?.maxPriceWei);
      return await chain.buyWith(workerIds, lengthBlocks, quoteWei, options);
    },
    async chooseWorkers(policy, options) {
      const { lost: _lost, ...choice } = await chooseFromMarket(peer, policy, options);
      return choice;
    },
    buyBest: async (policy, options) => await buyBest(peer, policy, options),
    judgeWorkers: async (address, options) => await judgeAgreement(chain, address, options),
    awaitBadWorker: async (address, options) => await awaitBadWorker(peer, address, options),
    replaceBadWorkers: async (address, policy, options) => await replaceBadWorkers(peer, address, policy, options),
    async agreement(address, options) {
      const [agreement, state] = await Promise.all([
        chain.agreement(address, options),
        chain.agreementState(address, options),
      ]);
      if (agreement === undefined) throw new SprfError("INVALID_INPUT", `${address} is no agreement of this market`);
      return { ...agreement, ...state };
    },
    findWorkers: async (agreement, options) =>
      await findWorkers(
        {
          chain,
          dialer: peer.node,
          messenger: peer.messenger,
          messageKeys: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
          clock: peer.clock,
          random: peer.random,
          logger,
          addresses,
        },
        agreement,
        options,
      ),
    putFile: async (bytes, options) => await peer.content.putFile(bytes, options),
    async createProgram({ wallet = ownWallet, agreement, ...parts }, options = {}) {
      const created = await createProgram(peer, { ...parts, wallet }, options);
      if (agreement !== undefined) {
        const account = StrKey.decodeEd25519PublicKey(created.program);
        await chain.bindProgram(agreement, new Uint8Array(account), options);
      }
      return created;
    },
    program: async (program, options) => await loadSmartAccount(peer.ledger, program, options),
    async execute({ wallet = ownWallet, ...parts }, options) {
      return await asRequest(options, async () => {
        await joinContent(peer, parts.program, options);
        return await execute(peer, { ...parts, wallet }, options);
      });
    },
    async resume({ wallet = ownWallet, ...parts }, options) {
      return await asRequest(options, async () => {
        await joinContent(peer, parts.signed.request.program, options);
        return await resume(peer, { ...parts, wallet }, options);
      });
    },
    async readState(program, options) {
      await joinContent(peer, program, options);
      return await readState(peer, program, options);
    },
    async *history(program, options) {
      await joinContent(peer, program, options);
      yield* readHistory(peer, program, options);
    },
    programs: createGovernance(peer, ownWallet),
    close: async () => await peer.stop(),
  };
}

/** @throws SprfError `INVALID_INPUT` for an id that is none */
async function asRequest<T>(
  { requestId = newRequestId(systemRandom) }: RequestOptions = {},
  work: () => Promise<T>,
): Promise<T> {
  if (!isRequestId(requestId)) throw new SprfError("INVALID_INPUT", "requestId: expected 32 hex digits, not all 0");
  return await inRequest(requestId, work);
}

function requireMnemonic(mnemonic: string | undefined): string {
  if (mnemonic !== undefined) return mnemonic;
  throw new SprfError("CONFIG_INVALID", "connect needs a mnemonic or keys");
}
